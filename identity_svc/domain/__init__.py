"""Rules and values of identity: plain Python, no await, no SQL, no proto, no clock."""
