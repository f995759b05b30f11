"""Whether a constraint refused what was written: uniqueness is never looked up before. Called by services."""

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
