"""SQL of MTs, one file per step of the path. Set-based: one statement per batch, whatever its size."""
