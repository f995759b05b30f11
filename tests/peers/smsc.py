"""A simulated SMSC behind the real gateway: handsets write by it, and read what it is given for them."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from tests.peers.pdus import (
    BIND_TRANSCEIVER,
    DELIVER_SM,
    ENQUIRE_LINK,
    IS_RECEIPT,
    IS_RESPONSE,
    SUBMIT_SM,
    UCS2,
    UNBIND,
    Pdu,
    Sms,
    gsm,
    read_pdu,
    read_submit,
    read_text,
)

HOST: Final = "127.0.0.1"
WINDOW: Final = 20
"""MOs that wait for the gateway's answer at the same time."""

PART_OCTETS: Final = {True: 132, False: 152}
"""Of UCS-2 and of GSM, so that no escape is cut."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of an MT: the status of the submit_sm's answer, and the state that the receipt tells."""

    status: int = 0
    state: str = "DELIVRD"


@dataclass(kw_only=True)
class Smsc:
    """Use ``async with``; the gateway binds to ``port``. ``fates`` by handset; the others get their messages."""

    fates: Mapping[str, Fate] = field(default_factory=dict)
    read: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """What each handset shows, long messages joined."""
    submits: list[Sms] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    """Statuses other than 0 with which the gateway answered an MO."""
    port: int = 0
    _parts: dict[tuple[str, int], dict[int, bytes]] = field(default_factory=lambda: defaultdict(dict))
    _numbers: "count[int]" = field(default_factory=lambda: count(1))
    _answers: dict[int, asyncio.Future[int]] = field(default_factory=dict)
    _bound: asyncio.Event = field(default_factory=asyncio.Event)
    _window: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(WINDOW))
    _errands: set[asyncio.Task[None]] = field(default_factory=set)
    _writer: asyncio.StreamWriter | None = None
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> "Smsc":
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        if self._writer is not None:
            self._writer.close()
        for errand in self._errands:
            errand.cancel()
        await asyncio.gather(*self._errands, return_exceptions=True)

    async def write(self, handset: str, number: str, text: str) -> None:
        """An MO of one segment, in GSM where that can carry it. Returns when the gateway has taken it."""
        coding, body = _encoded(text)
        await self._deliver(Sms(source=handset, destination=number, body=body, coding=coding))

    async def write_long(self, handset: str, number: str, text: str, *, reference: int, order: Sequence[int]) -> None:
        """An MO in parts with a user data header, sent in this order (from 1)."""
        coding, body = _encoded(text)
        size = PART_OCTETS[coding == UCS2]
        pieces = [body[start : start + size] for start in range(0, len(body), size)]
        assert sorted(order) == list(range(1, len(pieces) + 1)), f"the text has {len(pieces)} parts"
        for place in order:
            header = bytes((5, 0, 3, reference, len(pieces), place))
            piece = pieces[place - 1]
            await self._deliver(Sms(source=handset, destination=number, body=piece, coding=coding, header=header))

    async def _deliver(self, sms: Sms) -> None:
        await self._bound.wait()
        async with self._window:
            number = next(self._numbers)
            answer = self._answers[number] = asyncio.get_running_loop().create_future()
            self._send(Pdu(command=DELIVER_SM, number=number, body=sms.packed()))
            if status := await answer:
                self.refused.append(status)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    self._take(await read_pdu(reader))
        finally:
            self._bound.clear()
            writer.close()

    def _take(self, pdu: Pdu) -> None:
        if pdu.command == (DELIVER_SM | IS_RESPONSE):
            self._answers.pop(pdu.number).set_result(pdu.status)
        elif pdu.command == SUBMIT_SM:
            self._submit(pdu)
        elif pdu.command == BIND_TRANSCEIVER:
            self._send(pdu.answer(b"sim\x00"))
            self._bound.set()
        elif pdu.command in (ENQUIRE_LINK, UNBIND):
            self._send(pdu.answer())

    def _submit(self, pdu: Pdu) -> None:
        sms = read_submit(pdu.body)
        self.submits.append(sms)
        fate = self.fates.get(_international(sms.destination), Fate())
        message_id = f"sim-{pdu.number:08x}"
        if fate.status:
            self._send(pdu.answer(status=fate.status))
            return
        self._send(pdu.answer(message_id.encode() + b"\x00"))
        self._show(sms)
        if sms.wants_receipt:
            errand = asyncio.create_task(self._deliver(_receipt(sms, message_id, fate)))
            self._errands.add(errand)
            errand.add_done_callback(self._errands.discard)

    def _show(self, sms: Sms) -> None:
        handset = _international(sms.destination)
        if not sms.header:
            self.read[handset].append(read_text(sms.body, sms.coding))
            return
        assert sms.header[:3] == b"\x05\x00\x03", sms.header
        reference, total, place = sms.header[3:6]
        parts = self._parts[handset, reference]
        parts[place] = sms.body
        if len(parts) == total:
            self.read[handset].append(read_text(b"".join(parts[each] for each in sorted(parts)), sms.coding))
            del self._parts[handset, reference]

    def _send(self, pdu: Pdu) -> None:
        assert self._writer is not None
        self._writer.write(pdu.packed())


def _receipt(sms: Sms, message_id: str, fate: Fate) -> Sms:
    dates = "submit date:2611221200 done date:2611221201"
    delivered = int(fate.state == "DELIVRD")
    body = f"id:{message_id} sub:001 dlvrd:00{delivered} {dates} stat:{fate.state} err:000 text:"
    return Sms(
        source=_international(sms.destination), destination=sms.source, body=body.encode("ascii"), flags=IS_RECEIPT
    )


def _encoded(text: str) -> tuple[int, bytes]:
    try:
        return 0, gsm(text)
    except ValueError:
        return UCS2, text.encode("utf-16-be")


def _international(address: str) -> str:
    return address if address.startswith("+") else f"+{address}"
