"""The kit of the management API: authentication, problems, transactions, idempotency, pages. Mounted by ``management``."""
