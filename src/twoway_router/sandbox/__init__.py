"""Tenants' sandboxes: numbers, inbound messages, and a simulated carrier that nothing leaves."""
