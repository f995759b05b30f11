"""What data cannot say: functions that a spec names. Called by ``engine``."""

from collections.abc import Callable, Mapping
from typing import Final

from twoway_router.carriers.reading.decoders import Document
from twoway_router.carriers.spec import CarrierSpec
from twoway_router.carriers.specs import generic, kannel

Hook = Callable[[Document], Document]
"""Changes a decoded document before its events are looked for."""

Configurator = Callable[[CarrierSpec, Mapping[str, object]], CarrierSpec]
"""Turns the settings of a connection into its own spec."""

HOOKS: Final[Mapping[str, Hook]] = {"kannel": kannel.with_time}
CONFIGURATORS: Final[Mapping[str, Configurator]] = {"generic": generic.configured}
