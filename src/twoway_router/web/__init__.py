"""What every operation of the management API is built on: authentication, problems, transactions, idempotency, pages."""
