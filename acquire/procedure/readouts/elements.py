"""Which readings of an element belong to which placement: by id, after removal and before it is placed again.

What was received when decides, by the store's own count; a clock that is set in between changes nothing. Where the
acquiring host says that the element was read before it was placed, the reading is held back and named: it may have come
late, or a clock was set, and a person decides. A reader may write several records of one element (preheat and readout,
one for each detector): the plan's batch names the one that counts.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from acquire.procedure.documents.inventory import Element
from acquire.procedure.documents.plan import Batch
from acquire.procedure.readouts.placed import Placement, next_placed
from acquire.procedure.readouts.read_anew import as_read_anew
from acquire.procedure.readouts.read_names import ReadAs, read_as_of, without_others
from acquire.procedure.readouts.reader_records import Told, is_named, is_readout, told_of
from acquire.procedure.readouts.stated_presence import PresenceStated, stated_of
from acquire.store.attribution import StoredReading, readings_of_element


@dataclass(frozen=True, slots=True)
class Readout:
    """What the reader gave for one element. `used` is the first readout; later ones are of an emptied element.

    `several`: the sentence where different records could count and the plan does not say which; then none does.
    `by_clock`: the placement was written by an earlier release, and the store's clock alone tells what came after it.
    `early`: what came between placing and removing, as those were written: it belongs to nothing, unless two people say
    that the element was off by then (`as_stated`). `read_as`: two people say that the reader has it under this name.
    """

    element: Element
    used: StoredReading | None
    later: tuple[StoredReading, ...]
    held: tuple[StoredReading, ...]
    several: str | None = None
    by_clock: bool = False
    early: tuple[StoredReading, ...] = ()
    as_stated: PresenceStated | None = None
    read_as: ReadAs | None = None


def readout(connection: sqlite3.Connection, element: Element, placement: Placement, batch: Batch | None) -> Readout:
    """Readings of a placed element that belong to this placement, and that the plan's batch lets count."""
    removed, again = placement.removed, next_placed(connection, placement)
    own = without_others(connection, of_element(connection, element, batch), placement.id)
    as_named = read_as_of(connection, placement.id)
    named = _under_another(connection, element, batch, as_named)
    every = [r for r in (*named, *own) if again is None or not again.precedes(r.received)]
    on_it = [r for r in every if placement.placed.precedes(r.received)]
    if removed is None:
        return Readout(element, None, (), (), early=tuple(on_it))
    off = stated_of(connection, placement.session, placement.id, "was-removed")
    found = [r for r in every if removed.precedes(r.received) or _said_of(off, r, every)]
    early = tuple(r for r in on_it if r not in found)
    held = tuple(r for r in found if r.body["time"] < placement.placed_at)
    good = [r for r in found if r not in held]
    several = different_records(element, good, batch, batch.readings if batch else 1)
    by_clock = removed.by_clock or (again is not None and again.by_clock)
    used = good[0] if good else None
    stated = off if used is not None and not removed.precedes(used.received) else None
    read_as = as_named[0] if as_named and used in named else None
    return Readout(element, used, tuple(good[1:]), held, several, by_clock, early, stated, read_as)


def _under_another(
    connection: sqlite3.Connection, element: Element, batch: Batch | None, said: Sequence[ReadAs]
) -> list[StoredReading]:
    """The readings that two people say are this element's, though the reader has them under another name."""
    mine = {(each.stream, each.seq) for each in said}
    names = dict.fromkeys((each.read_as, each.element_index) for each in said)
    called = [element.model_copy(update={"read_as": text, "element_index": index}) for text, index in names]
    found = [r for each in called for r in of_element(connection, each, batch)]
    return [r for r in found if (r.stream, r.seq) in mine]


def _said_of(off: PresenceStated | None, reading: StoredReading, every: Sequence[StoredReading]) -> bool:
    """Whether two people state that the element was off its point before this reading: the one named, or a later."""
    if off is None:
        return False
    at: list[tuple[str | None, int | None]] = [(each.stream, each.seq) for each in every]
    named = (off.stream, off.seq)
    return named in at and at.index((reading.stream, reading.seq)) >= at.index(named)


def not_read(found: Readout, placement: Placement) -> str:
    """Why an element that was placed has no reading that counts, with the way out where there is one."""
    name, where = placement.dosimeter, placement.point
    if not found.early:
        return f"{name} of {where} {'has not been read' if placement.removed_at else 'has not come back'}."
    if placement.removed_at is None:
        return f"{name} of {where} was read, and has not come back by what is written: write its removal."
    return (
        f"{name} of {where} was read before its removal was written. If it was off the patient by then, two people say"
        " so (acquire session was-removed)."
    )


def of_element(connection: sqlite3.Connection, element: Element, batch: Batch | None) -> list[StoredReading]:
    """All finished readouts of an element on its own reader, in the order they came; no quality control records.

    With a batch only those that it names by `readout` and `channel`.
    """
    found = readings_of_element(connection, element.read_as, element.element_index)
    counts = as_read_anew(connection, [r for r in found if r.instrument == element.reader])
    return _once(r for r in counts if _may_count(told_of(r.body), element, batch))


def _may_count(told: Told, element: Element, batch: Batch | None) -> bool:
    return is_readout(told, element.kind) and is_named(told, batch)


def _once(readings: Iterable[StoredReading]) -> list[StoredReading]:
    """Without copies: a folder whose journal was lost gives its files once more, the same bytes at their places."""
    found: dict[object, StoredReading] = {}
    for each in readings:
        origin = each.body.get("origin") or {}
        copied = origin.get("sha256"), origin.get("offset"), each.body.get("element_index"), each.body.get("channel")
        found.setdefault((each.stream, each.seq) if None in copied[:2] else copied, each)
    return list(found.values())


def different_records(
    element: Element, readings: Sequence[StoredReading], batch: Batch | None, wanted: int
) -> str | None:
    """The sentence where readings of one element are of more different records than may count; else None.

    Records differ by channel or by what they say of themselves. Where the batch names its records, as many may differ
    as it asks readings for (steps of one sequence), but never channels: those are not readings of the same signal.
    """
    records = list({json.dumps(each, sort_keys=True): each for each in map(_record, readings)}.values())
    named = batch is not None and bool(batch.readout or batch.channel)
    if len({each.get("channel") for each in records}) < 2 and len(records) <= (wanted if named else 1):
        return None
    keys = [k for k in dict.fromkeys(k for each in records for k in each) if len({e.get(k) for e in records}) > 1]
    said = "; ".join(", ".join(f"{k} {each[k]}" for k in keys if k in each) for each in records)
    return (
        f"{element.id} has {len(records)} different records that could count ({said}): name the one that does in the"
        f" plan's batch of {element.reader}, for example {_example(keys, records[-1])}."
    )


def _record(reading: StoredReading) -> dict[str, str]:
    """What tells one record of an element from another."""
    channel = reading.body.get("channel")
    return {**({} if channel is None else {"channel": channel}), **(reading.body.get("attributes") or {})}


def _example(keys: Sequence[str], record: Mapping[str, str]) -> str:
    """As it is written in a plan's TOML."""
    inside = ", ".join(f"{_key(k)} = {json.dumps(record[k])}" for k in keys if k != "channel" and k in record)
    parts = [f"readout = {{ {inside} }}"] if inside else []
    if "channel" in keys and "channel" in record:
        parts.append(f"channel = {json.dumps(record['channel'])}")
    return " and ".join(parts)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)
