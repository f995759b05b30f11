"""Tenants and API keys. Called by ``management`` and the command line."""
