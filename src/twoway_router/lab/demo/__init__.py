"""The demo: a shared short code with two tenants and a dedicated long number, texted by a handful of handsets.

``cli`` calls ``start``. It uses only what any user has: the management API and the carrier's address.
"""
