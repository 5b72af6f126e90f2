"""A message judged at once gives the rows that its entries give one by one."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from acquire.canonical import canonical, digest
from acquire.store.envelope import ValidBatch, as_it_came, opened
from acquire.store.judge import judge, judge_all

NOW = "2027-02-03T09:12:00.000000Z"
READING = {
    "kind": "scalar", "quantity": "charge", "unit": "C", "value": 1.5e-8, "monotonic_s": 1.0, "time": NOW, "raw": "+15",
}  # fmt: skip
MARKER = {
    "kind": "marker", "mark": "begin", "measurement": "1d2c7a52-3a0f-4d53-9a77-2ec4f0a0a7b1", "session": "s-1",
    "step": "1", "time": NOW,
}  # fmt: skip
ENTRIES = st.sampled_from(
    [
        READING, READING | {"element": "T-014", "flags": ["relative"]}, READING | {"unknown": 1},
        READING | {"value": "x"}, READING | {"kind": "unparsed", "value": None, "note": "noise"},
        READING | {"also": {"rate": {"unit": "A"}}},
        READING | {"role": "sample"}, MARKER, {"kind": "gap", "reason": "full", "count": 3, "from": NOW, "to": NOW}, 7,
    ]
)  # fmt: skip


def message(entries: list[Any], **changes: Any) -> dict[str, Any]:
    return {
        "schema": "readings/1", "stream": "s", "first_seq": 41, "source": "x", "head": 99, "oldest": 1, "ended": None,
        "ask": "a", "epoch": None, "older": 0, "readings": entries,
    } | changes  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.lists(ENTRIES, max_size=5), st.sampled_from(["as our sources do", "sorted", "with blanks", "readings first"]))
def test_together_as_one_by_one(entries: list[Any], written: str) -> None:
    said = message(entries)
    if written == "sorted":
        payload = canonical(said)
    elif written == "as our sources do":
        del said["readings"]
        payload = canonical(said)[:-1] + b',"readings":[' + b",".join(map(canonical, entries)) + b"]}"
    elif written == "with blanks":
        payload = json.dumps(said, indent=1).encode()
    else:
        payload = json.dumps({"readings": said.pop("readings")} | said).encode()
    envelope = opened(payload)
    rows = judge_all(envelope, payload, NOW)
    assert rows == [judge("s", seq, bytes(raw), NOW) for seq, raw in enumerate(as_it_came(payload), 41)]
    for row in rows:
        assert row.digest == digest(row.body)
        assert row.status == "refused" or row.body == canonical(json.loads(row.body))


def test_what_is_unknown_in_an_entry_is_kept() -> None:
    """It is in the digest, and so in the record: a newer source may say more than this store knows."""
    newer = READING | {"unknown": [1, {"z": 1}]}
    payload = canonical(message([]))[:-1].replace(b'"readings":[],', b"") + b',"readings":[' + canonical(newer) + b"]}"
    envelope = opened(payload)
    assert isinstance(envelope, ValidBatch)
    (row,) = judge_all(envelope, payload, NOW)
    assert json.loads(row.body) == newer
