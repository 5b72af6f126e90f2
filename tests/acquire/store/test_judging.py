"""A message judged at once gives the rows that its entries give one by one."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from acquire.canonical import canonical
from acquire.checksum import checksum, seed
from acquire.store.believed import Unread, heard
from acquire.store.entries import REFUSED
from acquire.store.envelope import ValidReadings, as_it_came, opened
from acquire.store.judge import Place, Said, judge, judge_all

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


PLACE = Place("s", 1, 1)


def said_in(payload: bytes) -> Said:
    (one,) = heard("clinic", [("dosimetry/v1/clinic/e-1/readings", payload)], Unread())
    return one.said


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
    rows = judge_all(said_in(payload), PLACE)
    assert rows == [judge(PLACE, seq, bytes(raw)) for seq, raw in enumerate(as_it_came(payload), 41)]
    for row in rows:
        assert row.checksum == checksum(seed("s"), row.seq, row.body)
        assert row.status == REFUSED or row.body == canonical(json.loads(row.body))


@settings(max_examples=300, deadline=None)
@given(st.lists(ENTRIES, min_size=1, max_size=5), st.data())
def test_an_entry_that_was_altered_on_the_way_is_no_row_and_its_neighbours_are(entries: list[Any], data: Any) -> None:
    """Whether the message is judged at once or one by one; what a checksum is of is the entry as it was sent."""
    bodies = [canonical(entry) for entry in entries]
    sums = [checksum(seed("s"), seq, body) for seq, body in enumerate(bodies, 41)]
    altered = data.draw(st.sets(st.integers(0, len(bodies) - 1)))
    for n in altered:
        sums[n] ^= 1 << data.draw(st.integers(0, 31))
    around = message([], checksums=sums)
    del around["readings"]
    payload = canonical(around)[:-1] + b',"readings":[' + b",".join(bodies) + b"]}"
    rows = judge_all(said_in(payload), PLACE)
    assert [row.seq for row in rows] == [seq for n, seq in enumerate(range(41, 41 + len(bodies))) if n not in altered]
    assert rows == [judge(PLACE, seq, bodies[seq - 41]) for seq in [row.seq for row in rows]]


def test_what_is_unknown_in_an_entry_is_kept() -> None:
    """It is in the digest, and so in the record: a newer source may say more than this store knows."""
    newer = READING | {"unknown": [1, {"z": 1}]}
    payload = canonical(message([]))[:-1].replace(b'"readings":[],', b"") + b',"readings":[' + canonical(newer) + b"]}"
    assert isinstance(opened(payload), ValidReadings)
    (row,) = judge_all(said_in(payload), PLACE)
    assert json.loads(row.body) == newer
