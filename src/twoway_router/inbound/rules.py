"""Marks that a carrier leaves on an MO. Written by ``ingress``, read by ``executor``."""

from typing import Final

CARRIER_OPT_OUT: Final = "carrier_opt_out"
"""The rule of an MO that its carrier calls an opt-out, whatever its words."""

CARRIER_REPLIED: Final = "carrier_replied"
"""What marks, among an MO's extra facts, that its carrier has answered it already."""
