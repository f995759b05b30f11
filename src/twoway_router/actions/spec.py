"""The base of every action's spec: what a tenant writes, as the API takes it and as keyword revisions keep it."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from twoway_router.actions.conditions import Condition

VARIABLES: Final = frozenset(
    (
        "message.text",
        "message.rest",
        "message.sender",
        "keyword.word",
        "sub_keyword",
        "number.address",
        "tenant.name",
    )
)
"""What every template may say."""
ActionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class Part(BaseModel):
    """Base of everything inside a definition: unknown fields are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ActionBase(Part):
    """What all actions have: a name for their values, and a condition. A kind's spec names its ``kind``."""

    name: ActionName | None = Field(None, description="What later actions call this one's values and its outcome by.")
    condition: Condition | None = Field(None, description="Whether it runs; left out: always.")
    kind: str
