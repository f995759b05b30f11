"""Compiles a spec for a connection that has every setting, so that what cannot work shows before the first message.

Asked by ``spec_files`` about specs in which ``spec_rules`` has nothing to say against.
"""

from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

from twoway_router.carriers.checking.event_rules import Mistake, Step
from twoway_router.carriers.engine import ConnectionView, compile_connection
from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.placeholders import fill_all
from twoway_router.carriers.proving.verifiers import VERIFIERS
from twoway_router.carriers.spec import HOLE, CarrierSpec
from twoway_router.domain.ids import ConnectionId

_TRIAL_VALUE: Final = "A" * 43 + "="
"""Stands for most settings: 32 bytes in base64, which is a possible key of any kind."""


def trial_mistakes(spec: CarrierSpec) -> Iterator[Mistake]:
    """Compile the spec for a connection that has every setting."""
    secret = {setting.name for setting in spec.settings if setting.is_secret}
    values = _trial_values(spec)
    if found := tuple(_auth_mistakes(spec, values)):
        yield from found
        return
    view = ConnectionView(
        connection_id=ConnectionId(UUID(int=0)),
        carrier=spec.name,
        country="US",
        settings={name: value for name, value in values.items() if name not in secret},
        secrets={name: value for name, value in values.items() if name in secret},
        public_url="https://sms.example/in/x/0",
    )
    try:
        compile_connection(spec, view)
    except SpecError as error:
        yield tuple(error.path.split(".")), error.detail
    except KeyError as error:
        yield ("configure",), f"{spec.configure} needs the setting {error}"


def _trial_values(spec: CarrierSpec) -> dict[str, str]:
    """A value for every setting. Those that make a spec of their own (``configure``) are tried with real ones only."""
    possible = {"zone": "UTC"}
    for part in (spec.send, spec.look_up):
        if part is not None and (address := HOLE.match(part.url)):
            possible[address[1]] = "https://carrier.example"
    return {
        setting.name: setting.default or next(iter(setting.choices), possible.get(setting.name, _TRIAL_VALUE))
        for setting in spec.settings
        if setting.kind == "text" and (spec.configure is None or setting.default or setting.is_required)
    }


def _auth_mistakes(spec: CarrierSpec, values: Mapping[str, str]) -> Iterator[Mistake]:
    for ordinal, auth in enumerate(spec.auth):
        at: tuple[Step, ...] = ("auth", ordinal, "options")
        try:
            VERIFIERS[auth.verifier].compile(fill_all(auth.options, values), {})
        except SpecError as error:
            option = error.path.rpartition(".")[2]
            yield (*at, option) if option in auth.options else at, error.detail
        except KeyError as error:
            yield at, f"the option {error} is missing"
