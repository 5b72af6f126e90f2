"""A reader run: a contiguous group of a reader's records, found from what the records themselves say. Pure.

Standards, controls, reference light and noise belong to the dosimeters of their own run. Where a reader states its
runs, those are they. Where it does not, a run begins with the quality control records that come after dosimeters, and
an element that stands twice stands in two runs. Records are given in the reader's order (reader_order); no clock makes
a run, and no file's name. What that leaves open is said, and never decided by a guess (docs/adr/0020-reader-run.md).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from itertools import pairwise, takewhile
from typing import Literal

from acquire.strict_numbers import clock

QUALITY_CONTROL_EVERY = 10  # dosimeters of a run under way (WinREMS files of three sessions); elsewhere a run begins
PACE = 3  # assumed: quality control of a run under way is no later than so many times what a dosimeter takes
LONGEST_WITHOUT = timedelta(hours=1)  # assumed: so many take some ten minutes (43 to 49 s each in the same files)
LONGEST_PAUSE = timedelta(hours=12)  # assumed, of a run without quality control: it is not left overnight

Order = Literal["standards first", "standards last"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How often an element, by its name, is read in one run: as the plan has it, `others` for those of other plans."""

    own: Mapping[str, int]
    others: int = 1

    def of(self, name: str) -> int:
        """Of an element, own or not."""
        return self.own.get(name, self.others)


class Begins(StrEnum):
    """Why a stretch of records is another than the one before it, or may be."""

    FIRST = "the first record that is known"
    STATED = "the reader states another run"
    UNTOLD = "a record that does not state its run"
    QUALITY_CONTROL = "quality control records after dosimeters"
    AGAIN = "an element that was read before"
    FILE = "a file"
    LOSS = "what was lost"
    CLOCK = "another time on the reader's clock"
    PEOPLE = "two people state it"


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a reader, as far as runs are concerned.

    dosimeter    tells the record of one dosimeter from the next; the elements of one card have it in common
    name         the element's, where it is a readout that may count
    counted      what may stand so often in one run as it is read: the name, with what tells the record from others
    run, reader  as the record states them, None where it does not
    clock        the reader's own; it neither makes a run nor joins one, and only keeps records from being joined
    """

    stream: str
    seq: int
    kind: Literal["dosimeter", "pmt-noise", "reference-light", "other"]
    dosimeter: str = ""
    name: str | None = None
    counted: str | None = None
    run: str | None = None
    reader: str | None = None
    clock: str | None = None
    begins_file: bool = False
    after_loss: bool = False

    @property
    def is_quality_control(self) -> bool:
        """Whether it is a record of PMT noise or of the reference light."""
        return self.kind in ("pmt-noise", "reference-light")

    @property
    def at(self) -> tuple[str, int]:
        """Where it is in the store."""
        return self.stream, self.seq


@dataclass(frozen=True, slots=True)
class ReaderRun:
    """A stretch of records that are of one run as far as they tell.

    certain: whether it surely is another run than what stands before it. unknown: the records are of the run before or
    of the run behind, and nothing tells of which.
    """

    records: tuple[Record, ...]
    begins: Begins
    certain: bool
    unknown: bool = False

    def of(self, name: str) -> list[Record]:
        """The readouts of an element in it."""
        return [each for each in self.records if each.name == name]

    def holds(self, names: Collection[str]) -> bool:
        """Whether one of these elements was read in it."""
        return any(each.name in names for each in self.records)

    @property
    def dosimeters(self) -> list[str]:
        """The names of what was read in it, in order."""
        return [each.name for each in self.records if each.name is not None]


def reader_runs(records: Sequence[Record], travelling: Collection[str], limits: Limits) -> list[ReaderRun]:
    """The runs of a reader's records, in order. `travelling`: standards, controls and check element, by name."""
    return [run for stretch in _stretches(records) for run in _without_repeats(stretch, travelling, limits)]


@dataclass(slots=True)
class _Stretch:
    """Records between two borders. marks: where quality control records stand that a run under way may have."""

    begins: Begins
    certain: bool
    records: list[Record] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    since: int | None = None  # dosimeters since its last quality control records; None: it began without any

    @property
    def ends_in_a_mark(self) -> bool:
        """Whether its last records are quality control of a run under way."""
        return bool(self.marks) and self.since == 0

    def take(self, record: Record) -> None:
        if record.is_quality_control:
            self.since = 0
        elif record.kind == "dosimeter" and self.since is not None:
            self.since += not self.records or self.records[-1].dosimeter != record.dosimeter
        self.records.append(record)


def _stretches(records: Sequence[Record]) -> list[_Stretch]:
    """Cut at what the records state, at quality control records, and where a file begins or something was lost."""
    found: list[_Stretch] = []
    for n, record in enumerate(records):
        border = _border(found[-1], records, n) if found else (Begins.FIRST, True)
        if border is not None:
            found.append(_Stretch(*border))
        elif record.is_quality_control and not found[-1].records[-1].is_quality_control:
            found[-1].marks.append(len(found[-1].records))
        found[-1].take(record)
    return found


def _border(open_: _Stretch, records: Sequence[Record], n: int) -> tuple[Begins, bool] | None:
    """Whether another run begins with a record, or may begin (False); None where the one before goes on."""
    before, record = open_.records[-1], records[n]
    if _differ(before.run, record.run) or _differ(before.reader, record.reader):
        return Begins.STATED, True
    if before.run != record.run:
        return Begins.UNTOLD, False
    return None if record.run is not None else _untold_border(open_, records, n)


def _untold_border(open_: _Stretch, records: Sequence[Record], n: int) -> tuple[Begins, bool] | None:
    """The same of a reader that does not state its runs."""
    before, record = open_.records[-1], records[n]
    if record.after_loss:
        return Begins.LOSS, False
    if before.is_quality_control:
        begun_twice = record.is_quality_control and record.begins_file and open_.ends_in_a_mark
        return (Begins.FILE, False) if begun_twice else None
    if record.is_quality_control and open_.since != QUALITY_CONTROL_EVERY:
        return Begins.QUALITY_CONTROL, True
    if record.is_quality_control and not _at_its_pace(open_.records, record):
        return Begins.QUALITY_CONTROL, False
    if open_.since is None and _stands_elsewhere(before, record):
        return Begins.CLOCK, False
    goes_on = not record.is_quality_control and _goes_on(open_, records, n)
    return (Begins.FILE, False) if record.begins_file and not goes_on else None


def _differ(one: str | None, other: str | None) -> bool:
    return None not in (one, other) and one != other


def _at_its_pace(records: Sequence[Record], quality_control: Record) -> bool:
    """Whether quality control after just ten dosimeters came as soon as they follow each other.

    Then the reader was not loaded anew in between, by its own clock. Where that shows no time nothing tells.
    """
    passed, begun = _passed(records[-1], quality_control), _dosimeters_since_quality_control(records)
    steps = [took for one, then in pairwise(begun) if (took := _passed(one, then)) is not None]
    if passed is None or not steps:
        return False
    usual = sorted(steps)[len(steps) // 2]  # the median: one that somebody waited for is no pace
    return usual > timedelta(0) and timedelta(0) <= passed <= PACE * usual


def _dosimeters_since_quality_control(records: Sequence[Record]) -> list[Record]:
    """The first record of each, in order."""
    found: list[Record] = []
    for record in takewhile(lambda each: not each.is_quality_control, reversed(records)):
        if record.kind == "dosimeter":
            if found and found[-1].dosimeter == record.dosimeter:
                found.pop()
            found.append(record)
    return found[::-1]


def _stands_elsewhere(before: Record, record: Record) -> bool:
    """Whether the reader's clock stands so far off that a run without any quality control may have ended."""
    passed = _passed(before, record)
    return passed is not None and abs(passed) > LONGEST_PAUSE


def _goes_on(open_: _Stretch, records: Sequence[Record], n: int) -> bool:
    """Whether a file that begins without quality control records is of the run that began with some.

    Not where there would then be more dosimeters than a reader measures without quality control; nor where its clock
    goes back or stands far later: a file of another day, which somebody forgot, is no end of today's run.
    """
    if open_.since is None or not _soon_after(open_.records[-1], records[n]):
        return False
    return open_.since + _dosimeters_up_to_quality_control(records, n) <= QUALITY_CONTROL_EVERY


def _soon_after(before: Record, record: Record) -> bool:
    if before.clock is None and record.clock is None:
        return True
    passed = _passed(before, record)
    return passed is not None and timedelta(0) <= passed <= LONGEST_WITHOUT


def _passed(before: Record, record: Record) -> timedelta | None:
    """By the reader's clock, as it shows it; None where it shows no time."""
    try:
        return clock(record.clock or "").replace(tzinfo=None) - clock(before.clock or "").replace(tzinfo=None)
    except ValueError:
        return None


def _dosimeters_up_to_quality_control(records: Sequence[Record], n: int) -> int:
    found: list[str] = []
    for record in records[n:]:
        if record.is_quality_control:
            break
        if record.kind == "dosimeter" and found[-1:] != [record.dosimeter]:
            found.append(record.dosimeter)
    return len(found)


def _without_repeats(stretch: _Stretch, travelling: Collection[str], limits: Limits) -> Iterator[ReaderRun]:
    """Cut where an element would stand in one run more often than it is read in one."""
    records, at, begins, certain = stretch.records, 0, stretch.begins, stretch.certain
    while (again := _again(records, at, travelling, limits)) is not None:
        first, then = _second_begins(stretch, *again, travelling)
        yield ReaderRun(tuple(records[at:first]), begins, certain)
        if first < then:
            yield ReaderRun(tuple(records[first:then]), Begins.AGAIN, certain=False, unknown=True)
        at, begins, certain = then, Begins.AGAIN, first == then
    yield ReaderRun(tuple(records[at:]), begins, certain)


def _again(records: Sequence[Record], at: int, travelling: Collection[str], limits: Limits) -> tuple[int, int] | None:
    """Where an element stands too often for the first time, counted from `at`: its place before, and this one.

    A chip or dot that is read once more than asked for, with nothing else in between, is still where it was.
    """
    places: dict[str, list[int]] = {}
    last = -1
    for n in range(at, len(records)):
        counted, name = records[n].counted, records[n].name
        if counted is None or name is None:
            continue
        before = places.setdefault(counted, [])
        if len(before) >= limits.of(name):
            if name in travelling or before[-1] != last:
                return before[-1], n
            before.pop()
        before.append(n)
        last = n
    return None


def _second_begins(stretch: _Stretch, before: int, again: int, travelling: Collection[str]) -> tuple[int, int]:
    """Where the second run begins, at the earliest and at the latest, between two places of one element.

    At the quality control records where just one lot stands in between; else as the standards of the stretch lie.
    Where nothing but standards and controls stands in between, each of them may be of either run.
    """
    marks = [mark for mark in stretch.marks if before < mark <= again]
    if len(marks) == 1:
        return marks[0], marks[0]
    if all(_belongs_to_a_group(each, travelling) for each in stretch.records[before + 1 : again]):
        return before + 1, again
    first, last = _group_end(stretch, before, again, travelling), _group_begin(stretch, before, again, travelling)
    match _order(stretch, travelling):
        case "standards first":
            return last, last
        case "standards last":
            return first, first
    if marks:
        first, last = max(first, marks[0]), min(last, marks[-1])
    return min(first, last), last


def _order(stretch: _Stretch, travelling: Collection[str]) -> Order | None:
    """How standards and dosimeters follow each other in all of a stretch, where that is one way throughout.

    Where standards both begin and end it, a run without dosimeters stands at one end, and nothing tells at which.
    """
    names = [each.name for each in stretch.records if each.name is not None]
    leads, ends = names[0] in travelling, names[-1] in travelling
    if leads == ends:
        return None
    return "standards first" if leads else "standards last"


def _group_begin(stretch: _Stretch, before: int, again: int, travelling: Collection[str]) -> int:
    """Where the travelling elements (and quality control records) begin that stand directly before a record."""
    at = again
    while at - 1 > before and _belongs_to_a_group(stretch.records[at - 1], travelling):
        at -= 1
    return at


def _group_end(stretch: _Stretch, before: int, again: int, travelling: Collection[str]) -> int:
    """Behind the travelling elements of which a record is one, or else behind the next ones."""
    at = before
    while at < again and stretch.records[at].name not in travelling:
        at += 1
    while at < again and stretch.records[at].name in travelling:
        at += 1
    return at


def _belongs_to_a_group(record: Record, travelling: Collection[str]) -> bool:
    return record.is_quality_control or record.name in travelling
