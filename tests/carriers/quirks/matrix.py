"""What carriers do to those who receive from them: which quirk can hit which built-in carrier, and what we do about it.

``@quirk(6)`` gives a test the carriers of row 6. Whoever a row spares is named with the reason, so that nobody is forgotten.
``python -m tests.carriers.quirks.matrix`` writes docs/carriers/quirks.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

PAGE: Final = Path(__file__).parents[3] / "docs" / "carriers" / "quirks.md"

EVERYONE: Final = (
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


@dataclass(frozen=True, kw_only=True)
class Carriers:
    """Whom a quirk can hit. ``spared`` maps a reason, in one word, to the carriers that it keeps out."""

    hit: tuple[str, ...] = EVERYONE
    spared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One quirk and what we do about it."""

    quirk: str
    rule: str
    carriers: Carriers = field(default_factory=Carriers)


def hits(names: str, **spared: str) -> Carriers:
    """The carriers of a row and, by reason, those that it spares."""
    return Carriers(hit=tuple(names.split()), spared={reason: tuple(who.split()) for reason, who in spared.items()})


_FORMS: Final = (
    """46elks africastalking clickatell_legacy clicksend generic jasmin kannel messagebird plivo twilio vonage"""
)
_JSON: Final = "aws azure bandwidth bird clickatell_one clickatell_platform cm infobip sinch telnyx vonage_messages"
_WITH_PARTS: Final = "clickatell_legacy clickatell_platform jasmin kannel sinch vonage"
_JOINING: Final = """46elks africastalking aws azure bandwidth bird clickatell_one clicksend cm infobip messagebird plivo
    telnyx twilio vonage_messages"""
_UNSIGNED: Final = """46elks africastalking azure bandwidth clickatell_legacy clickatell_one clickatell_platform clicksend
    cm infobip jasmin kannel"""

ROWS: Final[Mapping[int, Row]] = {
    1: Row(
        quirk="GET, form, JSON, XML or multipart, under a wrong Content-Type",
        rule="The spec names the decoders; the header only says which is tried first. Twilio signs no body but forms, so "
        "another body needs its hash in the signed URL.",
    ),
    2: Row(
        quirk="Bodies of any size, whose very bytes are signed",
        rule="Read once, as bytes, up to 256 KiB (1 MiB where batches come), proven and parsed from those bytes; more is "
        "answered in the carrier's words for too large.",
    ),
    3: Row(
        quirk="Signatures over the public URL, while a proxy stands in between",
        rule="The URL is made of the public address that is configured, for all or for the connection, and the raw query "
        "string, never of headers; Twilio's is tried with and without its port.",
        carriers=hits(
            "bird generic messagebird plivo twilio",
            urlless="aws sinch telnyx vonage vonage_messages",
            unsigned=_UNSIGNED,
        ),
    ),
    4: Row(
        quirk="Senders without +, with 00, with spaces or brackets, names, short codes",
        rule="Normalised when it is a plausible phone number for the connection's country, else kept as it came and marked as "
        "name or short code, which are never answered.",
    ),
    5: Row(
        quirk="Short codes without a country",
        rule="The connection's country makes the address; a short code never gets a +, neither as recipient nor as sender.",
    ),
    6: Row(
        quirk="Parts out of order, repeated, of two senders with one reference, missing, with an impossible count",
        rule="Kept by connection, sender, recipient, reference and total; joined when complete, sent on as incomplete after "
        "the wait; an impossible count makes a message of its own.",
        carriers=hits(_WITH_PARTS, joined=_JOINING, partless="generic"),
    ),
    7: Row(
        quirk="Joining that alters the text",
        rule="No separator, nothing trimmed, bytes joined before they are decoded.",
        carriers=hits(_WITH_PARTS, joined=_JOINING, partless="generic"),
    ),
    8: Row(
        quirk="The same message again",
        rule="One row per connection and carrier's id, kept unique by the database; answered like the first.",
    ),
    9: Row(
        quirk="Messages without an id",
        rule="A digest of sender, recipient, text, carrier's time and reference stands in; without a time, equal messages "
        "within a minute count as one. Two that differ in time both stay.",
        carriers=hits(
            "africastalking cm generic kannel",
            identified="""46elks aws azure bandwidth bird clickatell_legacy clickatell_one clickatell_platform clicksend
            infobip jasmin messagebird plivo sinch telnyx twilio vonage vonage_messages""",
        ),
    ),
    10: Row(
        quirk="Empty, null or missing text, pictures only",
        rule="A message with an empty text, routed as any that fits no keyword.",
    ),
    11: Row(
        quirk="Odd or lying charsets, NUL, byte order marks, bytes that are no text",
        rule="Decoded as the spec says, what cannot be read becomes U+FFFD, NUL goes; never an error.",
    ),
    12: Row(
        quirk="+ and % in the text",
        rule="Decoded exactly once.",
    ),
    13: Row(
        quirk="Times without zone, in summer time's gap, of the year 1, with seven digits, garbage",
        rule="Read leniently in the zone of the carrier; what is garbage or outside 30 days ago to tomorrow is left out. The "
        "message is never dropped for it.",
        carriers=hits(
            """46elks africastalking aws azure bandwidth bird clickatell_legacy clickatell_one clickatell_platform clicksend
            cm generic infobip kannel messagebird sinch telnyx vonage vonage_messages""",
            timeless="jasmin plivo twilio",
        ),
    ),
    14: Row(
        quirk="Signatures that carry a time, and repeats that are hours old",
        rule="A window for each carrier: short where repeats are signed anew, a day where that is not known.",
        carriers=hits(
            "bird generic messagebird sinch telnyx vonage vonage_messages",
            undated="aws plivo twilio",
            unsigned=_UNSIGNED,
        ),
    ),
    15: Row(
        quirk="A bad element in a batch",
        rule="The good ones are stored, the bad one is quarantined, the answer is the one for success.",
        carriers=hits(
            "azure bandwidth clickatell_one cm infobip",
            single="""46elks africastalking aws bird clickatell_legacy clickatell_platform clicksend generic jasmin kannel
            messagebird plivo sinch telnyx twilio vonage vonage_messages""",
        ),
    ),
    16: Row(
        quirk="Messages and receipts on one URL",
        rule="Events are told apart by their content, on either URL.",
        carriers=hits(
            "aws azure bandwidth clickatell_one cm infobip jasmin sinch telnyx",
            separate="""46elks africastalking bird clickatell_legacy clickatell_platform clicksend generic kannel messagebird
            plivo twilio vonage vonage_messages""",
        ),
    ),
    17: Row(
        quirk="Unknown events, fields and status words",
        rule="Acknowledged; events that are not understood are quarantined, fields ignored, a status word is kept and counts "
        "as unknown.",
    ),
    18: Row(
        quirk="Parameters that come twice",
        rule="The first one counts for values, all of them for the signature.",
        carriers=hits(_FORMS, json=_JSON),
    ),
    19: Row(
        quirk="Handshakes and probes",
        rule="Answered as the carrier wants it, nothing stored: Event Grid's code and CloudEvents' OPTIONS, a bare GET, "
        "Amazon's subscription visited in the background.",
        carriers=hits(
            "aws azure vonage vonage_messages",
            unasked="""46elks africastalking bandwidth bird clickatell_legacy clickatell_one clickatell_platform clicksend cm
            generic infobip jasmin kannel messagebird plivo sinch telnyx twilio""",
        ),
    ),
    20: Row(
        quirk="URLs and XML meant to make us fetch something",
        rule="Only Amazon's own hosts are fetched from, never in the request; pictures are never fetched; XML with a document "
        "type is quarantined.",
        carriers=hits(
            "aws cm generic kannel",
            plain="""46elks africastalking azure bandwidth bird clickatell_legacy clickatell_one clickatell_platform clicksend
            infobip jasmin messagebird plivo sinch telnyx twilio vonage vonage_messages""",
        ),
    ),
    21: Row(
        quirk="Answers that are texted to the person, or that decide about loss",
        rule="Every outcome is answered in the carrier's own words, errors too; nothing of the request is repeated in them.",
    ),
    22: Row(
        quirk="A STOP that the carrier has answered already",
        rule="Obeyed without a second confirmation; where the carrier names a word of its own an opt-out, it is one here too. "
        "A connection may be set to say that its carrier always answers (`answers_stop`).",
        carriers=hits(
            "africastalking plivo telnyx twilio",
            unmarked="""46elks aws azure bandwidth bird clickatell_legacy clickatell_one clickatell_platform clicksend cm
            generic infobip jasmin kannel messagebird sinch vonage vonage_messages""",
        ),
    ),
    23: Row(
        quirk="Tokens that must come back with the reply",
        rule="Stored with the message and sent with its replies: linkId, application id, SMSC, connector (as a tag).",
        carriers=hits(
            "africastalking bandwidth generic jasmin kannel",
            tokenless="""46elks aws azure bird clickatell_legacy clickatell_one clickatell_platform clicksend cm infobip
            messagebird plivo sinch telnyx twilio vonage vonage_messages""",
        ),
    ),
}


def quirk(number: int) -> pytest.MarkDecorator:
    """The carriers that a row can hit, as ``carrier``."""
    return pytest.mark.parametrize("carrier", ROWS[number].carriers.hit)


_HEAD: Final = """# What carriers do, and what happens here

Each rule is tested with each carrier that it can hit, by `tests/carriers/quirks`; this page is written from the same table.

| # | What carriers do | What happens here | Carriers | Spared, and why |
|---|---|---|---|---|
"""


def page() -> str:
    """docs/carriers/quirks.md."""
    lines = [
        f"| {number} | {row.quirk} | {row.rule} | {_names(row.carriers.hit)} | "
        + "; ".join(f"*{reason}*: {', '.join(who)}" for reason, who in row.carriers.spared.items())
        + " |\n"
        for number, row in ROWS.items()
    ]
    return _HEAD + "".join(lines) + _WORDS


def _names(hit: tuple[str, ...]) -> str:
    return f"all {len(EVERYONE)}" if hit == EVERYONE else ", ".join(hit)


_WORDS: Final = """
Why a carrier is spared: *identified* it numbers its messages · *joined* it joins long messages itself · *json* an object has
no name twice · *partless* the generic settings know no parts (a [spec of your own](../ADDING_A_CARRIER.md) does) · *plain* it
sends neither XML nor URLs to visit · *separate* it has a URL for each · *single* one message per request · *timeless* it tells
no time · *tokenless* it wants nothing back · *unasked* it asks nothing · *undated* it signs no time · *unmarked* its messages
do not say so · *unsigned* it proves itself by a password · *urlless* its signature does not cover the URL.
"""

if __name__ == "__main__":
    PAGE.write_text(page())
