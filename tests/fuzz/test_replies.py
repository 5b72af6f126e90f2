"""A sample of the mutated replies for every registered model; and what many of them found, with the right value."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from virtual_time import LoopClock, run

from drivers import Flag, Garbled, Instrument, Reading, connect
from drivers.keithley.electrometer import ScpiElectrometer
from drivers.registry import model, models
from fuzz import replies
from fuzz.reply_mutations import MUTATIONS, mutated
from fuzz.reply_setups import SETUPS, Setup
from fuzz.reply_wire import BadWire
from simulators import MODELS, WireModel
from simulators.link import Link

SEED = 20261129
IN_THE_SUITE = 90  # mutated replies of each model, of 30 in each of three lives
OF_A_LIFE = 30


def test_every_registered_model_with_a_wire_has_a_set_up() -> None:
    assert replies.wired()
    assert set(SETUPS) == set(replies.wired())


@pytest.mark.parametrize("name", models())
def test_a_sample_of_mutated_replies(name: str) -> None:
    *_, done = replies.counted(name, IN_THE_SUITE, SEED, of_a_life=OF_A_LIFE)
    assert done.mutated >= IN_THE_SUITE
    assert not done.finds, "\n".join(done.finds[:5])
    assert name not in SETUPS or (done.readings["believed"] and done.readings["unparsed"])


def test_mutations_are_the_same_once_more_and_few_leave_a_reply_as_it_was() -> None:
    said = [b"+1.000000E-09,+2.5,+0\n", b'0,"No error"\n']
    twice = [[mutated(random.Random(n), said[0], said) for n in range(500)] for _ in range(2)]
    assert twice[0] == twice[1]
    assert sum(each == said[0] for each in twice[0]) < 50
    for mutation in MUTATIONS:
        assert {mutation(random.Random(n), b"", said) for n in range(20)}  # none of them raises


# --- that a find is found ---------------------------------------------------------------------------------------------


def _found(name: str, most: int = 250) -> str:
    finds = [find for done in replies.lives(name, most, SEED) for find in done.finds]
    return "\n".join(finds)


def test_an_undeclared_error_of_a_parser_is_a_find(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = ScpiElectrometer.take

    async def take(self: Any) -> Any:
        (sample,) = await taken(self)
        return [{}[sample.quantity]]

    monkeypatch.setattr(ScpiElectrometer, "take", take)
    assert "keithley-6485, seed 20261129, life 0: KeyError: 'current' while reading memory" in _found("keithley-6485")


def test_a_number_beyond_its_range_is_a_find(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SETUPS, "keithley-6485", (Setup({}, {"current": 1e-12}),))  # type: ignore[arg-type]
    assert "is over 1e-12 and believed" in _found("keithley-6485")


def test_an_instrument_that_never_comes_back_is_a_find(monkeypatch: pytest.MonkeyPatch) -> None:
    async def recover(self: Any) -> None:
        raise Garbled("never")

    monkeypatch.setattr(replies.engine.WiredInstrument, "recover", recover)
    monkeypatch.setattr(replies.engine.WiredInstrument, "open", recover)
    assert "it cannot be opened on a line that is well" in _found("keithley-6485")


# --- what was found ---------------------------------------------------------------------------------------------------


class OnceDamaged(BadWire):
    """Replies that come instead of the true ones, each once, by what stands in the request, which begins with a |."""

    def __init__(self, instead: Mapping[bytes, list[bytes]]) -> None:
        super().__init__(random.Random(0))
        self.instead = instead
        written = self.transport.write

        async def write(data: bytes) -> None:
            self.asked = data
            await written(data)

        self.transport.write = write  # type: ignore[method-assign]

    def _on_its_way(self, data: bytes) -> bytes:
        for part, damaged in self.instead.items():
            if part in b"|" + self.asked and damaged:
                return damaged.pop(0)
        return data


Instead = Mapping[bytes, list[bytes]]


def read(
    name: str, settings: Mapping[str, Any], instead: Instead, see: Callable[[Instrument], None] | None = None
) -> Reading:
    """Opens one with a steady 30 pA and takes one reading."""

    async def work() -> Reading:
        simulated = MODELS[name]
        assert isinstance(simulated, WireModel)
        simulator = simulated.make(LoopClock(), 3, SETUPS[name][0].options)
        simulator.detector.leakage_a = 3e-11
        wire = OnceDamaged(instead)
        line = Link(simulator, wire)
        await line.start()
        it = connect(model(name), "memory", {"timeout_s": 1.0} | dict(settings), transport=wire.transport)
        try:
            await it.open()
            if see is not None:
                see(it)
            return (await it.take())[-1]  # after those that were set aside
        finally:
            await it.close()
            await line.stop()

    return run(work())


def test_a_range_that_was_not_read_back_limits_readings_all_the_same() -> None:
    def unknown(it: Instrument) -> None:
        assert it.settings_in_force == {}

    line = b"+4.406000E-07,+1.000000E+01,+0.000000E+00\n"
    instead = {b":SENS:FUNC?": [b"?\n", b"?\n"], b":READ?": [line], b"FRES?": [line]}
    reading = read("keithley-6514", {"range_si": 2e-8}, instead, unknown)
    assert (reading.value, reading.range) == (4.406e-07, None)
    assert Flag.CHANGED_BY_HAND in reading.flags
    assert reading.note == "the number is over 105 % of the range 2e-08 that was set"


def test_one_read_back_that_is_not_understood_is_asked_once_more() -> None:
    def known(it: Instrument) -> None:
        assert it.settings_in_force["SENS:CHAR:RANG"] == 2.1e-8

    reading = read("keithley-6514", {"range_si": 2e-8}, {b":SENS:FUNC?": [b"?\n"]}, known)
    assert (reading.range, reading.flags) == ("2.1e-08", ())


def test_a_6430_reads_no_further_than_its_own_ranges() -> None:
    line = b"+0.000000E+00,+1.500000E-09,+9.910000E+37,+1.000000E+01,+0.000000E+00\n"
    reading = read("keithley-6430", {"range_si": 1e-9}, {b":READ?": [line]})
    assert (reading.value, Flag.CHANGED_BY_HAND in reading.flags) == (1.5e-9, True)


@pytest.mark.parametrize("name", ["keithley-617", "keithley-6512"])
def test_a_617_tells_a_number_beyond_the_range_that_its_status_names(name: str) -> None:
    settings = {"function": "current", "range_si": 2e-10}
    stale = [b"NDCA+3.00031E-11\r\n"] * 2
    assert read(name, settings, {}).flags == ()
    reading = read(name, settings, {b"|X\n": [*stale, b"NDCA+3.00031E-10\r\n"]})
    assert (reading.value, reading.flags) == (3.00031e-10, (Flag.CHANGED_BY_HAND,))
    assert reading.note == "3.00031e-10 is beyond the 2e-10 of range R3, and no overflow"


def test_the_largest_range_of_a_pm100_is_asked_twice() -> None:
    """One damaged reply, 1e-30, was kept for as long as the line was open, and every reading refused by it."""
    damaged = {b"RANG? MAX": [b"1e-30\n"]}
    with pytest.raises(Garbled, match="was answered in two ways, '1e-30' and"):
        read("thorlabs-pm100", {}, damaged)
    assert read("thorlabs-pm100", {}, damaged).flags == ()  # opened anew


def test_the_range_of_a_pm100_is_asked_twice() -> None:
    damaged = {b"POW:RANG?\n": [b"5.0E+05\n"]}
    reading = read("thorlabs-pm100", {"range_si": 5e-5}, damaged)
    assert float(reading.range or 0) < 1


def test_a_range_of_a_pm100_that_was_not_read_back_limits_readings_all_the_same() -> None:
    damaged = {b"AVER:COUN?": [b"?\n", b"?\n"], b"READ?": [b"1.41732283E-04\n"]}
    reading = read("thorlabs-pm100", {"range_si": 5e-5}, damaged)
    assert (reading.value, reading.range, reading.flags) == (1.41732283e-04, None, (Flag.CHANGED_BY_HAND,))


def test_the_full_scale_of_a_unidos_is_asked_twice() -> None:
    scale = b"MVM;MEDIUM;1.65;E-26;p;C;1.65;E-26;p;A\r\n"
    assert Flag.OUT_OF_LIMIT not in read("ptw-unidos-tango", {}, {b"MVM": [scale]}).flags


def test_one_damaged_digit_does_not_make_a_diamentor_uncalibrated_nor_calibrated() -> None:
    assert Flag.UNCALIBRATED not in read("ptw-diamentor", {}, {b"CRC": [b"CRC0,1\r"]}).flags
