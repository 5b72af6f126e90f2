"""What of a record is signed, and how it stands: the part that is bound, and the part that says how things are now.

Bound is the record with its words and the signatures so far: a signature names the SHA-256 of that. Not bound is what
other sessions, payers' tables or the mere passing of time change: the charge, notices, the heads of the chains.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from acquire.canonical import canonical, digest
from acquire.procedure.signing.rows import Disclosure, Signature, WordsOf
from acquire.procedure.signing.standing import Standing

NOW = frozenset({
    "sha256", "status", "bands", "to_sign", "rules_77331", "missing_for_77331", "charge", "notices", "integrity",
    "disclosures", "changed_since_signature",
})  # fmt: skip
"""How things are at printing."""
ABOUT = frozenset({"version", "words", "signatures", "amendments", "was"})
"""What is written about the measurement; all else is the measurement."""

WORDS: tuple[WordsOf, ...] = ("review", "interpretation", "decision")


def shown_sha256(record: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of what somebody signs who has this record before them."""
    return digest(canonical({key: value for key, value in record.items() if key not in NOW})).hex()


def measurement_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a record says of the measurement itself, without what is written about it or how things are now."""
    return {key: value for key, value in record.items() if key not in NOW | ABOUT}


def about(now: Standing, given: list[Disclosure]) -> dict[str, Any]:
    """Version, words, signatures, status and bands; of a draft that something came into, without the old signatures."""
    signed = now.signatures if now.holds else ()
    words = now.words if not now.changes else {}
    return {
        "version": now.version + bool(now.changes),
        "status": ("AMENDED" if now.version > 1 else "SIGNED") if now.is_signed else "DRAFT",
        "bands": bands(now),
        "words": {what: asdict(words[what]) if what in words else None for what in WORDS},
        "signatures": [printed(each) for each in signed],
        "amendments": [asdict(each) for each in now.amendments],
        "changed_since_signature": [*now.changes],
        "disclosures": [asdict(each) for each in given],
    }  # fmt: skip


def bands(now: Standing) -> list[str]:
    """What stands on every page beside the status."""
    found = []
    if now.changes:
        found.append(f"CHANGED SINCE VERSION {now.version} WAS SIGNED")
    elif now.signatures and not now.is_signed:
        found.append("PHYSICS REVIEWED, AWAITING PHYSICIAN")
    if now.version > 1:
        found.append(f"VERSION {now.version}, REPLACES VERSION {now.version - 1}")
    return found


def printed(signature: Signature) -> dict[str, Any]:
    """A signature as the record has it."""
    return {key: value for key, value in asdict(signature).items() if key not in ("version", "audit_entry")}
