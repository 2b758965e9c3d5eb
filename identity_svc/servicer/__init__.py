"""The edge of identity: one module for each gRPC service; decode, call one operation, encode."""
