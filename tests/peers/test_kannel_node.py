"""The tests' own Kannel: it starts on what the operators' page shows, and leaves neither process nor folder behind."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.peers.smsc import Smsc
from tests.support.kannel import Kannel
from tests.support.ports import free_ports

pytestmark = pytest.mark.peers

WORDS = {"ingress": "http://127.0.0.1:9", "connection id": "none", "key": "k", "username": "u", "password": "p"}


def processes_of(folder: Path) -> list[str]:
    """Each box has its configuration file in its command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            told = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(folder) in told:
            found.append(entry.name)
    return found


async def test_a_closed_gateway_leaves_nothing_behind() -> None:
    [send_port] = free_ports(1)
    async with Smsc() as smsc:
        kannel = Kannel(smsc_port=smsc.port, send_port=send_port, words=WORDS)
        await asyncio.to_thread(kannel.start)
        assert len(processes_of(kannel.folder)) == 2

        await asyncio.to_thread(kannel.close)

    assert processes_of(kannel.folder) == []
    assert not kannel.folder.exists()
