"""Routing: which tenant, keyword and sub-keyword a message belongs to. Pure: no SQL, no network, no clock."""
