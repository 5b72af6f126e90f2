"""Encryption of what is kept: AES-256-GCM, bound to the place where it lies, or nothing where no key is configured."""

from __future__ import annotations

import hashlib
import hmac
from secrets import token_bytes

from acquire.patients.room import PatientsError

NONCE = 12  # bytes; NIST SP 800-38D: 96 bits, random, far fewer than 2**32 of them under one key
NOT_ENCRYPTED = "none"


def fingerprint(key: bytes | None) -> str:
    """Which key it is, without telling it."""
    return NOT_ENCRYPTED if key is None else hmac.digest(key, b"dosimetry-acquire patients", "sha256").hex()[:16]


def encrypted(key: bytes | None, place: str, body: bytes) -> bytes:
    """A body as it is kept at a place."""
    if key is None:
        return body
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - only where a key is configured

    nonce = token_bytes(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, body, place.encode())


def decrypted(key: bytes | None, place: str, kept: bytes) -> bytes:
    """Inverse of `encrypted`. Raises PatientsError for what was changed, or moved from another place."""
    if key is None:
        return kept
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    try:
        return AESGCM(key).decrypt(kept[:NONCE], kept[NONCE:], place.encode())
    except (InvalidTag, ValueError) as error:
        raise PatientsError("What is kept of a patient was changed, or does not belong where it lies.") from error


def mark(secret: bytes, body: bytes) -> str:
    """A keyed digest of a content, in hexadecimal."""
    return hmac.new(secret, body, hashlib.sha256).hexdigest()
