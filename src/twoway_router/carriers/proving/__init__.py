"""Proofs that a request comes from the carrier: keys, passwords, signatures, certificates. Compiled by ``engine``."""
