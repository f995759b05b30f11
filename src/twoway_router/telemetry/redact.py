"""Masks people and secrets before anything is logged."""

_SECRET_HEADERS = (
    "authorization",
    "cookie",
    "apikey",
    "api-key",
    "token",
    "access-key",
    "secret",
    "password",
    "signature",
    "proxy-authorization",
)


def mask(address: str) -> str:
    """``+34600123456`` → ``+346•••456``: enough to recognise in a conversation, not enough to call."""
    return address if len(address) <= 6 else f"{address[:4]}•••{address[-3:]}"


def is_secret_name(name: str) -> bool:
    """Whether a header, query or field name usually carries a credential."""
    lowered = name.lower().replace("_", "-")
    return lowered in ("key", "sig", "pass") or any(part in lowered for part in _SECRET_HEADERS)
