"""Seals carriers' and webhooks' secrets at rest with AES-256-GCM. Called by the services that keep them.

A blob is version (1 byte), key id (4 bytes), nonce (12 bytes), ciphertext. The first key seals, every key opens: to
rotate, put the new key in front and drop the old one when nothing is sealed with it any more.
"""

import json
import os
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from hmac import digest
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
_VERSION: Final = b"\x01"
_ID_BYTES: Final = 4
_NONCE_BYTES: Final = 12
_HEAD_BYTES: Final = len(_VERSION) + _ID_BYTES


class SealBroken(Exception):
    """The value was sealed with a key that is not configured, or it was changed."""


class Sealer:
    """Opens and seals values with a ring of keys."""

    def __init__(self, keys: Sequence[bytes], *, entropy: Callable[[int], bytes] = os.urandom) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"sealing needs one or more keys of {KEY_BYTES} bytes")
        self._keys = {_key_id(key): key for key in keys}
        self._newest = keys[0]
        self._entropy = entropy

    @classmethod
    def from_text(cls, keys: str) -> Self:
        """From the setting: base64 of 32 bytes, several separated by commas."""
        standard = keys.replace("-", "+").replace("_", "/").split(",")
        try:
            decoded = [b64decode(part.strip(), validate=True) for part in standard]
        except ValueError:
            raise ValueError(f"the secret key must be base64 of {KEY_BYTES} bytes") from None
        return cls(decoded)

    def seal(self, value: Mapping[str, object]) -> bytes:
        """Encrypt a JSON object."""
        nonce = self._entropy(_NONCE_BYTES)
        head = _VERSION + _key_id(self._newest)
        plain = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
        return head + nonce + AESGCM(self._newest).encrypt(nonce, plain, head)

    def open(self, blob: bytes) -> dict[str, object]:
        """Decrypt what `seal` made; raises SealBroken."""
        head, rest = blob[:_HEAD_BYTES], blob[_HEAD_BYTES:]
        key = self._keys.get(head[1:])
        if key is None or head[:1] != _VERSION:
            raise SealBroken("sealed with a key that is not configured")
        try:
            plain = AESGCM(key).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], head)
        except (InvalidTag, ValueError):
            raise SealBroken("the sealed value was changed") from None
        opened: dict[str, object] = json.loads(plain)
        return opened

    def derive(self, purpose: str) -> bytes:
        """A key of its own for another purpose, such as signing page cursors."""
        return digest(self._newest, f"twoway-router/{purpose}".encode(), "sha256")


def _key_id(key: bytes) -> bytes:
    return sha256(b"twoway-router/key-id" + key).digest()[:_ID_BYTES]
