"""Measurements that decide something; each prints a table and says whether its bar holds."""
