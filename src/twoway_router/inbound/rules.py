"""Marks on an MO beside its route. Written by ``ingress``, read by ``executor``."""

from typing import Final

CARRIER_REPLIED: Final = "carrier_replied"
"""What marks, among an MO's extra facts, that its carrier has answered it already."""

RESTORED: Final = "restored"
"""What marks, among a START's extra facts, the generation in which it has lifted a STOP: its run confirms that one only."""
