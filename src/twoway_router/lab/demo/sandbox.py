"""Gives a visitor of the demo a tenant's sandbox to try, by the management API. Called by ``start``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twoway_router.lab.api import ApiRefusal, ManagementApi
from twoway_router.lab.demo.seed import write_private

WORD: Final = "TRYME"
_REPLY: Final = {"kind": "reply", "text": "The sandbox webhooks: {{ message.rest }}"}


@dataclass(frozen=True, kw_only=True, slots=True)
class LabSandbox:
    """A test key, and the address of the number on which ``WORD`` answers."""

    key: str
    country: str
    number: str


async def open_sandbox(api_url: str, tenant_key: str, like: str, key_file: Path) -> LabSandbox:
    """The sandbox of a tenant with a copy of a live number; its test key is kept for the next run."""
    key = _read(key_file)
    if key is None or not await _is_known(api_url, key):
        async with ManagementApi(api_url, tenant_key) as tenant:
            made = await tenant.post("/api-keys", {"name": "sandbox", "mode": "test", "scopes": ["*"]})
        key = str(made["token"])
        write_private(key_file, key.encode("ascii"))
    async with ManagementApi(api_url, key) as sandbox:
        numbers = (await sandbox.get("/numbers"))["data"]
        number = numbers[0] if numbers else await sandbox.post("/sandbox/numbers", {"like": like})
        try:
            await sandbox.post("/keywords", {"number_id": number["id"], "word": WORD, "actions": [_REPLY]})
        except ApiRefusal as refusal:
            if refusal.code != "keyword_exists":
                raise
    return LabSandbox(key=key, country=number["country"], number=number["address"])


def _read(key_file: Path) -> str | None:
    """The key of the run before."""
    return key_file.read_text(encoding="ascii") if key_file.exists() else None


async def _is_known(api_url: str, key: str) -> bool:
    """Whether this database is the one that the key is of."""
    async with ManagementApi(api_url, key) as sandbox:
        try:
            await sandbox.get("/sandbox/handsets")
        except ApiRefusal:
            return False
    return True
