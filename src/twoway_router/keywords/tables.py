"""Keywords, the spellings that claim keys on a number, and every revision a message may still have to run."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from twoway_router.store.base import Base, one_of


class Keywords(Base):
    """A word that a tenant holds on a number. ``definition`` is the newest revision (``definitions.KeywordDefinition``).

    ``expires_at`` is when its tenant wants it given back; ``releases_at`` when it will be, once the tenant was notified.
    ``hold_note`` is why an operator holds it back: until it is lifted an active keyword routes as a suspended one. What an
    operator has suspended its tenant cannot resume. ``choice_keys`` are those of keywords that would meet a choice of its
    questions.
    """

    __tablename__ = "keywords"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    number_id: Mapped[UUID] = mapped_column(ForeignKey("numbers.id"))
    word: Mapped[str]
    state: Mapped[str]
    revision: Mapped[int]
    definition: Mapped[dict[str, Any]]
    active_from: Mapped[datetime | None]
    active_until: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    releases_at: Mapped[datetime | None]
    hold_note: Mapped[str | None]
    is_operators_suspension: Mapped[bool] = mapped_column(server_default=sql("false"))
    choice_keys: Mapped[list[str]] = mapped_column(server_default=sql("'{}'"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        one_of("state", "requested", "approved", "active", "suspended", "released"),
        Index("ix_keywords_tenant_id_id", "tenant_id", "id"),
        Index("ix_keywords_number_id_tenant_id", "number_id", "tenant_id"),
        Index(
            "ix_keywords_expires_at",
            "expires_at",
            postgresql_where=sql("expires_at IS NOT NULL AND state <> 'released'"),
        ),
        Index(
            "ix_keywords_releases_at",
            "releases_at",
            postgresql_where=sql("releases_at IS NOT NULL AND state <> 'released'"),
        ),
        Index(
            "ix_keywords_choice_keys",
            "choice_keys",
            postgresql_using="gin",
            postgresql_where=sql("choice_keys <> '{}'"),
        ),
    )

    @property
    def is_held(self) -> bool:
        """An operator holds it back or has suspended it: only an operator changes, resumes or releases it."""
        return self.hold_note is not None or (self.state == "suspended" and self.is_operators_suspension)

    @property
    def given_back_at(self) -> datetime | None:
        """When it is given back by itself, as far as that is known."""
        moments = [moment for moment in (self.expires_at, self.releases_at) if moment is not None]
        return min(moments) if moments and self.state != "released" else None


class KeywordSpellings(Base):
    """A claimed key on a number: the word itself or an alias. The exclusion is what decides a race of two claims.

    ``period`` is the keyword's activity window and the day that must follow it; without ends where the window has none,
    empty while the word rests. A tenant has a key once on a number, at whatever time.
    """

    __tablename__ = "keyword_spellings"

    keyword_id: Mapped[UUID] = mapped_column(ForeignKey("keywords.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    number_id: Mapped[UUID]
    tenant_id: Mapped[UUID]
    text: Mapped[str]
    mask: Mapped[int] = mapped_column(BigInteger)
    is_alias: Mapped[bool] = mapped_column(Boolean)
    period: Mapped[Range[datetime]] = mapped_column(TSTZRANGE(), deferred=True)

    __table_args__ = (
        UniqueConstraint("number_id", "key", "tenant_id", name="uq_keyword_spellings_number_id"),
        ExcludeConstraint(
            ("number_id", "="), ("key", "="), ("period", "&&"), using="gist", name="ex_keyword_spellings_period"
        ),
    )


class KeywordPlaces(Base):
    """How many messages a keyword with a limit has served, over all its revisions."""

    __tablename__ = "keyword_places"

    keyword_id: Mapped[UUID] = mapped_column(primary_key=True)
    taken: Mapped[int]


class KeywordUses(Base):
    """The day of a keyword's last message, for the release of idle ones. Apart from ``keywords``: an executor writes here."""

    __tablename__ = "keyword_uses"

    keyword_id: Mapped[UUID] = mapped_column(primary_key=True)
    last_on: Mapped[date]


class KeywordRevisions(Base):
    """An immutable definition. An MO stores the revision it matched and is run with that one."""

    __tablename__ = "keyword_revisions"

    keyword_id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    definition: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
