"""Reads specs from YAML and names what is wrong with them. For the registry, the start of a process and the command line."""
