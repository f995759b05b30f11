"""Carriers sans-I/O: specs as data, one engine that verifies, parses, acknowledges and writes requests. Knows no client."""
