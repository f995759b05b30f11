"""SQL of MOs, one file per purpose. Set-based: one statement per batch, whatever its size."""
