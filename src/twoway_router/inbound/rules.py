"""Marks on an MO beside its route. Written by ``ingress`` and replays, read by ``executor``."""

from typing import Final

CORRECTED_TEXT: Final = "corrected_text"
"""What holds, among an MO's extra facts, its text with parts that came late, or as somebody has corrected it."""

RUN_TEXT: Final = "run_text"
"""What holds, among an MO's extra facts, the text that its last replay routed, where that is the corrected one."""

CARRIER_REPLIED: Final = "carrier_replied"
"""What marks, among an MO's extra facts, that its carrier has answered it already."""

REUSES_ID_OF: Final = "reuses_id_of"
"""What names, among an MO's extra facts, the message that its carrier had given the same id before."""

RESTORED: Final = "restored"
"""What marks, among a START's extra facts, the generation in which it has lifted a STOP: its run confirms that one only."""
