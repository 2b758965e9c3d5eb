"""Messages to values and back: one module for each gRPC service; pure."""
