"""The edge of insurance: one module for each gRPC service; decode, call one operation, encode."""
