"""Texts with variables, written by tenants and operators, as Liquid templates. Pure."""
