"""What operators see of a process: logs, metrics, and how people and secrets are masked in them."""
