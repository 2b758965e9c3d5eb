"""Values and refusals of the gateway; plain Python."""
