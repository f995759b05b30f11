"""Uniqueness is the database's word: write, and hear whether a constraint said no. Called by slices' services."""

from sqlalchemy.exc import IntegrityError

from twoway_router.store.transaction import Session


async def is_flushed(session: Session) -> bool:
    """Send pending changes; False when a unique, foreign key or check constraint refused them.

    After False the transaction can only be rolled back: raise the conflict.
    """
    try:
        await session.flush()
    except IntegrityError:
        return False
    return True
