"""Rules and values of coverage and cost split: plain Python, no await, no SQL, no proto, no clock."""
