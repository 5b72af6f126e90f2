"""What another program left in a 6517 really changes its readings: triggers, filters, REL, math, discharge."""

from __future__ import annotations

import asyncio
import re

import pytest
from wire_talk import advance, converse, obeys, says

from simulators.clock import SteppedClock
from simulators.keithley.electrometer import Electrometer
from simulators.keithley.k6517 import KIND_A, KIND_B

CURRENT = ":SYST:ZCH 0;:FUNC 'CURR';:CURR:RANG 2e-9;:FORM:ELEM READ"
CHARGE = ":SYST:ZCH 0;:FUNC 'CHAR';:CHAR:RANG 2e-7;:FORM:ELEM READ"


async def unit(*messages: str, **options: object) -> Electrometer:
    """A 6517B without noise, hop and bias, one conversion each 0.1 s, that was told ``messages``."""
    plain = {"hop_c": 0.0, "noise": 0.0, "input_bias_a": 0.0, "conversion_s": 0.1}
    instrument = KIND_B.make(SteppedClock(), 1, plain | options)
    await obeys(instrument, *messages)
    return instrument


async def readings_in(instrument: Electrometer, seconds: float) -> int:
    before = instrument.trigger.number
    advance(instrument, seconds)
    await says(instrument, "*OPT?")
    return instrument.trigger.number - before


@pytest.mark.parametrize(
    ("left", "in_ten_seconds"),
    [(":TRIG:SOUR IMM", 100), (":TRIG:SOUR BUS", 0), (":TRIG:SOUR EXT", 0), (":TRIG:SOUR HOLD", 0),
     (":ARM:SOUR BUS", 0), (":ARM:LAY2:SOUR MAN", 0), (":TRIG:DEL 0.9", 10), (":TRIG:SOUR TIM;TIM 2.5", 4),
     (":TRIG:COUN 3;:INIT:CONT OFF", 1),
     (":TRIG:COUN 1;:ARM:LAY2:SOUR TIM;TIM 2;COUN INF", 5), (":TRIG:COUN 1;:ARM:LAY2:DEL 0.4", 20),
     (":CURR:AVER:COUN 5;STAT ON", 20)],
)  # fmt: skip
async def test_a_trigger_setting_that_was_left_stops_or_slows_readings(left: str, in_ten_seconds: int) -> None:
    instrument = await unit(CURRENT, left)
    assert await readings_in(instrument, 10.04) == pytest.approx(in_ten_seconds, abs=1)


async def test_a_bus_trigger_gives_one_reading_and_read_is_a_deadlock() -> None:
    instrument = await unit(CURRENT, ":TRIG:SOUR BUS;COUN INF;:INIT:CONT ON")
    instrument.detector.leakage_a = 1e-9
    assert float(await says(instrument, "*TRG;:FETC?")) == pytest.approx(1e-9)
    assert await readings_in(instrument, 10.0) == 0
    assert await says(instrument, ":READ?;*OPT?") == ""
    assert await says(instrument, ":SYST:ERR?") == '-214,"Trigger deadlock"'


async def test_an_external_trigger_that_is_awaited_comes_by_the_back_door() -> None:
    instrument = await unit(CURRENT, ":TRIG:SOUR EXT")
    asking = asyncio.create_task(says(instrument, ":SENS:DATA:FRES?"))
    await asyncio.sleep(0)
    assert not asking.done()
    instrument.set_state("trigger", "EXT")
    assert float(await asking) == 0.0
    with pytest.raises(ValueError, match="does not wait for 'MAN'"):
        instrument.set_state("trigger", "MAN")


async def test_leaving_the_bus_wait_by_a_new_source_lets_readings_flow_again() -> None:
    instrument = await unit(CURRENT, ":ARM:SOUR BUS")
    assert await readings_in(instrument, 5.0) == 0
    await obeys(instrument, ":ARM:SOUR IMM")
    assert await readings_in(instrument, 5.04) == 50


async def test_a_moving_average_mixes_old_readings_into_new_ones() -> None:
    instrument = await unit(CURRENT, ":CURR:AVER:TCON MOV;COUN 10;STAT ON")
    instrument.detector.leakage_a = 1e-9
    assert await readings_in(instrument, 5.04) == 50
    instrument.detector.leakage_a = 0.0
    values = [float(await says(instrument, ":SENS:DATA:FRES?")) for _ in range(13)]
    assert values[0] == pytest.approx(1e-9, rel=0.05)
    assert values[5] == pytest.approx(0.55e-9, rel=0.2)
    assert values[12] == 0.0
    assert values == sorted(values, reverse=True)


async def test_an_advanced_filter_lets_a_step_through() -> None:
    instrument = await unit(CURRENT, ":CURR:AVER:TCON MOV;COUN 10;TYPE ADV;ADV:NTOL 1;:CURR:AVER ON")
    instrument.detector.leakage_a = 1e-9
    assert await readings_in(instrument, 5.04) == 50
    instrument.detector.leakage_a = 0.0
    values = [float(await says(instrument, ":SENS:DATA:FRES?")) for _ in range(3)]
    assert values[2] == 0.0


async def test_a_median_filter_hides_a_short_pulse_and_delays_a_step() -> None:
    instrument = await unit(CURRENT, ":CURR:MED:RANK 2;STAT ON")
    assert await readings_in(instrument, 1.02) == 10
    instrument.detector.expose(1e-10, 0.1)
    assert [float(await says(instrument, ":SENS:DATA:FRES?")) for _ in range(8)] == [0.0] * 8
    instrument.detector.leakage_a = 1e-9
    values = [float(await says(instrument, ":SENS:DATA:FRES?")) for _ in range(4)]
    assert values[:2] == [0.0, 0.0]
    assert values[3] == pytest.approx(1e-9)


async def test_a_repeating_average_is_the_mean_of_its_conversions() -> None:
    instrument = await unit(CURRENT, ":CURR:AVER:TCON REP;COUN 4;STAT ON;:INIT:CONT OFF;:ABOR")
    instrument.detector.expose(1e-10, 0.1)
    assert float(await says(instrument, ":READ?")) == pytest.approx(0.25e-9)


async def test_a_reference_left_on_is_taken_off_and_marked() -> None:
    instrument = await unit(CHARGE, ":FORM:ELEM READ,STAT", ":CHAR:REF 1e-9;REF:STAT ON")
    instrument.detector.expose(5e-9, 0.01)
    assert await says(instrument, ":READ?") == "+004.0000E-09R"


async def test_math_left_on_changes_fetch_but_not_the_sensed_data() -> None:
    instrument = await unit(CHARGE, ":CALC:FORM POL;KMAT:MA1F 2;MA0F 1e-9;:CALC:STAT ON")
    instrument.detector.expose(5e-9, 0.01)
    assert await says(instrument, ":READ?;:SENS:DATA?;:CALC:DATA?") == "+011.0000E-09;+005.0000E-09;+011.0000E-09"


async def test_auto_discharge_really_empties_the_integrator() -> None:
    instrument = await unit(CHARGE, ":CHAR:ADIS:LEV 1e-9;:CHAR:ADIS ON")
    instrument.detector.expose(4e-9, 0.75)
    advance(instrument, 1.0)
    assert float(await says(instrument, ":FETC?")) < 1e-9


async def test_autorange_stays_within_its_limits_and_its_group() -> None:
    instrument = await unit(CURRENT, ":CURR:RANG:AUTO ON;AUTO:LLIM 2e-8")
    await says(instrument, ":READ?")
    assert await says(instrument, ":CURR:RANG?") == "+2.100000E-08"
    await obeys(instrument, CHARGE, ":CHAR:RANG:AUTO ON;AUTO:LGR LOW")
    await says(instrument, ":READ?")
    assert await says(instrument, ":CHAR:RANG?") == "+2.100000E-09"


@pytest.mark.parametrize("change", [":SYST:ZCH 1", ":SYST:ZCH 1;ZCH 0", ":CHAR:REF:ACQ;STAT ON"])
async def test_a_fresh_reading_may_be_one_converted_before_a_change(change: str) -> None:
    instrument = await unit(CHARGE)
    instrument.detector.expose(5e-9, 0.01)
    advance(instrument, 0.25)
    await obeys(instrument, change)
    assert float(await says(instrument, ":SENS:DATA:FRES?")) == pytest.approx(5e-9)


async def completes(instrument: Electrometer, message: str) -> bool:
    """Whether ``message``, which asks ``*OPC?``, is answered within a day of simulated time."""
    asking = asyncio.create_task(says(instrument, message))
    while not asking.done() and instrument.clock.now() < 86400.0:
        advance(instrument, 3600.0)
        await asyncio.sleep(0)
    if not asking.done():
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        return False
    return (await asking).endswith("1")


@pytest.mark.parametrize(
    ("message", "answered"),
    [("*OPC?", True), (":INIT:CONT OFF;*OPC?", True), (":INIT:CONT OFF;:ABOR;:INIT;*OPC?", True),
     (":INIT:CONT ON;*OPC?", False), (":INIT:POFL EXCL;:INIT:CONT ON;*OPC?", True),
     (":INIT:CONT OFF;:ABOR;:ARM:SOUR BUS;:INIT;*OPC?", False), (":INIT:CONT ON;:INIT:CONT OFF;*OPC?", True)],
)  # fmt: skip
async def test_operation_complete_is_answered_in_idle_only(message: str, answered: bool) -> None:
    instrument = await unit(CURRENT, ":TRIG:COUN 3")
    assert await completes(instrument, message) is answered


async def test_the_operation_complete_bit_waits_for_idle() -> None:
    instrument = await unit(CURRENT, ":INIT:CONT OFF;:ABOR;:TRIG:COUN 3;*CLS;:INIT;*OPC")
    assert int(await says(instrument, "*ESR?")) & 1 == 0
    advance(instrument, 0.35)
    assert int(await says(instrument, "*ESR?")) & 1 == 1
    await obeys(instrument, ":INIT;*OPC;*CLS")
    advance(instrument, 0.35)
    assert int(await says(instrument, "*ESR?")) & 1 == 0


@pytest.mark.parametrize(
    ("kind", "options", "text"),
    [(KIND_A, {}, b'0,"No Error"\r\n'), (KIND_B, {}, b'0,"No error"\r\n'),
     (KIND_B, {"no_error": "No Error", "terminator": "lfcr"}, b'0,"No Error"\n\r'),
     (KIND_B, {"prefix": "xon"}, b'\x110,"No error"\r\n'), (KIND_B, {"terminator": "crnul"}, b'0,"No error"\r\0')],
)  # fmt: skip
async def test_empty_queue_and_line_ends_are_spelled_as_chosen(
    kind: object, options: dict[str, object], text: bytes
) -> None:
    assert kind in (KIND_A, KIND_B)
    instrument = (KIND_A if kind is KIND_A else KIND_B).make(SteppedClock(), 1, options)
    assert await converse(instrument, [b":SYST:ERR?\n"]) == text


async def test_leftover_option_and_scpi_back_door_speak_like_another_program() -> None:
    instrument = await unit(leftover=":TRIG:SOUR BUS;:CHAR:MED ON")
    assert await says(instrument, ":TRIG:SOUR?;:CHAR:MED?") == "BUS;1"
    instrument.set_state("scpi", ":TRIG:SOUR TIM")
    assert await says(instrument, ":TRIG:SOUR?") == "TIM"
    await obeys(instrument, ":INIT:CONT OFF;:ABOR;:TRIG:SOUR IMM")
    with pytest.raises(ValueError, match="waits for a reading"):
        instrument.set_state("scpi", ":READ?")


async def test_a_line_error_is_queued_by_the_back_door() -> None:
    instrument = await unit()
    instrument.set_state("error", '+800,"RS-232 Framing error detected"')
    assert await says(instrument, ":SYST:ERR?;:SYST:ERR?") == '+800,"RS-232 Framing error detected";0,"No error"'


async def test_a_full_error_queue_ends_with_the_overflow_entry() -> None:
    instrument = await unit()
    for _ in range(11):
        await says(instrument, ":NO")
    told = [await says(instrument, ":SYST:ERR?") for _ in range(11)]
    assert told == ['-113,"Undefined header"'] * 9 + ['350,"Queue Overflow"', '0,"No error"']


async def test_the_reply_back_door_is_the_next_reading_and_no_other_reply() -> None:
    instrument = await unit()
    instrument.set_state("reply", "+9.9E37NCOUL")
    out = await converse(instrument, [b"*OPT?\n:READ?\n:FETC?\n"])
    assert re.fullmatch(rb"0\r\n\+9\.9E37NCOUL\r\n\+9\.91E37Z.*\r\n", out)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [({"terminator": "ff"}, "crlf"), ({"prefix": "bel"}, "xon"), ({"conversion_s": 0.0}, "above 0")],
)
def test_option_values_that_cannot_be_are_told(options: dict[str, object], wanted: str) -> None:
    with pytest.raises(ValueError, match=wanted):
        KIND_B.make(SteppedClock(), 1, options)
