"""How a simulated carrier behaves: its capability, its faults, its receipts and how it retries. Pure; asked by ``carrier``."""

import random
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, field_validator

from twoway_router.domain.messages import Capability


class Fault(StrEnum):
    """What goes wrong with one send. The first four happen after the carrier has taken the MT."""

    SLOW = "slow"
    DROP = "drop"
    ERROR = "error"
    WRONG_JSON = "wrong_json"
    RESET = "reset"
    THROTTLED = "throttled"

    @property
    def is_accepted(self) -> bool:
        """Whether the handset gets the MT although the sender may not learn of it."""
        return self not in (Fault.RESET, Fault.THROTTLED)


class Receipts(StrEnum):
    """When delivery receipts come: not at all, soon, before the send's answer, late, or twice."""

    NONE = "none"
    SOON = "soon"
    EARLY = "early"
    LATE = "late"
    TWICE = "twice"


class RetryRule(BaseModel):
    """How the carrier repeats an MO or a receipt that was not answered with 2xx."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tries: int = Field(1000, ge=1, description="1 is a carrier that tries once and forgets.")
    first_seconds: float = Field(0.1, gt=0)
    factor: float = Field(2.0, ge=1)
    longest_seconds: float = Field(2.0, gt=0)
    timeout_seconds: float = Field(15.0, gt=0, description="How long one try waits for its answer.")

    def pause_after(self, attempt: int) -> float:
        """Seconds between try number ``attempt`` (from 1) and the next one."""
        return min(self.longest_seconds, self.first_seconds * self.factor ** min(attempt - 1, 32))


class Behaviour(BaseModel):
    """Everything that can be chosen, at the start or through the control endpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Capability = Capability.IDEMPOTENT
    faults: dict[Fault, float] = Field(default_factory=dict, description="Probability of each fault.")
    seed: int = 0
    slow_seconds: float = Field(2.0, ge=0)
    receipts: Receipts = Receipts.NONE
    receipt_url: str | None = None
    receipt_headers: dict[str, str] = Field(default_factory=dict)
    receipt_soon_seconds: float = Field(0.02, ge=0)
    receipt_late_seconds: float = Field(2.0, ge=0)
    retry: RetryRule = RetryRule()

    @field_validator("faults")
    @classmethod
    def _at_most_one(cls, value: dict[Fault, float]) -> dict[Fault, float]:
        if any(rate < 0 for rate in value.values()) or sum(value.values()) > 1:
            raise ValueError("the probabilities of the faults must not exceed 1 together")
        return value


def choose_fault(behaviour: Behaviour, reference: str, attempt: int) -> Fault | None:
    """The fault of try number ``attempt`` of this reference: the same for the same seed, whatever the order of requests."""
    if not behaviour.faults:
        return None
    chance = random.Random(f"{behaviour.seed}/{reference}/{attempt}").random()  # noqa: S311 a replayable choice, no secret
    for fault, rate in sorted(behaviour.faults.items()):
        if chance < rate:
            return fault
        chance -= rate
    return None


def receipt_delays(behaviour: Behaviour) -> tuple[float, ...]:
    """Seconds after the send's answer at which receipts go out; none when they are early or not wanted."""
    match behaviour.receipts:
        case Receipts.SOON:
            return (behaviour.receipt_soon_seconds,)
        case Receipts.LATE:
            return (behaviour.receipt_late_seconds,)
        case Receipts.TWICE:
            return (behaviour.receipt_soon_seconds, behaviour.receipt_late_seconds)
        case Receipts.NONE | Receipts.EARLY:
            return ()
