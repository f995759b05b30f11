"""How a simulated carrier behaves: its capability, its faults, its receipts and how it retries. Pure; asked by ``carrier``."""

import random
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, field_validator

from twoway_router.domain.messages import Capability


class Fault(StrEnum):
    """What goes wrong with one send. The first four happen after the carrier has taken the MT.

    ``hidden_failure`` is a refusal that stands in the body of a 2xx.
    """

    SLOW = "slow"
    DROP = "drop"
    ERROR = "error"
    WRONG_JSON = "wrong_json"
    RESET = "reset"
    THROTTLED = "throttled"
    HIDDEN = "hidden_failure"
    PERMANENT = "permanent"
    OPTED_OUT = "opted_out"

    @property
    def is_accepted(self) -> bool:
        """Whether the handset gets the MT although the sender may not learn of it."""
        return self in (Fault.SLOW, Fault.DROP, Fault.ERROR, Fault.WRONG_JSON)

    @property
    def is_worded(self) -> bool:
        """Whether it is an answer in the carrier's own words, which some carriers do not have."""
        return self in (Fault.THROTTLED, Fault.HIDDEN, Fault.PERMANENT, Fault.OPTED_OUT)


class Receipts(StrEnum):
    """When delivery receipts come: not at all, soon, before the send's answer, late, twice, in order or the wrong order."""

    NONE = "none"
    SOON = "soon"
    EARLY = "early"
    LATE = "late"
    TWICE = "twice"
    PROGRESS = "progress"
    DISORDER = "disorder"


class Report(StrEnum):
    """What a receipt says, whatever the carrier's word for it. ``opted_out``: failed, because the recipient stopped it."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    REJECTED = "rejected"
    OPTED_OUT = "opted_out"


class RetryRule(BaseModel):
    """How the carrier repeats an MO or a receipt that was not acknowledged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tries: int = Field(1000, ge=1, description="1 is a carrier that tries once and forgets.")
    first_seconds: float = Field(0.1, gt=0)
    factor: float = Field(2.0, ge=1)
    longest_seconds: float = Field(2.0, gt=0)
    timeout_seconds: float = Field(15.0, gt=0, description="How long one try waits for its answer.")

    def pause_after(self, attempt: int) -> float:
        """Seconds between try number ``attempt`` (from 1) and the next one."""
        return min(self.longest_seconds, self.first_seconds * self.factor ** min(attempt - 1, 32))

    def scaled(self, scale: float) -> "RetryRule":
        """The same in a time that runs faster; how long an answer may take stays."""
        return self.model_copy(
            update={"first_seconds": self.first_seconds * scale, "longest_seconds": self.longest_seconds * scale}
        )


class Behaviour(BaseModel):
    """Everything that can be chosen, at the start or through the control endpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Capability | None = Field(None, description="What settles a lost answer; none: what the carrier has.")
    faults: dict[Fault, float] = Field(default_factory=dict, description="Probability of each fault.")
    seed: int = 0
    slow_seconds: float = Field(2.0, ge=0)
    receipts: Receipts = Receipts.NONE
    report: Report = Field(Report.DELIVERED, description="What receipts say in the end.")
    receipt_url: str | None = Field(None, description="Where receipts go that have no address in their MT.")
    receipt_headers: dict[str, str] = Field(default_factory=dict)
    receipt_soon_seconds: float = Field(0.02, ge=0)
    receipt_late_seconds: float = Field(2.0, ge=0)
    retry: RetryRule | None = Field(None, description="Instead of the carrier's own schedule.")
    time_scale: float = Field(0.01, gt=0, le=1, description="How fast the carrier's own schedule runs.")

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


def receipt_plan(behaviour: Behaviour) -> tuple[tuple[float, Report], ...]:
    """What receipts say and how many seconds after the send's answer; none when they are early or off."""
    soon, late, end = behaviour.receipt_soon_seconds, behaviour.receipt_late_seconds, behaviour.report
    match behaviour.receipts:
        case Receipts.SOON:
            return ((soon, end),)
        case Receipts.LATE:
            return ((late, end),)
        case Receipts.TWICE:
            return ((soon, end), (late, end))
        case Receipts.PROGRESS:
            return ((soon, Report.ACCEPTED), (late, end))
        case Receipts.DISORDER:
            return ((soon, end), (late, Report.ACCEPTED))
        case Receipts.NONE | Receipts.EARLY:
            return ()
