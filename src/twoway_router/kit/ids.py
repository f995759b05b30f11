"""UUIDv7: ids made in the app, ordered by time. PostgreSQL below 18 has no function for them."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """A fresh UUIDv7 (RFC 9562); ids made by one process are strictly increasing."""
    return uuid_utils.compat.uuid7()
