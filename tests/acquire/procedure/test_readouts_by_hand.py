"""Which readings of an element are of a placement, from readings and rows by hand, one rule after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from acquire.procedure.documents.inventory import Element
from acquire.procedure.documents.plan import Batch
from acquire.procedure.readouts import elements
from acquire.procedure.readouts.elements import Readout, different_records, not_read, of_element, readout
from acquire.procedure.readouts.placed import Placement
from acquire.procedure.readouts.read_names import ReadAs
from acquire.procedure.readouts.stated_presence import PresenceStated
from acquire.store.attribution import StoredReading
from acquire.store.made import Made, Received

NOON = "2027-02-05T12:00:00.000000Z"
CHIP = Element(id="T-017", kind="tld", material="m", reader="reader-1", read_as="17", element_index=2)
PLACED, REMOVED, AGAIN = 10, 20, 30  # what had been received then


def placement(after: int | None = PLACED, removed_after: int | None = REMOVED, *, back: bool = True) -> Placement:
    """Of the chip at P4, placed at noon; not `back`: it is still out."""
    return Placement(
        7, "S", "P4", "T-017", None, NOON, "MD-1", NOON if back else None, "MD-1" if back else None, None, None, None,
        after, removed_after if back else None,
    )  # fmt: skip


def read(seq: int, received: int, *, of: str = "17", by: str = "reader-1", **body: Any) -> StoredReading:
    """A finished readout that came with that number."""
    told = {"kind": "scalar", "value": 1.0, "time": NOON, "element": of, "element_index": 2, **body}
    return StoredReading("s", seq, by, told, f"digest {seq}", Received(received, NOON))


@dataclass
class Rows:
    """What the store has of the chip."""

    readings: list[StoredReading] = field(default_factory=list)
    again: Made | None = None
    off: PresenceStated | None = None
    read_as: list[ReadAs] = field(default_factory=list)
    of_others: set[int] = field(default_factory=set)
    anew: dict[int, int] = field(default_factory=dict)  # the reading that counts no more, and the one that does

    def of(self, name: str, index: int | None) -> tuple[StoredReading, ...]:
        found = [r for r in self.readings if r.body["element"] == name]
        return tuple(r for r in found if index is None or r.body.get("element_index") == index)

    def counting(self, readings: Sequence[StoredReading]) -> list[StoredReading]:
        """Each in the place of the one that it was taken again for."""
        by_seq = {r.seq: r for r in readings}
        return [by_seq[self.anew.get(r.seq, r.seq)] for r in readings if r.seq not in self.anew.values()]

    def said(self, session: str, at: int, what: str) -> PresenceStated | None:
        assert (session, at) == ("S", 7)
        return self.off if what == "was-removed" else None


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Rows:
    made = Rows()
    monkeypatch.setattr(elements, "readings_of_element", lambda _, name, index: made.of(name, index))
    monkeypatch.setattr(elements, "as_read_anew", lambda _, readings: made.counting(readings))
    monkeypatch.setattr(elements, "next_placed", lambda *_: made.again)
    monkeypatch.setattr(elements, "stated_of", lambda _, session, at, what: made.said(session, at, what))
    monkeypatch.setattr(elements, "read_as_of", lambda *_: made.read_as)
    monkeypatch.setattr(
        elements, "without_others", lambda _, found, at: [r for r in found if r.seq not in made.of_others]
    )
    return made


def found(rows: Rows, *readings: StoredReading, at: Placement | None = None, batch: Batch | None = None) -> Readout:
    rows.readings = list(readings)
    return readout(None, CHIP, at or placement(), batch)  # type: ignore[arg-type]


def seqs(of: Sequence[StoredReading]) -> list[int]:
    return [r.seq for r in of]


def used(of: Readout) -> int | None:
    return of.used.seq if of.used else None


# --- by the order in which it was written ---


def test_what_came_after_the_removal_counts_the_first_as_readout_and_the_others_as_of_an_emptied_chip(
    rows: Rows,
) -> None:
    made = found(rows, read(1, PLACED), read(2, PLACED + 1), read(3, REMOVED), read(4, REMOVED + 1), read(5, 25))
    assert (used(made), seqs(made.later), seqs(made.held)) == (4, [5], [])
    assert seqs(made.early) == [2, 3], "between placing and removal it belongs to nothing"
    assert (made.element, made.several, made.by_clock, made.as_stated, made.read_as) == (CHIP, None, False, None, None)


def test_a_chip_that_is_still_out_has_no_readout_and_what_came_meanwhile_is_told(rows: Rows) -> None:
    made = found(rows, read(1, 5), read(2, 15), at=placement(back=False))
    assert (used(made), seqs(made.early), made.later, made.held, made.by_clock) == (None, [2], (), (), False)


def test_a_chip_that_nobody_read_has_no_readout(rows: Rows) -> None:
    made = found(rows)
    assert (made.used, made.later, made.held, made.early) == (None, (), (), ())


def test_what_came_after_it_was_placed_again_is_of_the_next_placement(rows: Rows) -> None:
    rows.again = Made(AGAIN, NOON)
    made = found(rows, read(1, 25), read(2, AGAIN), read(3, AGAIN + 1))
    assert (used(made), seqs(made.later), made.by_clock) == (1, [2], False)


@pytest.mark.parametrize(
    ("removed_after", "again"), [(None, None), (REMOVED, Made(None, NOON)), (None, Made(30, NOON))]
)
def test_rows_of_an_earlier_release_go_by_the_clock_and_it_is_said(
    rows: Rows, removed_after: int | None, again: Made | None
) -> None:
    rows.again = again
    assert found(rows, read(1, 25), at=placement(removed_after=removed_after)).by_clock is True


def test_what_its_host_says_is_older_than_the_placement_is_held(rows: Rows) -> None:
    older = read(1, 25, time="2027-02-05T11:59:59.999999Z")
    made = found(rows, older, read(2, 26), read(3, 27))
    assert (seqs(made.held), used(made), seqs(made.later)) == ([1], 2, [3])
    alone = found(rows, older)
    assert (seqs(alone.held), alone.used) == ([1], None)


# --- by what two people say ---


def off(seq: int) -> PresenceStated:
    return PresenceStated("was-removed", "P4", 7, "T-017", "s", seq, "It lay in the tray.", "MD-1", "MP-1", NOON, 22, 3)


def test_from_the_readout_that_two_people_name_it_counts_as_off_the_point(rows: Rows) -> None:
    rows.off = off(2)
    made = found(rows, read(1, 12), read(2, 14), read(3, 16), read(4, 25))
    assert (used(made), seqs(made.later), seqs(made.early), made.as_stated) == (2, [3, 4], [1], rows.off)
    rows.off = off(99)
    made = found(rows, read(1, 12), read(4, 25))
    assert (used(made), seqs(made.early), made.as_stated) == (4, [1], None)
    rows.off = off(4)
    made = found(rows, read(4, 25))
    assert (used(made), made.as_stated) == (4, None), "it came after the removal: nobody's word was needed"
    rows.off = off(4)
    assert found(rows, read(4, 15), at=placement(back=False)).as_stated is None


def as_17(seq: int, name: str = "71", index: int | None = 2) -> ReadAs:
    return ReadAs(7, "T-017", name, index, "s", seq, "Exchanged in the tray.", "MD-1", "MP-1", NOON)


def test_a_reading_under_another_name_is_the_chip_s_where_two_people_say_so_and_no_other_of_that_name(
    rows: Rows,
) -> None:
    rows.read_as, rows.of_others = [as_17(2)], {1}
    made = found(rows, read(1, 25), read(2, 26, of="71"), read(3, 27, of="71"))
    assert (used(made), seqs(made.later), made.read_as) == (2, [], rows.read_as[0])
    rows.read_as = [as_17(2, index=3)]
    assert found(rows, read(2, 26, of="71")).used is None, "another place of the card"
    rows.read_as, rows.of_others = [as_17(4)], set()
    made = found(rows, read(1, 25), read(4, 26, of="71", time="2027-02-05T11:00:00Z"))
    assert (used(made), made.read_as) == (1, None)
    rows.read_as = [as_17(2), as_17(3)]
    assert seqs(found(rows, read(2, 26, of="71"), read(3, 27, of="71")).later) == [3]


# --- why there is none ---


@pytest.mark.parametrize(
    ("back", "early", "says"),
    [
        (True, False, "T-017 of P4 has not been read."),
        (False, False, "T-017 of P4 has not come back."),
        (False, True, "T-017 of P4 was read, and has not come back by what is written: write its removal."),
        (
            True, True,
            "T-017 of P4 was read before its removal was written. If it was off the patient by then, two people say so"
            " (acquire session was-removed).",
        ),
    ],
)  # fmt: skip
def test_why_a_chip_has_no_reading_and_the_way_out(back: bool, early: bool, says: str) -> None:
    made = Readout(CHIP, None, (), (), early=(read(1, 15),) if early else ())
    assert not_read(made, placement(back=back)) == says


# --- which records may be a readout ---


def test_only_finished_readouts_of_the_element_s_own_reader_are_readings_of_it(rows: Rows) -> None:
    rows.readings = [
        read(1, 1, by="reader-2"), read(2, 1, role="pmt-noise"), read(3, 1, kind="curve"), read(4, 1, element_index=1),
        read(5, 1, value=None, flags=["incomplete"]), read(6, 1, of="16"), read(7, 1), read(8, 1, kind="glow-curve"),
    ]  # fmt: skip
    assert seqs(of_element(None, CHIP, None)) == [7, 8]  # type: ignore[arg-type]


def test_a_record_that_was_taken_again_stands_for_the_one_it_was(rows: Rows) -> None:
    rows.readings, rows.anew = [read(1, 1), read(2, 2), read(9, 9)], {1: 9}
    assert seqs(of_element(None, CHIP, None)) == [9, 2]  # type: ignore[arg-type]


def test_with_a_batch_only_the_records_that_it_names_are_readings(rows: Rows) -> None:
    rows.readings = [
        read(1, 1, channel="UVVIS", attributes={"step": "2"}), read(2, 1, channel="NIR50", attributes={"step": "2"}),
        read(3, 1, channel="UVVIS", attributes={"step": "1"}), read(4, 1),
    ]  # fmt: skip
    batch = Batch(reader="reader-1", channel="UVVIS", readout={"step": "2"})
    assert seqs(of_element(None, CHIP, batch)) == [1]  # type: ignore[arg-type]
    assert seqs(of_element(None, CHIP, Batch(reader="reader-1"))) == [1, 2, 3, 4]  # type: ignore[arg-type]


def test_a_copy_of_a_file_gives_its_readings_once_and_what_differs_in_anything_is_no_copy(rows: Rows) -> None:
    def at(seq: int, sha: str | None, offset: int | None, **more: Any) -> StoredReading:
        return read(seq, 1, origin={"file": f"{seq}.asc", "sha256": sha, "offset": offset}, **more)

    rows.readings = [
        at(1, "a", 0), at(2, "a", 0), at(3, "b", 0), at(4, "a", 10), at(5, "a", 0, channel="UVVIS"),
        at(6, None, 0), at(7, None, 0), at(8, "a", None), at(9, "a", None), read(10, 1), read(11, 1),
    ]  # fmt: skip
    card = CHIP.model_copy(update={"element_index": None})
    rows.readings.append(at(13, "a", 0, element_index=3))
    rows.readings += [at(14, "c", 0, element_index=None), at(15, "c", 0, element_index=None)]
    assert seqs(of_element(None, card, None)) == [1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14]  # type: ignore[arg-type]


# --- records that the plan leaves open ---


UV, NIR = {"channel": "UVVIS"}, {"channel": "NIR50"}
FIRST, SECOND = {"attributes": {"step": "1"}}, {"attributes": {"step": "2"}}
OF_STEP = Batch(reader="reader-1", readout={"type": "TL"})
OF_CHANNEL = Batch(reader="reader-1", channel="UVVIS")


@pytest.mark.parametrize(
    ("bodies", "batch", "wanted", "open_"),
    [
        ([], None, 1, False),
        ([{}, {}], None, 1, False),
        ([FIRST, FIRST], None, 1, False),
        ([FIRST, SECOND], None, 1, True),
        ([FIRST, SECOND], None, 2, True),
        ([FIRST, SECOND], Batch(reader="reader-1"), 2, True),
        ([FIRST, SECOND], OF_STEP, 1, True),
        ([FIRST, SECOND], OF_STEP, 2, False),
        ([FIRST, SECOND], OF_CHANNEL, 2, False),
        ([FIRST, {}], OF_STEP, 2, False),
        ([UV, NIR], OF_STEP, 2, True),
        ([UV, {}], OF_STEP, 2, True),
        ([UV, UV], OF_STEP, 2, False),
        ([FIRST, SECOND, {"attributes": {"step": "3"}}], OF_STEP, 2, True),
    ],
)
def test_as_many_records_may_differ_as_readings_are_asked_for_where_the_plan_names_them_but_never_channels(
    bodies: list[dict[str, Any]], batch: Batch | None, wanted: int, open_: bool
) -> None:
    readings = [read(n, 1, **body) for n, body in enumerate(bodies)]
    said = different_records(CHIP, readings, batch, wanted)
    assert (said is not None) is open_


@pytest.mark.parametrize(
    ("bodies", "says", "write"),
    [
        ([FIRST, SECOND], "2 different records that could count (step 1; step 2)", 'readout = { step = "2" }.'),
        ([UV, NIR], "2 different records that could count (channel UVVIS; channel NIR50)", 'channel = "NIR50".'),
        (
            [{**UV, **FIRST}, {**NIR, **SECOND}],
            "2 different records that could count (channel UVVIS, step 1; channel NIR50, step 2)",
            'readout = { step = "2" } and channel = "NIR50".',
        ),
        (
            [{"attributes": {"type": "TL", "step": "1"}}, {"attributes": {"type": "TL", "heating rate": "5 K/s"}}],
            "2 different records that could count (step 1; heating rate 5 K/s)",
            'readout = { "heating rate" = "5 K/s" }.',
        ),
        ([UV, FIRST], "2 different records that could count (channel UVVIS; step 1)", 'readout = { step = "1" }.'),
        ([FIRST, UV], "2 different records that could count (step 1; channel UVVIS)", 'channel = "UVVIS".'),
    ],
)
def test_what_differs_is_named_with_what_to_write_into_the_plan(
    bodies: list[dict[str, Any]], says: str, write: str
) -> None:
    readings = [read(n, 1, **body) for n, body in enumerate([*bodies, bodies[0]])]
    assert different_records(CHIP, readings, None, 1) == (
        f"T-017 has {says}: name the one that does in the plan's batch of reader-1, for example {write}"
    )


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("AMZ", "AMZ"),
        ("amz", "amz"),
        ("059", "059"),
        ("a_b", "a_b"),
        ("a-b", "a-b"),
        ("a b", '"a b"'),
        ("a.b", '"a.b"'),
        ("a:b", '"a:b"'),
    ],
)
def test_a_name_is_written_as_toml_takes_it(name: str, written: str) -> None:
    said = different_records(CHIP, [read(n, 1, attributes={name: str(n)}) for n in (1, 2)], None, 1)
    assert f'readout = {{ {written} = "2" }}' in str(said)


def test_the_order_in_which_a_reader_names_its_attributes_makes_no_other_record() -> None:
    one, other = {"attributes": {"a": "1", "b": "2"}}, {"attributes": {"b": "2", "a": "1"}}
    assert different_records(CHIP, [read(1, 1, **one), read(2, 1, **other)], None, 1) is None


def test_a_batch_that_asks_for_several_readings_is_held_to_that_number(rows: Rows) -> None:
    twice = Batch(
        reader="reader-1", readout={"type": "TL"}, readings=2, depletion_per_reading=0.01, depletion="falling"
    )
    both = [read(n, 25, attributes={"type": "TL", "step": str(n)}) for n in (1, 2)]
    assert found(rows, *both, batch=twice).several is None
    assert found(rows, *both, batch=OF_STEP).several is not None
    assert found(rows, *[read(n, 25, attributes={"step": str(n)}) for n in (1, 2)]).several is not None
