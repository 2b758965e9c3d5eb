"""The order of calls: one module for each journey, all of them over the same legs."""
