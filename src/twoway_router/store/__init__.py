"""PostgreSQL, the one truth: engine, transactions, outbox, change feed, group commit. Called by every slice with state."""

from twoway_router.store.transaction import Engine, OneTenant, Scope, Session, SeveralTenants, System, transaction

__all__ = ["Engine", "OneTenant", "Scope", "Session", "SeveralTenants", "System", "transaction"]
