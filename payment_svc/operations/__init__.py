"""The verbs of the money part, one transaction each."""
