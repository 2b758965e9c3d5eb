"""The HTTP front: JSON from the same descriptors and handlers as gRPC, the bank's webhooks, health."""
