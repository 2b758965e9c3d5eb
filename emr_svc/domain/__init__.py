"""Rules and values of the record; plain Python."""
