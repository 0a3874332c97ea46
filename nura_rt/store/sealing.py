"""Seals what people wrote: AES-256-GCM under a person's own key. Pure: no keys are read or kept here.

A sealed text opens only with its own key and in its own place (table, field, row, person). Stored text that
begins with `enc1:` is always sealed: with encryption off, a writer still seals a text that `is_sealed` takes
for one, because a person may type those characters too.
"""

import base64
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_PREFIX = "enc1:"
_NONCE_BYTES = 12


class SealBroken(Exception):
    """It was changed, moved, cut, or sealed with another key. Holds neither content nor key."""

    def __init__(self) -> None:
        super().__init__("a seal does not open: its bytes, its place or its key is another")


def new_key() -> bytes:
    """A fresh key of 32 bytes."""
    return secrets.token_bytes(KEY_BYTES)


def is_sealed(text: str) -> bool:
    """Does a stored text claim to be sealed; only opening it tells whether it is."""
    return text.startswith(_PREFIX)


def seal(key: bytes, text: str, *, table: str, row_id: str, person_id: str, field: str) -> str:
    """`enc1:` + base64url(nonce | ciphertext | tag), never twice the same. Takes any text, `enc1:…` too."""
    place = _place("seal", table, field, row_id, person_id)
    return (
        _PREFIX + base64.urlsafe_b64encode(_encrypt(key, text.encode(errors="surrogatepass"), place)).decode()
    )


def open_sealed(key: bytes, sealed: str, *, table: str, row_id: str, person_id: str, field: str) -> str:
    """The text that was sealed, exactly. Raises SealBroken, also for what is not sealed at all."""
    place = _place("seal", table, field, row_id, person_id)
    return _decrypt(key, _unpacked(sealed), place).decode(errors="surrogatepass")


def wrap(kek: bytes, dek: bytes, *, person_id: str) -> bytes:
    """A person's key under the key of keys (both 32 bytes): nonce | ciphertext | tag, 60 bytes."""
    if len(dek) != KEY_BYTES:
        raise ValueError(f"a key is {KEY_BYTES} bytes")
    return _encrypt(kek, dek, _place("wrap", person_id))


def unwrap(kek: bytes, wrapped: bytes, *, person_id: str) -> bytes:
    """The person's key. Raises SealBroken under another KEK, for another person or after any change."""
    return _decrypt(kek, wrapped, _place("wrap", person_id))


def _place(*parts: str) -> bytes:
    """Each part after its own length, so that no two places are spelled alike."""
    return "".join([f"{len(part)}:{part}" for part in parts]).encode(errors="surrogatepass")


def _encrypt(key: bytes, data: bytes, place: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + _cipher(key).encrypt(nonce, data, place)


def _decrypt(key: bytes, packed: bytes, place: bytes) -> bytes:
    cipher = _cipher(key)
    try:
        return cipher.decrypt(packed[:_NONCE_BYTES], packed[_NONCE_BYTES:], place)
    except (InvalidTag, ValueError):  # ValueError: fewer bytes than a nonce
        raise SealBroken from None


def _cipher(key: bytes) -> AESGCM:
    if len(key) != KEY_BYTES:  # AESGCM would take 16 too, and be AES-128
        raise ValueError(f"a key is {KEY_BYTES} bytes")
    return AESGCM(key)


def _unpacked(sealed: str) -> bytes:
    """Only the one spelling that `seal` wrote: base64 has others for the same bytes."""
    text = sealed[len(_PREFIX) :]
    try:
        packed = base64.urlsafe_b64decode(text)
    except ValueError:
        raise SealBroken from None
    if not is_sealed(sealed) or base64.urlsafe_b64encode(packed).decode() != text:
        raise SealBroken
    return packed
