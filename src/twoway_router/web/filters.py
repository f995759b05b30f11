"""Filters that several lists of the API share."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

Address = Annotated[str | None, Query(max_length=64, examples=["+393200000001"])]
OfTenant = Annotated[UUID | None, Query(description="For operators; a tenant sees only its own.")]


def address_of(text: str | None) -> str | None:
    """A plus that nobody encoded arrives as a space."""
    return f"+{text[1:]}" if text and text.startswith(" ") else text
