"""Coverage-guided fuzzing of everything that reads bytes or texts of strangers. Run by `make fuzz` (docs/testing.md)."""
