"""Acquisition through the buffer of every Keithley, against its simulator and over faulty lines, on virtual time.

The oracle is the simulator's own list of what it stored: each reading once, in order, at its time, or its bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import pairwise
from typing import Any
from unittest import mock

import pytest
from fleet import both
from keithley_pair import Pair, beside_its_simulator

from drivers import Flag, InstrumentError
from simulators.faults import parse_fault

MODELS = ("keithley-6430", "keithley-6485", "keithley-6487", "keithley-6514", "keithley-6517a", "keithley-6517b")
POINTS = 5
TICK_S = 2e-3  # seven digits of a time stamp


def with_buffer(name: str, work: Callable[[Pair], Awaitable[None]], wire: str = "perfect", **settings: Any) -> None:
    """Open it with a buffer of POINTS readings, and do the work."""
    beside_its_simulator(name, work, wire, **({"buffer_points": POINTS} | settings))


@pytest.mark.parametrize("name", MODELS)
def test_every_reading_of_every_buffer_comes_once_at_the_time_of_the_instruments_own_clock(name: str) -> None:
    async def work(pair: Pair) -> None:
        await pair.takes(40)
        await pair.flush()
        assert len(pair.got) >= 4 * POINTS
        assert [each.kind for each in pair.got] == ["scalar"] * len(pair.got)
        assert pair.numbers() == pytest.approx(pair.truth(), rel=1e-6, abs=1e-17)
        times = [each.elapsed_s for each in pair.got]
        assert all(time is not None for time in times)
        assert times == pytest.approx([each.time_s for each in pair.stored], abs=TICK_S)
        assert all(b > a for a, b in pairwise(times))
        assert all(each.flags == () for each in pair.got)
        assert pair.device.settings_in_force["TRAC:POIN"] == POINTS

    with_buffer(name, work)


@pytest.mark.parametrize("name", MODELS)
def test_a_marker_finds_the_buffer_read_out_and_nothing_converted_before_it_comes_later(name: str) -> None:
    async def work(pair: Pair) -> None:
        await pair.takes(1, every_s=0.15)  # a part of the buffer is filled
        before = await pair.flush()
        marker_s = pair.unit.clock.now() - pair.unit.meter.stamp_zero_s
        assert 0 < len(before) < POINTS
        assert all(each.elapsed_s < marker_s for each in before)
        assert await pair.flush() == [], "nothing is converted until the next take"
        after = await pair.takes(12)
        assert len(after) >= POINTS
        assert all(each.elapsed_s > marker_s for each in after)
        assert pair.numbers() == pytest.approx(pair.truth()[: len(pair.got)], rel=1e-6, abs=1e-17)

    with_buffer(name, work)


@pytest.mark.parametrize("name", ["keithley-6514", "keithley-6517b"])
def test_before_a_command_the_buffer_is_read_out_and_none_of_it_is_lost(name: str) -> None:
    async def work(pair: Pair) -> None:
        await pair.takes(1, every_s=0.15)
        outcome = await pair.device.run_command("zero", {})
        assert outcome.readings == [], "nothing is stale: the next filling begins after the command"
        count = len(pair.stored)
        assert 0 < count < POINTS
        assert len(await pair.takes(1)) == count, "they come with the next take"
        await pair.takes(20)
        await pair.flush()
        assert pair.numbers() == pytest.approx(pair.truth(), rel=1e-6, abs=1e-17)

    with_buffer(name, work)


FAULTS = (
    "late-reply=3@2", "split", "glued", "half-then-silence@3", "garbage-before@p0.2", "bit-flip@p0.2", "duplicate@p0.2",
    "unsolicited@p0.2", "hang=30@3", "slow=1.5", "busy-reply@p0.2", "vanish-read@4",
)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("wire", ["perfect", "lossy"])
@pytest.mark.parametrize("name", ["keithley-6487", "keithley-6514", "keithley-6517b"])
def test_no_fault_of_the_line_doubles_or_invents_a_reading(name: str, wire: str, fault: str) -> None:
    """In order, each at most once; a bit that turned a digit into a digit cannot be told by any form of this maker."""

    async def work(pair: Pair) -> None:
        pair.link.arm(parse_fault(fault, seed=7))
        await pair.takes(60)
        pair.link.disarm()
        before = len(pair.numbers())
        await pair.takes(40)
        assert len(pair.numbers()) > before, "readings flow again"
        keys = [(each.elapsed_s, each.value) for each in pair.got if each.value is not None]
        assert len(set(keys)) == len(keys), "none comes twice"
        truth = set(pair.truth())
        invented = [each for each in pair.numbers() if each not in truth]
        flipped = fault.startswith("bit-flip")
        assert flipped or not invented, f"{invented} was never stored"

    with_buffer(name, work, wire)


def test_a_reading_that_is_not_understood_is_asked_for_again_and_the_third_time_kept_as_bytes() -> None:
    async def work(pair: Pair) -> None:
        listing = pair.unit.listing
        pair.unit.listing = lambda: listing().replace(",", "?,", 1)  # type: ignore[method-assign]
        await pair.takes(16)
        unread = [each for each in pair.got if each.kind == "unparsed"]
        whole, (one, *_) = unread[:2], [each for each in unread if each.raw.count(b",") == 2]
        assert [each.raw.count(b",") for each in whole] == [3 * POINTS - 1] * 2
        assert (one.flags, b"?" in one.raw) == ((Flag.UNPARSED,), True)
        assert len(pair.numbers()) >= POINTS - 1

    with_buffer("keithley-6514", work)


def test_a_damaged_number_of_stored_readings_is_waited_for_no_longer_than_any_reply() -> None:
    """A time-out is as long as what is stored takes to send; 50,000 readings would be minutes, and nothing comes."""

    async def work(pair: Pair) -> None:
        await pair.takes(1, every_s=0.15)  # a part of the buffer is filled
        port = pair.link._port
        send = port.send

        async def damaged(data: bytes) -> bool:
            return await send(b"50000\n") if data.strip().isdigit() else True

        with mock.patch.object(port, "send", damaged):
            begun = asyncio.get_running_loop().time()
            with suppress(InstrumentError):
                await pair.device.flush()
            assert asyncio.get_running_loop().time() - begun < 10
        await pair.takes(40)
        assert len(pair.numbers()) > 2 * POINTS

    with_buffer("keithley-6514", work)


def test_an_instrument_that_was_stopped_by_hand_begins_anew_and_gives_what_it_had() -> None:
    async def work(pair: Pair) -> None:
        await pair.takes(1, every_s=0.15)
        pair.unit.trigger.abort(pair.unit.clock.now())
        await pair.takes(40)
        await pair.flush()
        assert len(pair.numbers()) > 2 * POINTS
        assert pair.numbers() == pytest.approx(pair.truth(), rel=1e-6)

    with_buffer("keithley-6514", work)


def test_one_that_cannot_fill_its_buffer_says_why() -> None:
    async def work(pair: Pair) -> None:
        pair.unit.meter.source.on = False
        (reading,) = await pair.device.take()
        assert reading.kind == "unparsed"
        assert "cannot fill its buffer with 5 readings: ':INIT' (803 Not permitted with OUTPUT off)" in reading.note

    with_buffer("keithley-6430", work)


@pytest.mark.parametrize(("name", "most"), [("keithley-6514", 2500), ("keithley-6487", 3000), ("keithley-6517b", 4000)])
def test_a_buffer_beyond_what_the_model_holds_is_refused(name: str, most: int) -> None:
    settings = both(name)[0].settings
    assert settings.model_validate({"buffer_points": most}).buffer_points == most  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match=f"less than or equal to {most}"):
        settings.model_validate({"buffer_points": most + 1})
    assert settings.model_validate({"buffer_points": 9}).poll_interval_s == 0.25  # type: ignore[attr-defined]
    chosen = settings.model_validate({"buffer_points": 9, "poll_interval_s": 2})
    assert chosen.poll_interval_s == 2  # type: ignore[attr-defined]
    assert settings.model_validate({}).poll_interval_s == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", MODELS)
def test_a_timer_paces_the_conversions_of_a_buffer(name: str) -> None:
    async def work(pair: Pair) -> None:
        await pair.takes(40)
        times = [each.elapsed_s or 0.0 for each in pair.got[:POINTS]]
        assert [b - a for a, b in pairwise(times)] == pytest.approx([0.7] * (POINTS - 1), abs=TICK_S)

    with_buffer(name, work, timer_s=0.7)
