"""The carriers by the name that connections use: those built in, and an operator's own once ``add_carriers`` was called."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import yaml

from twoway_router.carriers.checking.spec_files import read_spec
from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.spec import CarrierSpec

BUILT_IN: Final = (
    "46elks",
    "africastalking",
    "aws",
    "azure",
    "bandwidth",
    "bird",
    "clickatell_legacy",
    "clickatell_one",
    "clickatell_platform",
    "clicksend",
    "cm",
    "generic",
    "infobip",
    "jasmin",
    "kannel",
    "messagebird",
    "plivo",
    "sinch",
    "telnyx",
    "twilio",
    "vonage",
    "vonage_messages",
)
"""A name here is a file in ``specs``."""

SANDBOX: Final = "sandbox"
"""The simulated carrier of tenants' sandboxes, to which operators make no connections."""

_SPECS: Final = Path(__file__).parent / "specs"
_LOADER: Final[type[yaml.SafeLoader]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Eight times as fast. For our own files only: it has no bound on nesting."""


@cache
def _read_built_in(name: str) -> CarrierSpec:
    return read_spec((_SPECS / f"{name}.yaml").read_bytes(), _LOADER)


class Carriers(Mapping[str, CarrierSpec]):
    """Carriers that operators can connect. A built-in one is read when it is first asked for."""

    def __init__(self) -> None:
        self.own: dict[str, CarrierSpec] = {}

    def __getitem__(self, name: str) -> CarrierSpec:
        return _read_built_in(name) if name in BUILT_IN else self.own[name]

    def __iter__(self) -> Iterator[str]:
        yield from BUILT_IN
        yield from self.own

    def __len__(self) -> int:
        return len(BUILT_IN) + len(self.own)


CARRIERS: Final = Carriers()


def carrier_of(name: str) -> CarrierSpec:
    """The carrier of a connection, one that operators connect or the simulated one of sandboxes; raises KeyError."""
    return _read_built_in(SANDBOX) if name == SANDBOX else CARRIERS[name]


def add_carriers(specs: Iterable[CarrierSpec]) -> None:
    """Add an operator's carriers. Called once, at the start of a process; a built-in name may not be taken."""
    for spec in specs:
        refuse_taken_name(spec)
        if spec.name not in BUILT_IN:
            CARRIERS.own[spec.name] = spec


def refuse_taken_name(spec: CarrierSpec) -> None:
    """Raises SpecError when another carrier has the name."""
    if spec.name == SANDBOX or CARRIERS.get(spec.name, spec) != spec:
        raise SpecError("name", f"there is already a carrier {spec.name!r}")
