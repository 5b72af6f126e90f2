"""All is quiet: what was given, stored, waits, was refused; what is lost, doubled or attached to the wrong measurement.

The truth is the counters' and the desk's; the store is read as `acquire store export` tells it.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter as Tally
from contextlib import closing
from itertools import pairwise
from typing import Any, NamedTuple

from acquire.store.attribution import measurement
from campaign.desk import NEVER, Desk
from campaign.faults import Faults
from campaign.house import House

IN_THE_AIR = 2  # readings that can be between the instrument and the spool's commit when a process is killed
GIVEN = re.compile(r"N,([1-9]\d*)")


class Entry(NamedTuple):
    """An entry of the store, with the number that it carries, if any."""

    stream: str
    seq: int
    kind: str
    status: str
    number: int | None


async def entries_of(house: House) -> tuple[list[Entry], Tally[str]]:
    """Every entry that the store tells, and how many rows of other kinds."""
    code, said = await house.acquire("store", "export", "--store", f"sqlite:///{house.store_file}")
    assert code == 0, said[-2000:]
    rows = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    others = Tally(row["row"] for row in rows)
    found = [
        Entry(row["stream"], row["seq"], row["kind"], row["status"], number_of(row["body"]))
        for row in rows if row["row"] == "entry"
    ]  # fmt: skip
    return found, others


def number_of(body: Any) -> int | None:
    """What the instrument gave with it: a reading's number, or that of a reply that was set aside."""
    if isinstance(body, dict) and body.get("kind") == "scalar" and body.get("value") is not None:
        return int(body["value"])
    found = GIVEN.search(json.dumps(body))
    return int(found[1]) if found else None


def in_spools(house: House) -> dict[tuple[str, int], str]:
    """Every entry of every spool, also of those that were moved aside, with its instrument: the retention keeps all."""
    found: dict[tuple[str, int], str] = {}
    for host in house.hosts:
        for file in [house.spool_file(host), *house.spool_file(host).parent.glob("spool.damaged-*.db")]:
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
                sql = "SELECT s.stream, e.seq, s.instrument FROM entry e JOIN stream s ON s.number = e.stream"
                found |= {(stream, seq): name for stream, seq, name in db.execute(sql)}
    return found


def instruments_of(house: House) -> dict[str, str]:
    """The instrument of each stream that the store knows."""
    rows = house.rows(house.store_file, "SELECT stream, instrument FROM stream")
    return {str(stream): str(instrument) for stream, instrument in rows}


class Missing(NamedTuple):
    """Numbers that were given and are in no entry: in the air when a process died, told by a gap, or lost."""

    in_the_air: int
    gap: int
    lost: list[str]


def missing_of(name: str, entries: list[Entry], given: int) -> Missing:
    """Follow one instrument's numbers through its streams."""
    numbered = sorted((e for e in entries if e.number is not None), key=lambda e: e.number or 0)
    gaps = {(e.stream, e.seq) for e in entries if e.kind == "gap"}
    air = told = 0
    lost: list[str] = []
    for before, after in pairwise(numbered):
        assert before.number is not None
        assert after.number is not None
        absent = after.number - before.number - 1
        if absent <= 0:
            continue
        if before.stream == after.stream:
            between = any((before.stream, seq) in gaps for seq in range(before.seq + 1, after.seq))
        else:
            between = any((after.stream, seq) in gaps for seq in range(1, after.seq + 1))
        if between:
            told += absent
        elif before.stream != after.stream and absent <= IN_THE_AIR:
            air += absent
        else:
            lost.append(f"{name}: {absent} after {before.number} ({before.stream} {before.seq}, {after.stream})")
    last = numbered[-1].number if numbered else 0
    assert last is not None
    return Missing(
        air + min(given - last, IN_THE_AIR), told, lost + [f"{name}: its last"] * (given - last > IN_THE_AIR)
    )


def attached(house: House, desk: Desk) -> tuple[Tally[str], int, list[str]]:
    """States of all measurements, how many readings are attached, and every wrong one."""
    states: Tally[str] = Tally()
    wrong: list[str] = []
    count = 0
    with closing(sqlite3.connect(f"file:{house.store_file}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        for n, one in enumerate(desk.measurements):
            view = measurement(db, one.id)
            states[view.state] += 1
            numbers = [int(r.body["value"]) for r in view.readings]
            if view.state == "not-begun" and one.after_begin is not None:
                wrong.append(f"the begin of {one} was answered and is not in the store")
            count += len(numbers)
            until = one.after_end
            if until == NEVER:  # it may have been ended by the next begin, or by its stream's end
                later = [m for m in desk.measurements[n + 1 :] if m.instrument == one.instrument and m.after_begin]
                until = (later[0].after_begin or NEVER) if later else NEVER
            wrong += [f"{x} in {one}" for x in numbers if not one.before_begin < x <= until]
            if view.state == "ended" and one.after_begin is not None and one.before_end is not None:
                must = set(range(one.after_begin + 1, one.before_end + 1))
                missing = sorted(must - set(numbers))
                if len(missing) > view.refused:  # a reply that came too late is told by a gap in the measurement
                    wrong += [f"{x} not in {one}" for x in missing]
    return states, count, wrong


async def counted(house: House, faults: Faults, desk: Desk) -> dict[str, Any]:
    """The table, and under "wrong" every sentence that says what must not be."""
    entries, others = await entries_of(house)
    spools = in_spools(house)
    of = instruments_of(house)
    stored = {(e.stream, e.seq) for e in entries if e.status != "lost"}
    wrong = [f"{key} of {spools[key]} waits in its spool" for key in spools.keys() - stored]
    wrong += [f"{key} is in the store and in no spool" for key in stored - spools.keys()]
    numbers = Tally((of[e.stream], e.number) for e in entries if e.number is not None)
    doubled = [f"{key} is stored {n} times" for key, n in numbers.items() if n > 1]
    air = gap = 0
    lost: list[str] = []
    for name, counter in house.counters.items():
        found = missing_of(name, [e for e in entries if of[e.stream] == name], counter.given)
        air, gap, lost = air + found.in_the_air, gap + found.gap, lost + found.lost
    states, count, misplaced = attached(house, desk)
    code, said = await house.acquire("store", "verify", "--store", f"sqlite:///{house.store_file}")
    wrong += [f"store verify: {said[-1000:]}"] * (code != 0)
    wrong += [f"{states['open']} measurements are open, and all streams have ended"] * (states["open"] > 0)
    wrong += [f"{others[kind]} rows of {kind}" for kind in ("conflict", "unreadable") if others[kind]]
    wrong += [f"{e.stream} {e.seq} is called lost" for e in entries if e.status == "lost"]
    return {
        "faults": dict(sorted(faults.done.items())), "count of faults": sum(faults.done.values()),
        "ended by itself": {name: m.ended_itself for name, m in house.members.items() if m.ended_itself},
        "slowest until readings flow, s": round(faults.slowest_s, 1),
        "given": sum(c.given for c in house.counters.values()), "stored": sum(numbers.values()),
        "refused": sum(e.status == "refused" for e in entries), "told by gaps": gap, "in the air at kills": air,
        "lost": len(lost), "doubled": len(doubled), "measurements": dict(states), "attached": count,
        "not begun or ended because": dict(desk.refused.most_common(8)),
        "attached wrongly": len(misplaced), "asked whether to close": desk.asked, "could close": desk.could_close,
        "could close wrongly": len(desk.wrongly), "wrong": [*wrong, *lost, *doubled, *misplaced, *desk.wrongly],
    }  # fmt: skip
