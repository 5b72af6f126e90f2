"""What the engine does for every driver: doubt, identity, faults, read-back, what is stale; and nothing is lost."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from gauge import IDENTITY, Counting, Gauge, StaleGauge, model, number, sample
from pydantic import BaseModel, ValidationError
from scripted import Device, played

from drivers import (
    Declined,
    DriverFault,
    Flag,
    Garbled,
    Identity,
    InstrumentError,
    LinkDown,
    Misuse,
    NoParameters,
    ReplyTimeout,
    Sample,
    Settings,
    WrongInstrument,
    command,
    connect,
    engine,
)
from drivers.transport.memory import MemoryTransport

pytestmark = pytest.mark.virtual_time


async def taken(instrument: Any) -> Any:
    """The one reading of a take."""
    (reading,) = await instrument.take()
    return reading


async def believed_again(instrument: Any, device: Device) -> None:
    """No request is sent before the instrument was identified again; then readings are in step."""
    heard = len(device.heard)
    with pytest.raises(ReplyTimeout, match="drained"):
        await instrument.take()
    assert len(device.heard) == heard
    await instrument.recover()
    assert device.heard[heard:] == ["ID?", "WELL?"]
    n = device.answer.n  # type: ignore[union-attr]  # it counts
    *kept, reading = await instrument.take()
    assert reading.value == n + 1
    assert {each.kind for each in kept} <= {"unparsed"}


async def test_opening_identifies_before_anything_is_sent_and_reads_back_last() -> None:
    async with played(model(), Counting()) as (instrument, device):
        assert device.heard == ["ID?", "SET", "SET?"]
        assert instrument.identity == Identity("ours", "7", "4711", "1", IDENTITY)
        assert instrument.settings_in_force == {"set": 1.0}
        assert (instrument.measures, instrument.channels, instrument.integrates) == ("charge", (), "running")
        assert instrument.poll_interval_s == 0.25
        reading = await taken(instrument)
        assert (reading.value, reading.raw, reading.kind) == (1.0, b"R=1", "scalar")
        assert [r.value for r in await instrument.flush()] == [2.0]
        await instrument.close()
        await asyncio.sleep(0)
    assert device.heard[3:] == ["R?", "F?", "BYE"]


async def test_a_line_in_doubt_is_released_without_a_word() -> None:
    async with played(model(), Counting()) as (instrument, device):
        device.once["R?"] = [b"what\n"]
        assert (await taken(instrument)).kind == "unparsed"
    assert device.heard[-1] == "R?"


async def test_standing_down_never_raises_and_never_waits_long() -> None:
    class Stays(Gauge):
        async def stand_down(self) -> None:
            await asyncio.Event().wait()

    class Falls(Gauge):
        def stand_down(self) -> Any:
            raise KeyError("at once")

    for kind in (Stays, Falls):
        async with played(model(kind), Counting()) as (instrument, _):
            await instrument.close()
            with pytest.raises(LinkDown):
                await instrument.take()


# --- who answers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "more", "says"),
    [
        (b"GAUGE 8,4711", {}, "^A Gauge is configured on memory; a 8 answers"),
        (b"GAUGE 77,4711", {}, "a 77 answers"),
        (b"OTHER", {}, "^A Gauge was expected on memory; 'OTHER' answers"),
        (b"GAUGE 7,1", {"expected_serial": "4711"}, "^Serial number 4711 is configured on memory; 1 answers"),
        (b"GAUGE 7,", {"expected_serial": "4711"}, "4711 is configured on memory; no number answers"),
    ],
)
async def test_another_instrument_is_refused_and_nothing_is_sent_to_it(
    reply: bytes, more: dict[str, Any], says: str
) -> None:
    def answers(line: str) -> bytes | None:
        return reply if line == "ID?" else None

    async with played(model(), answers, opened=False, **more) as (instrument, device):
        with pytest.raises(WrongInstrument, match=says) as caught:
            await instrument.open()
        assert set(device.heard) == {"ID?"}
        assert caught.value.raw in (reply, b"")
        with pytest.raises(LinkDown):
            await instrument.take()
    assert set(device.heard) == {"ID?"}


async def test_the_serial_number_that_is_configured_is_accepted() -> None:
    async with played(model(), Counting(), expected_serial="4711") as (instrument, _):
        assert instrument.identity.serial == "4711"


async def test_a_late_reply_in_the_place_of_the_identity_is_thrown_away() -> None:
    async with played(model(), Counting(), opened=False) as (instrument, device):
        device.once["ID?"] = [b"R=9\n", b"NO"]
        await instrument.open()
        assert device.heard[:4] == ["ID?", "ID?", "ID?", "SET"]
        assert (await taken(instrument)).value == 1.0


async def test_who_never_answers_is_a_time_out() -> None:
    async with played(model(), {}, opened=False, timeout_s=0.01) as (instrument, device):
        with pytest.raises(ReplyTimeout, match="no reply within"):
            await instrument.open()
        assert device.heard == ["ID?", "ID?", "ID?"]


async def test_another_serial_after_a_time_out_is_refused() -> None:
    async with played(model(), Counting()) as (instrument, device):
        device.once["ID?"] = [b"GAUGE 7,4712\n"]
        with pytest.raises(WrongInstrument, match="Serial number 4712 answers where 4711 was"):
            await instrument.recover()
        with pytest.raises(ReplyTimeout, match="drained"):
            await instrument.take()


async def test_settings_that_were_lost_end_the_stream_and_what_is_not_understood_is_asked_again() -> None:
    async with played(model(), Counting()) as (instrument, device):
        for reply, kind, says in (
            (b"NO\n", LinkDown, "memory is not set any more as it was: The gauge refused"),
            (b"what\n", ReplyTimeout, "memory is not understood yet: No number"),
            (b"FAULT\n", ReplyTimeout, r"memory is not understood yet: An error in the driver \(ZeroDiv"),
        ):
            device.once["WELL?"] = [reply]
            with pytest.raises(kind, match=says) as caught:
                await instrument.recover()
            assert caught.value.raw == reply.strip()
            with pytest.raises(ReplyTimeout, match="drained"):
                await instrument.take()
        assert (await instrument.recover()).serial == "4711"
        assert (await taken(instrument)).value == 1.0


async def test_a_doubt_that_a_driver_hides_when_resuming_stays() -> None:
    class Hides(Gauge):
        async def resume(self) -> None:
            try:
                await super().resume()
            except Garbled:
                return

    async with played(model(Hides), Counting()) as (instrument, device):
        device.once["WELL?"] = [b"what\n"]
        await instrument.recover()
        await believed_again(instrument, device)


# --- what is not understood ------------------------------------------------------------------------------------------

ODD: dict[str, tuple[bytes, bytes, str]] = {
    "unasked-first": (b"READY\r\nR=1\r\n", b"READY", "^No number\\.$"),
    "echo": (b"R?\nR=1\n", b"R?", "^No number"),
    "other-reply": (b"GAUGE 7,4711\n", b"GAUGE 7,4711", "^No number"),
    "parser-fails": (b"FAULT\n", b"FAULT", "^An error in the driver .ZeroDivisionError: by nothing. while parsing"),
    "control-bytes": (b"\x13x\x11\n", b"x", "^No number"),
}


@pytest.mark.parametrize("name", ODD)
async def test_after_anything_that_parse_refuses_nothing_is_believed_before_identification(name: str) -> None:
    said, raw, says = ODD[name]
    async with played(model(), Counting()) as (instrument, device):
        assert (await taken(instrument)).value == 1.0
        device.once["R?"] = [said]
        odd = await taken(instrument)
        assert (odd.kind, odd.value, odd.flags, odd.raw) == ("unparsed", None, (Flag.UNPARSED,), raw)
        assert re.search(says, odd.note)
        await believed_again(instrument, device)


async def test_an_unasked_line_never_puts_readings_one_request_behind() -> None:
    async with played(model(), Counting()) as (instrument, device):
        assert (await taken(instrument)).value == 1.0
        await device.say(b"READY\r\n")
        with pytest.raises(ReplyTimeout, match="'READY' came unasked"):
            await instrument.take()
        await instrument.recover()
        kept, reading = await instrument.take()
        assert (kept.kind, kept.raw, reading.value) == ("unparsed", b"READY", 2.0)


async def test_a_reply_that_stops_in_the_middle_is_kept_and_its_rest_is_no_reply() -> None:
    async with played(model(), Counting(), timeout_s=0.02) as (instrument, device):
        device.once["R?"] = [b"R="]
        with pytest.raises(ReplyTimeout, match="no complete reply, only 'R='"):
            await instrument.take()
        await device.say(b"9\n")
        with pytest.raises(ReplyTimeout, match="drained"):
            await instrument.take()
        await instrument.recover()
        *kept, reading = await instrument.take()
        assert [each.raw for each in kept] == [b"R=", b"R=9"]
        assert {each.kind for each in kept} == {"unparsed"}
        assert reading.value == 1.0


ASIDES = [b"", b"READY\n", b"NO\n", b"R?\n", b"FAULT\n", b"NO\nNO\n", b"\n\n", b"R=", b"NO\n"]


async def test_whatever_comes_before_a_reply_every_number_answers_its_own_request() -> None:
    """The gauge here gives its true reply only when it hears the next line, as one that is a request behind would."""
    counting, owed, asides = Counting(), b"", list(ASIDES)

    def answers(line: str) -> bytes | None:
        nonlocal owed
        reply, late, owed = counting(line), owed, b""
        if line == "R?" and asides and (aside := asides.pop()):
            owed = b"R=%d\r\n" % counting.n
            return late + aside[:-1] if aside.endswith(b"\n") else late + aside
        return late + reply if reply is not None else late[:-2] or None

    async with played(model(), answers, timeout_s=0.01) as (instrument, _):
        for _ in range(4 * len(ASIDES)):
            try:
                readings = await instrument.take()
            except InstrumentError:
                await instrument.recover()
                continue
            for reading in readings:
                assert reading.value in (None, counting.n), "the reading of an earlier request"
        assert not asides
        assert readings[-1].value == counting.n


async def test_a_refusal_is_kept_and_five_in_a_row_open_the_instrument_anew() -> None:
    async with played(model(), Counting()) as (instrument, device):
        device.once["R?"] = [b"NO\n"] * 4
        for _ in range(4):
            odd = await taken(instrument)
            assert (odd.kind, odd.raw, odd.note) == ("unparsed", b"NO", "The gauge refused.")
            assert device.heard[-2:] == ["R?", "ID?"], "it may have come unasked"
        assert (await taken(instrument)).value == 1.0, "the line is sound"
        device.once["R?"] = [b"NO\n"] * 5
        for _ in range(4):
            await instrument.take()
        with pytest.raises(LinkDown, match=r"The gauge refused\. It did so 5 times; it is opened anew") as caught:
            await instrument.take()
        assert caught.value.raw == b"NO"
        assert (await instrument.open()).serial == "4711"
        device.once["R?"] = [b"NO\n"] * 4
        assert [(await taken(instrument)).kind for _ in range(4)] == ["unparsed"] * 4, "the count begins anew"


class Twice(Gauge):
    """Asks two things for one sample."""

    async def take(self) -> Sequence[Sample]:
        return [sample(await self.wire.ask(b"R?\n", number) + 0 * await self.wire.ask(b"L?\n", number))]


async def test_all_that_was_heard_for_one_sample_is_kept() -> None:
    async with played(model(Twice), Counting(), timeout_s=0.02) as (instrument, device):
        assert (await taken(instrument)).raw == b"R=1\nR=6"
        device.once["L?"] = [b"NO\n", b"what\n", b"half"]
        assert (await taken(instrument)).raw == b"R=2\nNO"
        assert (await taken(instrument)).raw == b"R=3\nwhat"
        await instrument.recover()
        with pytest.raises(ReplyTimeout):
            await instrument.take()
        await instrument.recover()
        kept, reading = await instrument.take()
        assert (kept.raw, kept.kind, reading.raw) == (b"R=4\nhalf", "unparsed", b"R=5\nR=6")


async def test_a_fault_after_two_replies_keeps_each_once() -> None:
    class Fails(Twice):
        async def take(self) -> Sequence[Sample]:
            await super().take()
            raise KeyError("k")

    async with played(model(Fails), Counting()) as (instrument, _):
        assert (await taken(instrument)).raw == b"R=1\nR=6"


async def test_a_reply_that_the_driver_itself_refuses_leaves_a_doubt_too() -> None:
    class Checks(Gauge):
        async def take(self) -> Sequence[Sample]:
            (got,) = await super().take()
            if got.value == 2.0:
                raise Garbled("Two is no reading.")
            return [got]

    async with played(model(Checks), Counting()) as (instrument, device):
        assert (await taken(instrument)).value == 1.0
        odd = await taken(instrument)
        assert (odd.kind, odd.raw, odd.note) == ("unparsed", b"R=2", "Two is no reading.")
        await believed_again(instrument, device)


# --- faults of a driver ----------------------------------------------------------------------------------------------


class Own(BaseModel):
    number: int


def invalid() -> None:
    Own.model_validate({"number": "x"})


def key() -> None:
    raise KeyError("k")


def stops() -> None:
    next(iter(()))


RAISES: list[Callable[[], None]] = [key, invalid, stops]


def raising(method: str, error: Callable[[], None], at_once: bool) -> type[Gauge]:
    """A gauge one of whose methods raises, when awaited or when called."""

    async def later(self: Gauge, *_: Any) -> Any:
        error()

    def now(self: Gauge, *_: Any) -> Any:
        error()

    return type("Faulty", (Gauge,), {method: now if at_once else later})


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("error", RAISES)
@pytest.mark.parametrize("method", ["identify", "set_up", "read_back"])
async def test_a_fault_when_opening_is_a_sentence_and_the_port_is_free(
    method: str, error: Callable[[], None], at_once: bool
) -> None:
    async with played(model(raising(method, error, at_once)), Counting(), opened=False) as (instrument, _):
        doing = {"identify": "identifying", "set_up": "setting up", "read_back": "reading settings back from"}[method]
        with pytest.raises(DriverFault, match=rf"^An error in the driver \(\w+: .*\) while {doing} memory\.$"):
            await instrument.open()
        with pytest.raises(LinkDown, match="was closed"):
            await instrument.take()


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("error", RAISES)
async def test_a_fault_when_taking_flushing_or_resuming_is_a_sentence(error: Callable[[], None], at_once: bool) -> None:
    for method in ("take", "flush"):
        async with played(model(raising(method, error, at_once)), Counting()) as (instrument, device):
            (odd,) = await getattr(instrument, method)()
            assert (odd.kind, odd.raw) == ("unparsed", b"")
            assert odd.note.startswith("An error in the driver (")
            assert odd.note.endswith(") while reading memory.")
            if method == "flush":
                with pytest.raises(ReplyTimeout, match="drained"):
                    await instrument.take()
            assert device.heard[-1] == "SET?"
    async with played(model(raising("resume", error, at_once)), Counting()) as (instrument, _):
        with pytest.raises(ReplyTimeout, match="memory is not understood yet: An error in the driver"):
            await instrument.recover()


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("error", RAISES)
@pytest.mark.parametrize("name", ["change", "hold", "look"])
async def test_a_fault_in_a_command_is_a_sentence_and_leaves_a_doubt(
    name: str, error: Callable[[], None], at_once: bool
) -> None:
    async with played(model(raising(name, error, at_once)), Counting()) as (instrument, _):
        with pytest.raises(DriverFault, match=rf"\) while carrying out {name} on memory\.$"):
            await instrument.run_command(name, {})
        with pytest.raises(ReplyTimeout, match="drained"):
            await instrument.take()


@pytest.mark.parametrize("given_", [None, 5, [None], ["text"], [object()]])
async def test_what_is_no_sample_is_a_fault_of_the_driver(given_: Any) -> None:
    class Odd(Gauge):
        async def take(self) -> Any:
            await self.wire.ask(b"R?\n", number)
            return given_

    async with played(model(Odd), Counting()) as (instrument, _):
        odd = await taken(instrument)
        assert (odd.kind, odd.raw) == ("unparsed", b"R=1")
        assert odd.note.startswith("An error in the driver (")


@pytest.mark.parametrize(("method", "gives"), [("identify", None), ("identify", "GAUGE"), ("read_back", 5)])
async def test_what_is_no_identity_and_no_settings_is_a_fault_of_the_driver(method: str, gives: Any) -> None:
    async def give(self: Gauge) -> Any:
        return gives

    kind = type("Odd", (Gauge,), {method: give})
    async with played(model(kind), Counting(), opened=False) as (instrument, _):
        with pytest.raises(DriverFault, match="An error in the driver"):
            await instrument.open()


async def test_a_fault_in_making_a_driver_or_in_its_properties_is_a_sentence() -> None:
    class Unmade(Gauge):
        def __init__(self, *_: Any) -> None:
            raise KeyError("k")

    class Unsaid(Gauge):
        @property
        def measures(self) -> str:
            raise KeyError("k")

        @property
        def channels(self) -> tuple[str, ...]:
            raise KeyError("k")

    with pytest.raises(DriverFault, match="while making the driver of memory"):
        connect(model(Unmade), "memory", {}, transport=MemoryTransport())
    async with played(model(Unsaid), Counting()) as (instrument, _):
        with pytest.raises(DriverFault, match="while asking for the quantity of memory"):
            _ = instrument.measures
        with pytest.raises(DriverFault, match="while asking for the channels of memory"):
            _ = instrument.channels
        await instrument.recover()
        odd = await taken(instrument)
        assert (odd.kind, odd.raw) == ("unparsed", b"R=1")


async def test_a_cancelled_take_leaves_a_doubt_and_its_late_reply_is_no_reading() -> None:
    async with played(model(), Counting(), timeout_s=5) as (instrument, device):
        device.once["R?"] = [b""]
        device.answer.n += 1  # type: ignore[union-attr]  # the reply that is owed
        taking = asyncio.create_task(instrument.take())
        for _ in range(20):
            await asyncio.sleep(0)
        assert device.heard[-1] == "R?"
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        await device.say(b"R=1\n")
        with pytest.raises(ReplyTimeout, match="drained"):
            await instrument.take()
        await instrument.recover()
        *_, reading = await instrument.take()
        assert reading.value == 2.0


# --- channels and quantities -----------------------------------------------------------------------------------------


class Electrodes(Gauge):
    """Two of three inputs in use, set to measure current."""

    @property
    def measures(self) -> str:
        return "current"

    @property
    def channels(self) -> tuple[str, ...]:
        return ("A", "B")

    async def take(self) -> Sequence[Sample]:
        value = await self.wire.ask(b"R?\n", number)
        return [sample(value, channel=each) for each in ("A", "B", "C")]


async def test_channels_and_quantity_in_use_are_the_drivers_and_others_are_not_believed() -> None:
    async with played(model(Electrodes, channels=("A", "B", "C")), Counting()) as (instrument, _):
        assert (instrument.measures, instrument.integrates, instrument.channels) == ("current", "none", ("A", "B"))
        a, b, c = await instrument.take()
        assert [(a.channel, a.value), (b.channel, b.value)] == [("A", 1.0), ("B", 1.0)]
        assert (c.kind, c.value, c.note) == ("unparsed", None, "The driver gave channel C; gauge has A, B.")
    async with played(model(Gauge, channels=("A",)), Counting()) as (instrument, _):
        assert instrument.channels == ("A",)
        assert (await taken(instrument)).note == "The driver gave channel None; gauge has A."


# --- read-back -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reply", [b"what\n", b""])
async def test_a_read_back_that_is_not_answered_leaves_the_settings_empty_and_readings_flow(reply: bytes) -> None:
    async with played(model(), Counting(), timeout_s=0.02) as (instrument, device):
        assert instrument.settings_in_force == {"set": 1.0}
        device.once["SET?"] = [reply, reply]
        if not reply:
            device.answer = lambda line, counting=device.answer: None if line == "SET?" else counting(line)  # type: ignore[misc]
        await instrument.run_command("change", {})
        assert instrument.settings_in_force == {}
        assert device.heard[-4:] == ["SET?", "ID?", "SET?", "ID?"]
        assert (await taken(instrument)).value == 1.0


async def test_a_read_back_that_was_damaged_once_is_asked_once_more() -> None:
    async with played(model(), Counting()) as (instrument, device):
        device.once["SET?"] = [b"what\n"]
        await instrument.run_command("change", {})
        assert instrument.settings_in_force == {"set": 1.0}
        assert device.heard[-3:] == ["SET?", "ID?", "SET?"]


async def test_a_read_back_that_differs_is_refused_and_shows_nothing() -> None:
    async with played(model(), Counting()) as (instrument, device):
        device.once["SET?"] = [b"NO\n", b"NO\n"]
        with pytest.raises(Declined, match="The gauge refused"):
            await instrument.run_command("change", {})
        assert instrument.settings_in_force == {}
        assert device.heard[-2:] == ["SET?", "ID?"]
        assert (await taken(instrument)).value == 1.0
        with pytest.raises(Declined):
            await instrument.open()
        with pytest.raises(LinkDown):
            await instrument.take()


# --- what is stale ---------------------------------------------------------------------------------------------------


async def test_what_was_converted_before_set_up_and_commands_is_set_aside_with_its_bytes() -> None:
    async with played(model(StaleGauge), Counting()) as (instrument, device):
        assert device.heard[-2:] == ["R?", "R?"]
        first, second, reading = await instrument.take()
        for each, raw in ((first, b"R=1"), (second, b"R=2")):
            assert (each.kind, each.value, each.raw) == ("unparsed", None, raw)
            assert each.flags == (Flag.UNPARSED, Flag.STALE)
            assert each.note == "Set aside: it may have been converted before it was set up."
        assert reading.value == 3.0
        outcome = await instrument.run_command("change", {})
        assert outcome.result == {"was": 5.0}
        assert [(each.kind, each.raw) for each in outcome.readings] == [("unparsed", b"R=4"), ("unparsed", b"R=5")]
        assert outcome.readings[0].note == "Set aside: it may have been converted before change."
        assert (await taken(instrument)).value == 6.0


async def test_a_passive_command_sets_nothing_aside_and_reads_nothing_back() -> None:
    async with played(model(StaleGauge), Counting()) as (instrument, device):
        await instrument.take()
        device.heard.clear()
        outcome = await instrument.run_command("look", {})
        assert (outcome.result, outcome.readings, device.heard) == ({}, [], ["L?"])
        assert (await taken(instrument)).value == 4.0


async def test_what_is_odd_while_it_is_set_aside_is_kept_and_the_instrument_identified_anew() -> None:
    async with played(model(StaleGauge), Counting()) as (instrument, device):
        await instrument.take()
        device.heard.clear()
        device.once["R?"] = [b"NO\n", b"what\n"]
        outcome = await instrument.run_command("change", {})
        assert [each.raw for each in outcome.readings] == [b"NO", b"what"]
        assert device.heard == ["C?", "SET?", "R?", "ID?", "R?", "ID?"]
        assert (await taken(instrument)).value == 4.0
        device.once["R?"] = [b""]
        device.answer.n = 0  # type: ignore[union-attr]  # it counts


async def test_a_fault_while_it_is_set_aside_is_a_sentence() -> None:
    class Fails(StaleGauge):
        async def take(self) -> Sequence[Sample]:
            raise KeyError("k")

    async with played(model(Fails), Counting(), opened=False) as (instrument, _):
        with pytest.raises(DriverFault, match=r"\(KeyError: 'k'\) while reading memory\.$"):
            await instrument.open()


async def test_silence_while_it_is_set_aside_is_told() -> None:
    async with played(model(StaleGauge), lambda line: None if line == "R?" else Counting()(line), opened=False) as (
        instrument, _,
    ):  # fmt: skip
        with pytest.raises(ReplyTimeout):
            await instrument.open()


# --- commands --------------------------------------------------------------------------------------------------------


async def test_a_command_that_measures_gives_its_reading_with_its_bytes() -> None:
    async with played(model(), Counting()) as (instrument, device):
        outcome = await instrument.run_command("hold", {})
        assert outcome.result == {"held": True}
        assert [(each.value, each.raw, each.kind) for each in outcome.readings] == [(1.0, b"R=1", "scalar")]
        assert device.heard[-2:] == ["H?", "SET?"]


async def test_after_a_refusal_that_nobody_can_be_asked_about_the_doubt_stays() -> None:
    async with played(model(), Counting(), timeout_s=0.01) as (instrument, device):
        device.once["R?"], device.once["C?"], device.once["ID?"] = [b"NO\n"], [b"NO\n"], [b"GAUGE 8,1\n"] * 2
        assert (await taken(instrument)).raw == b"NO"
        with pytest.raises(ReplyTimeout, match="drained"):
            await instrument.take()
        with pytest.raises(WrongInstrument):
            await instrument.recover()
        await instrument.recover()
        with pytest.raises(Declined):
            await instrument.run_command("change", {})
        assert device.heard[-2:] == ["C?", "ID?"]


async def test_the_reading_of_a_command_outlives_a_refused_read_back() -> None:
    async with played(model(), Counting()) as (instrument, device):
        device.once["SET?"] = [b"NO\n"]
        with pytest.raises(Declined):
            await instrument.run_command("hold", {})
        assert [each.value for each in await instrument.take()] == [1.0, 2.0]


async def test_a_command_that_is_none_is_misuse_and_touches_nothing() -> None:
    async with played(model(), Counting()) as (instrument, device):
        device.heard.clear()
        with pytest.raises(Misuse, match="gauge has no command 'explode'; it has change, hold, look, wrong"):
            await instrument.run_command("explode", {})
        with pytest.raises(ValidationError):
            await instrument.run_command("change", {"x": 1})
        with pytest.raises(Misuse, match="Not now"):
            await instrument.run_command("wrong", {})
        assert device.heard == []
        assert (await taken(instrument)).value == 1.0


async def test_a_reply_to_a_command_that_makes_no_sense_is_followed_by_identification() -> None:
    async with played(model(), Counting()) as (instrument, device):
        device.once["C?"] = [b"READY\n"]
        with pytest.raises(Garbled, match="No number") as caught:
            await instrument.run_command("change", {})
        assert caught.value.raw == b"READY"
        with pytest.raises(LinkDown, match="change was cut short on memory: how it is set now is not known"):
            await instrument.recover()  # what of it was done?
        await instrument.open()
        assert (await taken(instrument)).value == 1.0


@pytest.mark.parametrize(("name", "query", "error"), [("look", "L?", Garbled), ("wrong", None, Misuse)])
async def test_a_command_that_changes_nothing_leaves_it_set_as_it_was(
    name: str, query: str, error: type[Exception]
) -> None:
    async with played(model(), Counting()) as (instrument, device):
        device.once[query] = [b"READY\n"]
        with pytest.raises(error):
            await instrument.run_command(name, {})
        await instrument.recover()
        assert (await taken(instrument)).value == 1.0


async def test_a_command_of_a_measurement_that_was_cut_short_ends_no_stream() -> None:
    class Measuring(Gauge):
        @command("stop", "Stop", while_measuring=True)
        async def stop(self, p: NoParameters) -> None:
            await self.wire.ask(b"X?\n", number)

    async with played(model(Measuring), Counting()) as (instrument, device):
        device.once["X?"] = [b"READY\n"]
        with pytest.raises(Garbled):
            await instrument.run_command("stop", {})
        await instrument.recover()


class Steps(Settings):
    steps: int


class Overriding(Gauge):
    """Its own change runs, though it is not decorated; its own hold has another declaration."""

    async def change(self, p: NoParameters) -> Mapping[str, Any]:
        return {"mine": True}

    @command("hold", "Hold so many", Steps, passive=True)
    async def hold(self, p: Steps) -> Mapping[str, Any]:  # type: ignore[override]
        return {"steps": p.steps}


async def test_a_subclass_method_without_the_decorator_is_what_runs() -> None:
    async with played(model(Overriding), Counting()) as (instrument, device):
        assert list(instrument.commands()) == ["change", "hold", "look", "wrong"]
        assert (await instrument.run_command("change", {})).result == {"mine": True}
        assert "C?" not in device.heard
        device.heard.clear()
        assert (await instrument.run_command("hold", {"steps": 3})).result == {"steps": 3}
        assert device.heard == []


async def test_opening_anew_makes_a_new_driver_and_forgets_what_was_kept() -> None:
    class Remembers(Gauge):
        made = 0

        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            Remembers.made += 1

    async with played(model(Remembers), Counting()) as (instrument, device):
        made = Remembers.made
        await device.say(b"READY\n")
        with pytest.raises(ReplyTimeout):
            await instrument.take()
        await instrument.open()
        assert Remembers.made == made + 1
        assert (await taken(instrument)).value == 1.0


def test_how_long_a_line_must_be_quiet_and_standing_down_may_take() -> None:
    assert (engine.QUIET_S, engine.STAND_DOWN_S) == (0.2, 2.0)
