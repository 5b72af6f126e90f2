"""What was read together with an element: the standards and controls of its run, or why that is not known. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from acquire.procedure.readouts.reader_run import Begins, Limits, ReaderRun, Record

Side = Literal["before", "after"]
WAY_OUT = "two people state with which standards it was read (acquire session reader-run)"
NOT_TOLD = {
    Begins.UNTOLD: "what is between them does not state its run, as the others do",
    Begins.QUALITY_CONTROL: (
        "quality control stands between them after just ten dosimeters, as within a run and as at the beginning of"
        " one, and by the reader's clock it did not follow at the pace of the dosimeters"
    ),
    Begins.FILE: "a file begins between them, and nothing in the records tells whether the run goes on in it",
    Begins.CLOCK: "the reader's clock stands at another time there, and nothing else tells whether the run went on",
    Begins.LOSS: "something between them was lost, which may have been the beginning of a run",
    Begins.AGAIN: "elements were read twice, and nothing in the records tells where between them the second run began",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Together:
    """The records of an element's run. found: of each wanted element its readouts; doubt: why the run is not known.

    missing: wanted elements that are not in it, where it is known as far as they go.
    """

    run: ReaderRun
    found: dict[str, list[Record]]
    doubt: str | None = None
    missing: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[object, ...]:
        """Equal where two elements were read with the same readouts of the same others."""
        return tuple(sorted((name, tuple(r.at for r in records)) for name, records in self.found.items()))


def place_of(runs: Sequence[ReaderRun], at: tuple[str, int]) -> tuple[int, int]:
    """The number of the run that holds a record, and of the record in it. Raises LookupError."""
    for n, run in enumerate(runs):
        for m, record in enumerate(run.records):
            if record.at == at:
                return n, m
    raise LookupError(f"entry {at[1]} of stream {at[0]} is no record of the reader")


def together(
    runs: Sequence[ReaderRun], name: str, readings: Sequence[tuple[str, int]], wanted: dict[str, int]
) -> Together:
    """What was read in the run of an element's readings. wanted: how many readouts of each other element.

    Raises LookupError.
    """
    places = [place_of(runs, at) for at in readings]
    n, m = places[0]
    run = runs[n]
    found = {each: run.of(each)[:count] for each, count in wanted.items()}
    missing = [each for each, count in wanted.items() if len(found[each]) < count]
    doubt = None
    if len({of for of, _ in places}) > 1:
        doubt = f"its {len(places)} readings are of different runs"
    elif wanted:
        doubt = _doubt(runs, n, m, missing, list(wanted))
    said = f"The run of {name} is not certain: {doubt}; {WAY_OUT}." if doubt else None
    return Together(run, found, said, () if run.unknown else tuple(missing))


def _doubt(runs: Sequence[ReaderRun], n: int, m: int, missing: Sequence[str], wanted: Sequence[str]) -> str | None:
    if runs[n].unknown:
        return NOT_TOLD[Begins.AGAIN]
    for beside, why in _perhaps_the_same(runs, n):
        if absent := [each for each in missing if beside.of(each)]:
            return f"{', '.join(absent)} stand beside it, {NOT_TOLD[why]}"
    if not missing:
        return _doubt_at_the_edge(runs, n, m, wanted)
    return None


def _perhaps_the_same(runs: Sequence[ReaderRun], n: int) -> Iterator[tuple[ReaderRun, Begins]]:
    """Stretches before and behind one that may be of the same run, with what stands in between."""
    at = n
    while at > 0 and not runs[at].certain:
        at -= 1
        yield runs[at], runs[at + 1].begins
    at = n
    while at + 1 < len(runs) and not runs[at + 1].certain:
        at += 1
        yield runs[at], runs[at].begins


def _doubt_at_the_edge(runs: Sequence[ReaderRun], n: int, m: int, wanted: Sequence[str]) -> str | None:
    """A file may begin in the middle of a run, and hold the standards of the next one behind it.

    Where the runs beside it lie the same way (standards first, or last) the element is of its own file's.
    """
    run = runs[n]
    own = [k for k, record in enumerate(run.records) if record.name in wanted]
    if n == 0 and m < own[0] and run.records[0].after_loss:
        return "what stands before it is too far away to be looked at"
    if not run.certain and m < own[0] and (left := runs[n - 1]).holds(wanted) and left.dosimeters[-1] not in wanted:
        return f"{_first_of(left, wanted)} stand beside it too, {NOT_TOLD[run.begins]}"
    if m > own[-1] and n + 1 < len(runs) and not (right := runs[n + 1]).certain and right.holds(wanted):
        leads = run.dosimeters[0] in wanted or right.dosimeters[0] in wanted
        return None if leads else f"{_first_of(right, wanted)} stand beside it too, {NOT_TOLD[right.begins]}"
    return None


def _first_of(run: ReaderRun, wanted: Sequence[str]) -> str:
    return ", ".join(each for each in wanted if run.of(each))


def together_as_stated(
    runs: Sequence[ReaderRun],
    readings: Sequence[tuple[str, int]],
    wanted: dict[str, int],
    side: Side,
    limits: Limits,
) -> Together:
    """The same where people state that an element was read with the standards that stand before, or after, it.

    The run is then the shortest stretch that has them all, as far as no element stands in it too often.
    """
    records = [record for run in runs for record in run.records]
    index = next(n for n, record in enumerate(records) if record.at == readings[0])
    step = -1 if side == "before" else 1
    stretch: list[Record] = [records[index]]
    counts = {str(records[index].counted): 1}
    found: dict[str, list[Record]] = {each: [] for each in wanted}
    at, last = index + step, records[index].name
    while 0 <= at < len(records) and any(len(found[each]) < count for each, count in wanted.items()):
        record = records[at]
        if record.counted is not None and record.name is not None:
            in_a_row = record.name == last and record.name not in wanted
            counts[record.counted] = counts.get(record.counted, 0) + (not in_a_row)
            if counts[record.counted] > limits.of(record.name):
                break
            if record.name in found and len(found[record.name]) < wanted[record.name]:
                found[record.name].append(record)
            last = record.name
        stretch.append(record)
        at += step
    if side == "before":
        stretch.reverse()
    missing = tuple(each for each, count in wanted.items() if len(found[each]) < count)
    in_order = {each: sorted(of, key=stretch.index) for each, of in found.items()}
    return Together(ReaderRun(tuple(stretch), Begins.PEOPLE, certain=True), in_order, missing=missing)
