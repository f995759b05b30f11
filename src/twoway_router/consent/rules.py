"""Pure parts of consent: why a recipient is suppressed and what a STOP and a claim wait for each other on."""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Final
from uuid import UUID

LOCKS: Final = 1
"""First key of the two-key advisory locks of consent; other slices use other first keys."""


class SuppressionReason(StrEnum):
    WORD = "opt_out_word"
    CARRIER = "carrier"
    API = "api"


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody on a number: what opt-outs and claims lock."""

    number_id: UUID
    msisdn: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipient:
    """Somebody on a number and who would write to them: a tenant, or (None) the number itself."""

    number_id: UUID
    msisdn: str
    tenant_id: UUID | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentChange:
    """A person and the MO that changed their mind, if one did. Without a tenant it is about everything on the number.

    Ids are ordered by time, so a later STOP beats an older START.
    """

    number_id: UUID
    msisdn: str
    inbound_message_id: UUID | None = None
    tenant_id: UUID | None = None

    @property
    def person(self) -> Person:
        return Person(number_id=self.number_id, msisdn=self.msisdn)

    @property
    def recipient(self) -> Recipient:
        return Recipient(number_id=self.number_id, msisdn=self.msisdn, tenant_id=self.tenant_id)


def lock_key(person: Person) -> int:
    """A signed 32-bit hash of a person."""
    digest = blake2b(person.number_id.bytes + person.msisdn.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big", signed=True)
