"""One instrument on one wire through all faults, one after the other, without switching anything off in between.

The faults of one instrument and wire are run once and asked for one by one: each is a test of its own, and a later one
is met in whatever state the earlier ones have left.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest
from fleet import both
from fleet_bench import TIMEOUT_S, Bench, bench
from fleet_wires import WIRES, Kind
from virtual_time import run

from drivers import Model
from simulators import WireModel
from simulators.faults import parse_fault

FAULTS = (
    f"late-reply={1.5 * TIMEOUT_S}@2", "split", "glued", "half-then-silence@2", "garbage-before@p0.5", "bit-flip@p0.5",
    "duplicate@p0.5", "echo", "wrong-terminator=cr", "wrong-terminator=lf", "wrong-terminator=crlf",
    "wrong-terminator=none", "unsolicited@p0.5", "reboot@2", "vanish-write@2", "vanish-read@2", "vanish-open",
    "vanish-identify", "busy-port", "hang@2", "busy-reply@p0.5", "front-panel@2", "sentinel@p0.5",
    f"slow={0.8 * TIMEOUT_S}", f"slow={1.1 * TIMEOUT_S}@2",
)  # fmt: skip
ONCE = ("wrong-terminator=lf", "wrong-terminator=crlf", f"slow={1.1 * TIMEOUT_S}@2")  # enough on a perfect wire
OF_OPENING = ("vanish-open", "vanish-identify", "busy-port")
OTHERS = ("other-device", "other-serial")
ACCOUNTS = "every byte accounted for"
TAKES = {"perfect": 5}  # on the others 3: what a fault of its own does is seen on the perfect wire

Results = dict[str, Exception | None]


def faults_on(wire: str) -> list[str]:
    """Those that are run on a wire: one that is cut at every byte already is not cut again."""
    if wire == "perfect":
        return list(FAULTS)
    return [each for each in FAULTS if each not in ONCE and (each, wire) != ("split", "byte-by-byte")]


@cache
def campaign(name: str, wire: str) -> Results:
    """What each fault came to for an instrument of the fleet."""
    return campaign_of(*both(name), next(each for each in WIRES if each.name == wire), faults_on(wire))


def campaign_of(model: Model, simulated: WireModel, wire: Kind, faults: Sequence[str]) -> Results:
    """What each fault came to: None where every oracle held."""
    results: Results = {}

    async def all_of_them() -> None:
        while left := [each for each in faults if each not in results]:
            with pytest.MonkeyPatch.context() as patch:
                async with bench(model, simulated, wire, patch) as it:
                    await _as_many_as_go(it, left, results)

    try:
        run(all_of_them())
        results[ACCOUNTS] = None
    except Exception as error:  # it belongs to what was run last, and those behind it were not run
        results |= {each: error for each in (*faults, ACCOUNTS) if each not in results}
    return results


async def _as_many_as_go(it: Bench, faults: list[str], results: Results) -> None:
    """Up to the first that goes wrong: what comes behind it needs an instrument that is well."""
    assert await it.open(), it.troubles
    await it.takes(3)
    assert it.values, "no reading came before any fault"
    for fault in faults:
        try:
            await through(it, fault)
            results[fault] = None
        except Exception as error:
            results[fault] = error
            return


async def through(it: Bench, fault: str) -> None:
    """Readings before, while and after it; on a perfect wire opened under it as well."""
    before = len(it.link.happened)
    it.arm(fault)
    await it.takes(TAKES.get(it.wire.name, 3), lambda: len(it.link.happened) > before)
    await it.flush()
    if it.wire.name == "perfect" or fault in OF_OPENING:
        await it.close()
        await it.open()
        await it.takes(2)
    assert len(it.link.happened) > before or fault == "busy-port", f"{fault} never struck"
    it.disarm()
    assert await it.flows_again(), it.troubles[-6:]


def another_answers(name: str, wire: str, fault: str) -> list[str]:
    """The troubles of an instrument in whose place another answers: while it is in use, and at the next opening."""
    kind = next(each for each in WIRES if each.name == wire)
    model, simulated = both(name)

    async def swapped() -> list[str]:
        with pytest.MonkeyPatch.context() as patch:
            async with bench(model, simulated, kind, patch) as it:
                assert await it.open(), it.troubles
                it.link.arm(parse_fault(fault, seed=7))
                serial = it.identity.serial if it.identity else ""
                if fault == "other-serial" and not serial:
                    return []
                assert await it.call(it.instrument.recover) is None
                await it.close()
                it.configure(expected_serial=serial or None)
                assert not await it.open()
                return [it.troubles[-2], it.troubles[-1]]

    return run(swapped())
