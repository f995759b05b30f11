"""Every target by its name. Run by the worker under atheris, and on its seeds by `make test`."""

from collections.abc import Mapping
from typing import Final

from fuzz.requests import DECODING, carrier_targets
from fuzz.target import Target
from fuzz.texts import TEXT_TARGETS

TARGETS: Final[Mapping[str, Target]] = {**DECODING, **TEXT_TARGETS, **carrier_targets()}
