"""Sets up a router by its management API with a connection to the lab's carrier. Used by the demo, crash tests and benches.

Every function takes ``once``: with the same word it creates nothing twice (it becomes the Idempotency-Key).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from twoway_router.domain.messages import Capability
from twoway_router.lab.api import ManagementApi


@dataclass(frozen=True, kw_only=True, slots=True)
class LabTenant:
    """A tenant with a key that may do everything a tenant may."""

    id: str
    name: str
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LabConnection:
    """A connection to the lab's carrier: where its MOs and receipts go, with the key in the address."""

    id: str
    mo_url: str
    receipt_url: str

    def listening_at(self, ingress_url: str) -> "LabConnection":
        """The same, at the address where the ingress listens; the public one may be a proxy's."""
        mo, receipt = urlsplit(self.mo_url), urlsplit(self.receipt_url)
        return LabConnection(
            id=self.id,
            mo_url=f"{ingress_url}{mo.path}?{mo.query}",
            receipt_url=f"{ingress_url}{receipt.path}?{receipt.query}",
        )


def connection_settings(carrier_url: str, capability: Capability) -> dict[str, Any]:
    """How the generic carrier reaches the lab's."""
    settings = {"send_url": f"{carrier_url}/messages", "capability": capability.value}
    if capability is Capability.LOOK_UP:
        settings["look_up_url"] = f"{carrier_url}/messages?reference={{reference}}"
    return settings


async def make_connection(
    operator: ManagementApi,
    *,
    carrier_url: str,
    key: str,
    once: str,
    capability: Capability = Capability.IDEMPOTENT,
    name: str = "Lab carrier",
    country: str | None = None,
) -> LabConnection:
    """A generic HTTP connection whose requests prove themselves by a key in their address."""
    settings = connection_settings(carrier_url, capability)
    fields = {"name": name, "carrier": "generic", "country": country, "settings": settings, "secrets": {"key": key}}
    made = await operator.post("/connections", fields, once=f"{once}-connection")
    urls = made["urls"]
    return LabConnection(id=made["id"], mo_url=f"{urls['mo']}?key={key}", receipt_url=f"{urls['dlr']}?key={key}")


async def make_tenant(operator: ManagementApi, name: str, *, once: str) -> LabTenant:
    """A tenant and a key of its own."""
    tenant = await operator.post("/tenants", {"name": name}, once=f"{once}-tenant-{_word(name)}")
    key = await operator.post(
        "/api-keys", {"name": "lab", "scopes": ["*"], "tenant_id": tenant["id"]}, once=f"{once}-key-{_word(name)}"
    )
    return LabTenant(id=tenant["id"], name=name, key=key["token"])


async def make_number(operator: ManagementApi, fields: dict[str, Any], *, once: str) -> str:
    """A number; its id."""
    made = await operator.post("/numbers", fields, once=f"{once}-number-{_word(fields['address'])}")
    return str(made["id"])


async def make_keyword(
    tenant: ManagementApi, number_id: str, word: str, actions: Sequence[dict[str, Any]], *, once: str, **more: object
) -> str:
    """A keyword that is active at once; its id."""
    fields = {"number_id": number_id, "word": word, "actions": list(actions), **more}
    made = await tenant.post("/keywords", fields, once=f"{once}-keyword-{_word(word)}")
    return str(made["id"])


def _word(name: str) -> str:
    """Visible ASCII, as an Idempotency-Key wants it."""
    return name.encode("ascii", "backslashreplace").decode().replace(" ", "-")
