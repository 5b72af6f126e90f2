"""Which reading belongs to which measurement: rows of one stream in, measurements out, channel by channel."""

from __future__ import annotations

import json
from typing import Any

import pytest

from acquire.store.attribution import StoredReading, Walk, several_channels
from acquire.store.entries import Entry


def row(seq: int, text: str) -> Entry:
    """begin:A@1, end:A@1, r@1, unparsed@1, gap, lost; @ names a channel, without it there is none."""
    what, _, channel = text.partition("@")
    kind, _, measurement = what.partition(":")
    body: dict[str, Any] = {"channel": channel} if channel else {}
    if kind in ("begin", "end"):
        body |= {"mark": kind, "measurement": measurement}
        return Entry(seq, "marker", "stored", None, json.dumps(body).encode())
    if kind == "lost":
        return Entry(seq, "lost", "lost", "no longer held by the source", b"")
    if kind == "damaged":
        return Entry(seq, "scalar", "damaged", None, json.dumps(body).encode())
    status = "stored" if kind == "r" else "refused"
    return Entry(seq, "scalar" if kind == "r" else kind, status, "unparsable reply", json.dumps(body).encode())


def walked(rows: str) -> tuple[str, Walk]:
    """The measurement of each reading in order, "-" for none; and what the walk remembers."""
    walk, found = Walk(), []
    for seq, text in enumerate(rows.split(), start=1):
        belongs = walk.step(row(seq, text), False)
        if text.startswith("r"):
            found.append(belongs or "-")
    return "".join(found), walk


@pytest.mark.parametrize(
    ("rows", "readings"),
    [
        ("r begin:A r r end:A r", "-AA-"),  # an instrument with one input
        ("begin:A r@1 r@2 end:A", "AA"),  # the marker names none: all, and that they are several is told of the whole
        ("begin:A@1 r@1 r@2 r r@1 end:A@1 r@1", "A--A-"),  # another channel, or none: not this one's
        ("begin:A@1 begin:B@2 r@1 r@2 end:A@1 r@1 r@2 end:B@2 r@2", "AB-B-"),  # two at once, each its own
        ("begin:A@1 begin:B@1 r@1 end:B@1", "B"),  # a begin on the same channel takes its place
        ("begin:A@1 begin:B@2 begin:C r@1 r@2 end:C", "CC"),  # a begin without channel takes every place
        ("begin:A begin:B@2 r@1 r@2", "-B"),  # and is itself the place of any
        ("begin:A@1 begin:B@2 end:A r@1 r@2", "-B"),  # an end closes what it names, whatever else it leaves out
        ("begin:A@1 begin:B@2 end:X@1 r@1 r@2", "-B"),  # an end of an unknown one: what it may have been
        ("begin:A@1 begin:B@2 end:X r@1 r@2", "--"),
        ("begin:A@1 begin:B@2 lost r@1 r@2", "--"),  # a lost entry may have been any marker
        ("begin:A@1 unparsed@2 gap r@1", "A"),
    ],
)
def test_readings_belong_to_the_measurement_of_their_own_channel(rows: str, readings: str) -> None:
    assert walked(rows)[0] == readings


@pytest.mark.parametrize(
    ("rows", "refused"),
    [
        ("begin:A unparsed unparsed@2 gap end:A unparsed", {"A": 3}),
        ("begin:A@1 begin:B@2 unparsed@1 unparsed@2 unparsed@2", {"A": 1, "B": 2}),
        ("begin:A@1 begin:B@2 gap unparsed", {"A": 2, "B": 2}),  # of no channel: it may have been of any
        ("gap unparsed@1", {}),
    ],
)
def test_what_could_not_be_read_counts_on_its_own_channel_or_on_all(rows: str, refused: dict[str, int]) -> None:
    assert walked(rows)[1].refused == refused


def test_a_lost_entry_breaks_every_measurement_that_is_open() -> None:
    _, walk = walked("begin:A@1 begin:B@2 end:A@1 begin:C@3 lost")
    assert walk.broken == {"B": "entry 5 is lost", "C": "entry 5 is lost"}
    assert walk.open == {}


def test_a_damaged_entry_breaks_as_a_lost_one_does() -> None:
    _, walk = walked("begin:A r damaged r")
    assert walk.broken == {"A": "entry 3 is damaged: its bytes are not those that were stored"}


@pytest.mark.parametrize(
    ("channels", "said"),
    [
        ([None, None], None),
        (["1", "1"], None),
        (["1", "2", "1"], "its readings are of several channels (1, 2) and its begin marker names none"),
        ([None, "2"], "its readings are of several channels (2) and its begin marker names none"),
        ([], None),
    ],
)
def test_several_channels_without_a_name_are_not_added_up(channels: list[str | None], said: str | None) -> None:
    readings = [StoredReading("s", n, "e", {} if c is None else {"channel": c}, "", "") for n, c in enumerate(channels)]
    assert several_channels(readings) == said
