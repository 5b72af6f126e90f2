"""Streams with everything that can become of entries: lost, found after all, in conflict, withheld and sent later."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from uuid import uuid4

from acquire.canonical import canonical
from acquire.store.database import identity
from acquire.store.ingest import ingest


def reading(value: float, **more: object) -> dict[str, Any]:
    return {
        "kind": "scalar", "quantity": "charge", "unit": "C", "value": value, "monotonic_s": 1.0,
        "time": "2027-02-03T09:12:00.000000Z", "raw": f"{value:.3E}",
    } | more  # fmt: skip


def stand_in(original: dict[str, Any]) -> dict[str, Any]:
    body = canonical(original)
    return {
        "kind": "withheld", "reason": "too large for the broker", "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
    }  # fmt: skip


def eventful(connection: Any, instrument: str, **end: Any) -> None:
    """One stream: 1 to 3 lost, 2 found after all, 5 said twice, 6 withheld and sent later, 9 to 11 lost; ended."""
    _, epoch = identity(connection)
    stream, source = str(uuid4()), str(uuid4())
    original = reading(6.0, note="x" * 30)

    def said(first: int, entries: list[dict[str, Any]], head: int, **more: Any) -> None:
        message = {
            "schema": "readings/1", "stream": stream, "source": source, "first_seq": first, "readings": entries,
            "head": head, "oldest": 1, "ended": None, "ask": str(uuid4()), "epoch": epoch, "older": 0,
        } | more  # fmt: skip
        topic = f"dosimetry/v1/test/{instrument}/readings"
        assert ingest(connection, "test", [(topic, json.dumps(message).encode())]).unreadable == 0

    said(4, [reading(4.0), reading(5.0), stand_in(original), reading(7.0), {"kind": "scalar"}], 8, oldest=4)
    said(2, [reading(2.0)], 8)
    said(5, [reading(5.5)], 8)
    said(6, [original], 8)
    said(12, [reading(12.0, element="T-9")], 12, oldest=12, host="room-1")
    if end:
        said(13, [], 12, **end)


def filled(connection: Any) -> None:
    eventful(connection, "extra-1", ended="link-lost", why="The cable was pulled.")
    eventful(connection, "extra-2", ended="closed")
    eventful(connection, "extra-3")
