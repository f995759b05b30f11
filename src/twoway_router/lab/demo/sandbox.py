"""Gives a visitor of the demo a tenant's sandbox to try, by the management API. Called by ``start``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

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
    kept = _read(key_file)
    key = kept if kept and await _is_known(api_url, kept) else await _new_key(api_url, tenant_key, key_file)
    async with ManagementApi(api_url, key) as sandbox:
        number = await _copied(sandbox, like)
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


async def _new_key(api_url: str, tenant_key: str, key_file: Path) -> str:
    async with ManagementApi(api_url, tenant_key) as tenant:
        made = await tenant.post("/api-keys", {"name": "sandbox", "mode": "test", "scopes": ["*"]})
    key = str(made["token"])
    write_private(key_file, key.encode("ascii"))
    return key


async def _copied(sandbox: ManagementApi, like: str) -> dict[str, Any]:
    """The sandbox's copy of a live number, made if it is not there yet."""
    found = (await sandbox.get("/numbers"))["data"]
    made: dict[str, Any] = found[0] if found else await sandbox.post("/sandbox/numbers", {"like": like})
    return made
