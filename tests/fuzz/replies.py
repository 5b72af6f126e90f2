"""Mutated replies for a driver: they come from its simulator, and go through the real link, engine and driver.

    python tests/fuzz/replies.py ptw-multidos --replies 1000000
    python tests/fuzz/replies.py all --replies 1000000
    python tests/fuzz/replies.py keithley-6514 --replies 1 --seed 1 --from-life 17    # a find once more, or go on

A find is an error that no driver declares (the engine would tell it as a DriverFault), something that does not end, a
number beside a flag that forbids it or beyond the range in force, a reading that cannot be kept, and an instrument that
does not come back when the line is well again. It is named by its life: one simulator, opened, read and mended until
some hundred replies were mutated, all of it given by seed, model and number of the life. Exit code 0: no find; 1: some.
"""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[each]) for each in (1, 2)]

from pydantic import ValidationError
from virtual_time import LoopClock, run

from acquire.instruments.entries import reading_body
from acquire.procedure.methods.collected_charge import BLOCKING
from drivers import (
    Driver,
    Flag,
    Instrument,
    InstrumentError,
    LinkDown,
    Listener,
    Model,
    Reading,
    connect,
    engine,
    link,
    listening,
    wire,
)
from drivers.errors import Misuse, fault_of
from drivers.registry import model, models
from fuzz.mutate import mutated
from fuzz.reply_setups import SETUPS, Setup
from fuzz.reply_wire import BadWire
from fuzz.targets import Target, targets, try_one
from simulators import MODELS, WireModel
from simulators.link import Link

MOST_S = 1000.0  # of virtual time for one call: the longest command of all takes 200 s
STUCK_S = 120.0  # of real time for one life, which takes less than a second
WATCHED_EVERY_S = 10.0  # the watchdog is a thread: starting one for each life cost more than the life on a busy machine
REPLIES_OF_A_LIFE = 250
BETWEEN_S = 0.12
WELL_AGAIN = 6  # tries on a line that is well again
SAID_EVERY_S = 10.0
NOTHING: Mapping[str, Any] = {}
LEFT_OUT = {"source-off", "range"}  # a 6430 whose output is off measures nothing; without a range it is autorange


def wired() -> tuple[str, ...]:
    """Every registered model that has a wire."""
    return tuple(
        name
        for name in models()
        if isinstance(model(name).driver, type) and issubclass(model(name).driver, Driver | Listener)
    )


@dataclass
class Count:
    """mutated: replies; believed, flagged, unparsed: readings; raised: errors by their names; finds: sentences.

    next_life: the first that has not been lived yet; a run that begins there goes on with this one.
    """

    mutated: int = 0
    next_life: int = 0
    readings: Counter[str] = field(default_factory=Counter)
    raised: Counter[str] = field(default_factory=Counter)
    finds: list[str] = field(default_factory=list)


@dataclass
class Life:
    """One instrument from its opening to its end, on a line that mutates."""

    model: Model
    setup: Setup
    random: random.Random
    count: Count
    name: str
    wire: BadWire = field(init=False)
    instrument: Instrument = field(init=False)
    lost: bool = False

    def find(self, what: str) -> None:
        """Something that must not be."""
        self.count.finds.append(f"{self.name}: {what}; the last mutated reply was {self.wire.last[:200]!r}")

    async def lived(self, simulated: WireModel, most: int) -> None:
        """Open, read, mend, until so many replies were mutated; then it must come back on a line that is well."""
        self.wire = BadWire(self.random)
        simulator = simulated.make(LoopClock(), self.random.randrange(1000), self.setup.options)
        simulator.detector.leakage_a = self.setup.signal_a
        carrying = Link(simulator, self.wire)
        await carrying.start()
        settings = {"timeout_s": 1.0} | dict(self.setup.settings)
        self.instrument = connect(self.model, "memory", settings, transport=self.wire.transport)
        try:
            await self._open(0.3, 0.05, 0.05, 0.01, 0.0, 0.0)
            while self.wire.mutated < most:
                await self._something()
            await self._comes_back()
        finally:
            self.wire.share = 0.0
            await self.instrument.close()
            await carrying.stop()
            self.count.mutated += self.wire.mutated

    async def _open(self, *shares: float) -> None:
        """In the end on a line that is well; there it must be opened at the second try."""
        for tried, share in enumerate(shares):
            self.wire.share = share
            if await self._call(self.instrument.open) is not None and await self._begun():
                return
            await self._call(self.instrument.close)
            await asyncio.sleep(
                8.0 * 2**tried
            )  # one that was told to change may refuse for a while; the daemon waits so
        self.find(f"it cannot be opened on a line that is well: {self.count.raised}")
        self.wire.mutated += 1000  # ends this life

    async def _begun(self) -> bool:
        self.wire.share = 0.0
        framing = self.model.framing
        done = [await self._command(each) for each in (*framing.before, *framing.start)]
        return all(done + [await self._command(*each) for each in self.setup.asked])

    async def _something(self) -> None:
        """One call of the daemon, and the mending if it failed."""
        await asyncio.sleep(BETWEEN_S)
        self.wire.share = self.random.choice((0.3, 0.8, 1.0))
        what = self.random.random()
        if what < 0.86:
            done = await self._call(self.instrument.take)
            if done == [] and self.setup.asked:
                await self._begun()
        elif what < 0.93:
            done = await self._call(self.instrument.flush)
        else:
            names = sorted(self.instrument.commands().keys() - LEFT_OUT)
            done = (await self._command(self.random.choice(names)) or None) if names else ()
        if done is None:
            await self._mend(0.8, 0.5, 0.1, 0.0, 0.0)

    async def _mend(self, *shares: float) -> None:
        """As the daemon does: recover, but open anew where the link is lost."""
        for share in shares:
            self.wire.share = share
            if self.lost:
                break
            if await self._call(self.instrument.recover) is not None:
                return
        await self._call(self.instrument.close)
        await self._open(*shares)

    async def _comes_back(self) -> None:
        self.wire.share = 0.0
        for _ in range(WELL_AGAIN):
            readings = await self._call(self.instrument.take)
            if readings is None:
                await self._mend(0.0, 0.0)
            elif not any({Flag.UNPARSED, Flag.ZERO_CHECK}.intersection(each.flags) for each in readings):
                return
        self.find("it does not come back on a line that is well")

    async def _command(self, name: str, given: Mapping[str, Any] = NOTHING) -> bool:
        """One that needs parameters and has none given is not asked here."""

        async def asked() -> Sequence[Reading]:
            try:
                return (await self.instrument.run_command(name, given)).readings
            except (ValidationError, Misuse):  # it needs parameters, or does not go with this set-up
                return ()

        return await self._call(asked) is not None

    async def _call(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """None where the instrument could not."""
        try:
            async with asyncio.timeout(MOST_S):
                done = await work()
        except InstrumentError as error:
            self.lost = isinstance(error, LinkDown)
            self.count.raised[type(error).__name__] += 1
            return None
        except TimeoutError:
            self.find(f"it did not end within {MOST_S:g} s: {work}")
            return None
        except Exception as error:
            self.find(f"{type(error).__name__} left it: {error} ({_where(error)})")
            return None
        if isinstance(done, Sequence):
            self._judge(done)
        self.lost = False
        return True if done is None else done

    def _judge(self, readings: Sequence[Reading]) -> None:
        for reading in readings:
            reading_body(reading)
            if reading.value is None:
                self.count.readings["unparsed" if reading.kind == "unparsed" else "flagged"] += 1
            elif BLOCKING.intersection(reading.flags):
                self.count.readings["flagged"] += 1
            else:
                self.count.readings["believed"] += 1
                self._within(reading)

    def _within(self, reading: Reading) -> None:
        told = {reading.quantity: reading.value} | {name: each.value for name, each in reading.also.items()}
        for name, most in self.setup.limits.items():
            value = told.get(name)
            if value is not None and abs(value) > most * (1 + 1e-9):
                self.find(f"{name} of {value:g} is over {most:g} and believed, of {reading.raw!r}")


@contextmanager
def no_undeclared_errors(found: Callable[[str], None]) -> Iterator[None]:
    """Whatever the engine turns into a DriverFault, or a wire into Garbled, is told to `found`."""

    def told(error: Exception, doing: str, raw: bytes = b"") -> Any:
        found(f"{type(error).__name__}: {error} while {doing} ({_where(error)})")
        return fault_of(error, doing, raw)

    with (
        mock.patch.object(engine, "fault_of", told), mock.patch.object(wire, "fault_of", told),
        mock.patch.object(link, "fault_of", told), mock.patch.object(listening, "fault_of", told),
    ):  # fmt: skip
        yield


def _where(error: BaseException) -> str:
    at = traceback.extract_tb(error.__traceback__)
    return " > ".join(f"{Path(each.filename).name}:{each.lineno}" for each in at[-3:])


class Watchdog:
    """Ends the process with every stack where `still_going` was not called for STUCK_S of real time."""

    def __init__(self) -> None:
        self._set_at = -WATCHED_EVERY_S

    def still_going(self) -> None:
        """A life begins."""
        if time.monotonic() - self._set_at >= WATCHED_EVERY_S:
            self._set_at = time.monotonic()
            faulthandler.dump_traceback_later(STUCK_S + WATCHED_EVERY_S, exit=True)

    def __enter__(self) -> Watchdog:
        return self

    def __exit__(self, *_: object) -> None:
        faulthandler.cancel_dump_traceback_later()


def lives(name: str, replies: int, seed: int, first: int = 0, *, of_a_life: int = REPLIES_OF_A_LIFE) -> Iterator[Count]:
    """The count after each life, until so many replies were mutated. Raises KeyError for a model without a set-up."""
    simulated = MODELS[name]
    assert isinstance(simulated, WireModel), f"{name} has no simulator of that name: write one from its manual."
    count, setups, number = Count(), SETUPS[name], first
    with Watchdog() as watchdog:
        while count.mutated < replies:
            r = random.Random(f"{seed} {name} {number}")
            called = f"{name}, seed {seed}, life {number}"
            life = Life(model(name), setups[number % len(setups)], r, count, called)
            watchdog.still_going()
            with no_undeclared_errors(life.find):
                run(life.lived(simulated, of_a_life))
            number += 1
            count.next_life = number
            yield count


def files(name: str, count: int, seed: int, first: int = 0) -> Iterator[Count]:
    """The same for a reader's file format, whose "replies" are its files: one of them is a life."""
    done = Count()
    with targets() as known:
        for number in range(first, first + count):
            if (wrong := _of_file(known[name], name, seed, number)) is not None:
                done.finds.append(f"{name}, seed {seed}, file {number}: {wrong[:300]}")
            done.mutated += 1
            done.next_life = number + 1
            yield done


def _of_file(target: Target, name: str, seed: int, number: int) -> str | None:
    data = mutated(random.Random(f"{seed} {name} {number}"), target.seeds, target.mutations)
    return try_one(target, data)


def counted(
    name: str, replies: int, seed: int, first: int = 0, *, of_a_life: int = REPLIES_OF_A_LIFE
) -> Iterator[Count]:
    """Of any registered model."""
    if name in wired():
        yield from lives(name, replies, seed, first, of_a_life=of_a_life)
    else:
        yield from files(name, replies, seed, first)


def main(arguments: Sequence[str]) -> int:
    """The exit code."""
    asked = argparse.ArgumentParser(description="Mutated replies for drivers.")
    asked.add_argument("model", help="a model, or all", choices=("all", *models()))
    asked.add_argument("--replies", type=int, default=1_000_000, help="mutated replies for each model")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--from-life", type=int, default=0, help="to see a find again, or to go on")
    given = asked.parse_args(arguments)
    found = 0
    for name in models() if given.model == "all" else (given.model,):
        found += _told(name, given.replies, given.seed, given.from_life)
    return 1 if found else 0


def _told(name: str, replies: int, seed: int, first: int) -> int:
    """Runs one model, says how far it is, and gives the number of finds."""
    begun = said = time.monotonic()
    done, told = Count(), 0
    for done in counted(name, replies, seed, first):
        for each in done.finds[told:]:
            print(each, flush=True)
        told = len(done.finds)
        if time.monotonic() > said + SAID_EVERY_S:
            said = time.monotonic()
            print(_so_far(name, seed, first, done, said - begun), flush=True)
    print(_so_far(name, seed, first, done, time.monotonic() - begun), "Done.", flush=True)
    return told


def _so_far(name: str, seed: int, first: int, done: Count, took: float) -> str:
    """One line that holds all there is to know of a run, should it be the last."""
    return (
        f"{name}: {done.mutated} mutated replies, seed {seed}, lives {first} to {done.next_life - 1}, {took:.0f} s"
        f" ({done.mutated / took:.0f}/s): {len(done.finds)} finds; readings {dict(sorted(done.readings.items()))};"
        f" errors {dict(sorted(done.raised.items()))}; go on with --from-life {done.next_life}."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
