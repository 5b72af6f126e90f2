"""The simulated 6514, 6485, 6487 and 6430: identities and lines as captured, and what is each one's own."""

from __future__ import annotations

import re

import pytest
from wire_talk import advance, converse, obeys, says

from simulators.clock import SteppedClock
from simulators.keithley import k6430, k6485, k6487, k6514
from simulators.keithley.electrometer import Electrometer, Kind

KINDS = {kind.model: kind for kind in (k6430.KIND, k6485.KIND, k6487.KIND, k6514.KIND)}
PICOAMMETERS = ("keithley-6485", "keithley-6487")
NUMBER = r"[+-]\d\.\d{6}E[+-]\d\d"


def unit(model: str, **options: object) -> Electrometer:
    plain = {"hop_c": 0.0, "noise": 0.0, "input_bias_a": 0.0}
    return KINDS[model].make(SteppedClock(), 1, plain | options)


async def ready(model: str, *messages: str, **options: object) -> Electrometer:
    """A unit out of zero check, its output on, that was told ``messages``."""
    instrument = unit(model, **options)
    await obeys(instrument, *([":OUTP ON"] if model == "keithley-6430" else [":SYST:ZCH OFF"]), *messages)
    return instrument


def first(reply: str) -> float:
    return float(reply.split(",", maxsplit=1)[0].rstrip("AOHMS"))


@pytest.mark.parametrize(
    ("model", "identity"),
    [
        ("keithley-6514", "KEITHLEY INSTRUMENTS INC.,MODEL 6514,4691930,A13   Aug 30 2011 15:09:19/B01  /H"),
        ("keithley-6485", "KEITHLEY INSTRUMENTS INC.,MODEL 6485,4126216,C01   Jun 23 2010 12:22:00/A02  /J"),
        ("keithley-6487", "KEITHLEY INSTRUMENTS INC.,MODEL 6487,1111167,A06   Jun 20 2006 15:08:40/A02  /C/E"),
    ],
)
async def test_identity_is_the_captured_line(model: str, identity: str) -> None:
    assert await converse(unit(model), [b"*IDN?\r"]) == identity.encode() + b"\r"


@pytest.mark.parametrize(
    ("model", "form"),
    [("keithley-6514", f"{NUMBER},{NUMBER},{NUMBER}"), ("keithley-6485", f"{NUMBER}A,{NUMBER},{NUMBER}"),
     ("keithley-6487", f"{NUMBER}A,{NUMBER},{NUMBER}"),
     ("keithley-6430", rf"{NUMBER},{NUMBER},\+9\.91E37,{NUMBER},{NUMBER}")],
)  # fmt: skip
async def test_a_reading_has_the_form_of_the_captured_ones(model: str, form: str) -> None:
    assert re.fullmatch(form, await says(await ready(model), ":READ?"))


@pytest.mark.parametrize("model", KINDS)
async def test_current_is_the_mean_over_a_conversion_and_its_time_follows_nplc(model: str) -> None:
    instrument = await ready(model, *([":FUNC 'CURR'"] if model == "keithley-6514" else []), ":CURR:RANG 2e-8;NPLC 1")
    instrument.detector.leakage_a = 1.5e-9
    before = instrument.clock.now()
    column = 1 if model == "keithley-6430" else 0
    assert float((await says(instrument, ":READ?")).split(",")[column].rstrip("A")) == pytest.approx(1.5e-9)
    assert instrument.clock.now() - before == pytest.approx(0.001 + 3.5 / 60)


@pytest.mark.parametrize("model", KINDS)
async def test_overflow_is_a_value_and_a_bit(model: str) -> None:
    instrument = await ready(model, *([":FUNC 'CURR'"] if model == "keithley-6514" else []), ":CURR:RANG 2e-9")
    instrument.detector.leakage_a = 1e-6
    fields = (await says(instrument, ":READ?")).split(",")
    assert fields[1 if model == "keithley-6430" else 0].rstrip("A") == "+9.9E37"
    assert int(float(fields[-1])) & 1 == 1
    assert int(await says(instrument, ":STAT:MEAS?")) & 1 << 7


@pytest.mark.parametrize("model", KINDS)
async def test_what_only_a_6517_has_is_an_undefined_header(model: str) -> None:
    for message in (":SENS:DATA:FRES?", ":INIT:CONT ON", ":CURR:REF 1e-9", ":SYST:TST:TYPE REL", ":TRAC:ELEM NONE"):
        instrument = unit(model)
        assert await says(instrument, message) == ""
        assert await says(instrument, ":SYST:ERR?;:SYST:ERR?") == '-113,"Undefined header";0,"No error"'


@pytest.mark.parametrize("model", KINDS)
async def test_a_cycle_of_readings_comes_as_one_line_and_fills_the_buffer(model: str) -> None:
    elements = "CURR" if model == "keithley-6430" else "READ"
    instrument = await ready(model, f":FORM:ELEM {elements};:TRIG:COUN 3;:TRAC:POIN 3;FEED SENS;FEED:CONT NEXT")
    assert len((await says(instrument, ":READ?")).split(",")) == 3
    assert await says(instrument, ":TRAC:POIN:ACT?;:TRAC:FEED:CONT?") == "3;NEV"
    assert len((await says(instrument, ":TRAC:DATA?")).split(",")) == 3
    assert int(await says(instrument, ":STAT:MEAS?")) & 1 << 9


@pytest.mark.parametrize("model", KINDS)
async def test_without_a_reading_there_is_none_to_give(model: str) -> None:
    for message in (":FETC?", ":SENS:DATA?", ":TRAC:DATA?", ":CALC2:NULL:ACQ"):
        instrument = unit(model)
        assert await says(instrument, message) == ""
        assert list(instrument.status.queue) == [-230]


@pytest.mark.parametrize("model", KINDS)
async def test_null_takes_the_acquired_reading_off_and_shows_its_bit(model: str) -> None:
    instrument = await ready(model, *([":FUNC 'CURR'"] if model == "keithley-6514" else []))
    instrument.detector.leakage_a = 1e-9
    await says(instrument, ":READ?")
    await obeys(instrument, ":CALC2:NULL:ACQ;STAT ON")
    instrument.detector.leakage_a = 4e-9
    fields = (await says(instrument, ":READ?")).split(",")
    assert float(fields[1 if model == "keithley-6430" else 0].rstrip("A")) == pytest.approx(3e-9)
    assert int(float(fields[-1])) & (1 << 6 if model == "keithley-6430" else 1 << 3)
    sensed = (await says(instrument, ":SENS:DATA?")).split(",")[1 if model == "keithley-6430" else 0]
    assert float(sensed.rstrip("A")) == pytest.approx(4e-9)


@pytest.mark.parametrize("model", KINDS)
async def test_bus_and_timer_of_the_arm_layer_hold_readings_back(model: str) -> None:
    instrument = await ready(model, ":ARM:SOUR BUS;COUN 2;:INIT")
    advance(instrument, 100.0)
    assert await says(instrument, ":STAT:OPER:COND?") == "0"
    await obeys(instrument, "*TRG")
    assert len((await says(instrument, ":FETC?")).split(",")) == len(instrument.elements) - (
        "UNIT" in instrument.elements
    )
    await obeys(instrument, ":ABOR;:ARM:SOUR TIM;TIM 10;COUN 3")
    before = instrument.clock.now()
    await says(instrument, ":READ?")
    assert 20.0 < instrument.clock.now() - before < 21.0


@pytest.mark.parametrize("model", PICOAMMETERS)
async def test_a_picoammeter_in_zero_check_reads_its_offset_until_it_is_acquired(model: str) -> None:
    instrument = unit(model, input_bias_a=-1.121149e-10)
    reply = await says(instrument, "*RST;:SYST:ZCH ON;:READ?")
    assert reply.startswith("-1.121149E-10A,")
    assert reply.endswith(",+5.120000E+02")
    await obeys(instrument, ":CURR:RANG 2e-9", ":SYST:ZCOR ON")
    assert first(await says(instrument, ":READ?")) == pytest.approx(-1.121149e-10)
    await obeys(instrument, ":INIT", "*WAI", ":SYST:ZCOR:ACQ", ":SYST:ZCH OFF")
    reply = await says(instrument, ":READ?")
    assert first(reply) == 0.0
    assert reply.endswith(",+1.024000E+03")


async def test_a_6514_in_zero_check_answers_an_empty_line_or_the_reading_as_chosen() -> None:
    silent, speaking = unit("keithley-6514"), unit("keithley-6514", zero_check_reply="value")
    assert await converse(silent, [b":READ?\r*OPT?\r"]) == b"\r0\r"
    assert (await says(speaking, ":READ?")).endswith(",+5.120000E+02")
    with pytest.raises(ValueError, match="empty or value"):
        unit("keithley-6514", zero_check_reply="maybe")


async def test_the_recipes_of_the_6514_manual_measure_amps_and_coulombs() -> None:
    amps = unit("keithley-6514", input_bias_a=3e-15)
    recipe = "*RST; SYST:ZCH ON; :FUNC 'CURR'; :CURR:RANG 20e-12; :SYST:ZCOR ON; :CURR:RANG:AUTO ON; :SYST:ZCH OFF"
    await obeys(amps, recipe)
    amps.detector.leakage_a = 2e-12
    assert first(await says(amps, "READ?")) == pytest.approx(2e-12)
    coulombs = unit("keithley-6514", hop_c=7e-13)
    await obeys(coulombs, "*RST; SYST:ZCH ON; :FUNC 'CHAR'; :CHAR:RANG:AUTO ON; :SYST:ZCH OFF; :CALC2:NULL:STAT ON")
    assert first(await says(coulombs, "READ?")) == 0.0
    coulombs.detector.expose(5e-9, 0.01)
    assert first(await says(coulombs, "READ?")) == pytest.approx(5e-9)


async def test_a_6487_has_a_voltage_source_and_ohms() -> None:
    instrument = await ready("keithley-6487", ":SOUR:VOLT:RANG 50;ILIM 2.5e-3", ":SOUR:VOLT 23.5;VOLT:STAT ON")
    assert await says(instrument, ":SOUR:VOLT:RANG?;ILIM?;STAT?;INT:FAIL?") == "+5.000000E+01;+2.500000E-03;1;0"
    await says(instrument, ":SOUR:VOLT 60")
    assert await says(instrument, ":SYST:ERR?") == '-222,"Parameter data out of range"'
    await obeys(instrument, ":FORM:ELEM ALL", ":SENS:OHMS ON")
    instrument.detector.resistance_ohm = 1e9
    reply = await says(instrument, ":READ?")
    assert re.fullmatch(rf"\+1\.000000E\+09OHMS,{NUMBER},{NUMBER},\+23\.5000", reply)
    await obeys(instrument, ":FORM:ELEM DEF")
    assert await says(instrument, ":FORM:ELEM?") == "READ,UNIT,TIME,STAT"


async def test_a_6430_sources_and_measures_and_is_silent_with_its_output_off() -> None:
    instrument = unit("keithley-6430")
    assert await says(instrument, ":READ?") == ""
    assert list(instrument.status.queue) == [803]
    instrument.status.queue.clear()
    instrument.detector.resistance_ohm = 1e9
    await obeys(instrument, ":SOUR:VOLT 10;:SENS:FUNC 'CURR:DC';:SENS:CURR:PROT 1e-6;:OUTP ON")
    volts, amperes, ohms, _, status = (await says(instrument, ":READ?")).split(",")
    assert (volts, amperes, ohms) == ("+1.000000E+01", "+1.000000E-08", "+9.91E37")
    assert int(float(status)) == 1 << 12 | 1 << 14
    await obeys(instrument, ":SOUR:FUNC CURR;CURR 1e-9", ":SENS:FUNC 'VOLT'")
    assert (await says(instrument, ":READ?")).startswith("+1.000000E+00,+1.000000E-09,+9.91E37,")
    await obeys(instrument, ":FORM:ELEM CURR,VOLT")
    assert await says(instrument, ":FORM:ELEM?;:FETC?") == "VOLT,CURR;+1.000000E+00,+1.000000E-09"


async def test_a_6430_has_several_functions_on_at_once_unless_told_not_to() -> None:
    instrument = await ready("keithley-6430")
    assert await says(instrument, ":SENS:FUNC?") == '"CURR:DC"'
    await obeys(instrument, ':SENS:FUNC "VOLT:DC","CURR:DC"')
    assert await says(instrument, ":SENS:FUNC?") == '"VOLT:DC","CURR:DC"'
    await obeys(instrument, ":SENS:FUNC:OFF:ALL")
    assert await says(instrument, ":SENS:FUNC?") == '""'
    await obeys(instrument, ":SENS:FUNC 'RES'", ":SENS:FUNC:ON 'VOLT'", ":SENS:FUNC:OFF 'VOLT'")
    assert (await says(instrument, ":SENS:FUNC?"), instrument.meter.function) == ('"RES"', "RES")
    await obeys(instrument, ":SENS:FUNC:ON 'CURR'", ":SENS:FUNC:CONC 0")
    assert await says(instrument, ":SENS:FUNC?") == '"CURR:DC"'
    await obeys(instrument, ":SENS:FUNC 'VOLT','CURR'", "*RST")
    assert await says(instrument, ":SENS:FUNC:CONC?") == "1"


async def test_a_6430_remembers_its_repeat_filter() -> None:
    instrument = await ready("keithley-6430", ":AVER:REP:COUN 5", ":AVER:REP 1")
    assert await says(instrument, ":SENS:AVER:REP:STAT?;COUN?") == "1;5"


@pytest.mark.parametrize("model", [*PICOAMMETERS, "keithley-6430"])
async def test_the_integration_time_is_asked_without_the_name_of_a_function(model: str) -> None:
    instrument = await ready(model, ":NPLC 0.5")
    assert float(await says(instrument, ":NPLC?")) == float(await says(instrument, ":SENS:CURR:NPLC?")) == 0.5


@pytest.mark.parametrize(("form", "wanted"), [("MXB", 3e-9), ("REC", 1e9 + 1e-9), ("LOG10", -9.0)])
async def test_math_left_on_changes_the_reading(form: str, wanted: float) -> None:
    factors = ":CALC:KMAT:MMF 1" if form == "REC" else ":CALC:KMAT:MMF 2"
    instrument = await ready("keithley-6485", factors, f":CALC:KMAT:MBF 1e-9;:CALC:FORM {form};:CALC:STAT ON")
    instrument.detector.leakage_a = 1e-9
    reply = await says(instrument, ":READ?")
    assert first(reply) == pytest.approx(wanted, rel=1e-6)
    assert int(float(reply.split(",")[-1])) & 1 << 2


async def test_limits_and_statistics_are_reckoned() -> None:
    instrument = await ready(
        "keithley-6485", ":CALC2:LIM:UPP 2e-9;STAT ON", ":TRIG:COUN 2", ":TRAC:POIN 2;FEED:CONT NEXT"
    )
    instrument.detector.leakage_a = 3e-9
    assert int(float((await says(instrument, ":READ?")).split(",")[2])) == 1 << 4 | 1 << 5
    assert await says(instrument, ":CALC2:LIM:FAIL?;:CALC2:CLIM:FAIL?") == "1;1"
    await obeys(instrument, ":CALC3:FORM MAX")
    assert float(await says(instrument, ":CALC3:DATA?")) == pytest.approx(3e-9)
    await obeys(instrument, ":CALC3:FORM PKPK")
    assert float(await says(instrument, ":CALC3:DATA?")) == 0.0


@pytest.mark.parametrize(("feed", "stored"), [("SENS", 1e-9), ("CALC", 2e-9)])
async def test_the_buffer_stores_what_feeds_it(feed: str, stored: float) -> None:
    instrument = await ready("keithley-6485", ":CALC:KMAT:MMF 2;:CALC:FORM MXB;:CALC:STAT ON", ":FORM:ELEM READ")
    instrument.detector.leakage_a = 1e-9
    await obeys(instrument, f":TRAC:POIN 1;FEED {feed};FEED:CONT NEXT")
    assert float(await says(instrument, ":READ?")) == pytest.approx(2e-9)
    assert float(await says(instrument, ":TRAC:DATA?")) == pytest.approx(stored)


async def test_the_time_stamp_is_reset_and_begins_again_after_99999_seconds() -> None:
    instrument = await ready("keithley-6485", ":SYST:TIME:RES;:FORM:ELEM TIME")
    assert float(await says(instrument, ":READ?")) < 1.0
    advance(instrument, 100_000.0)
    assert float(await says(instrument, ":READ?")) < 2.0


@pytest.mark.parametrize("model", KINDS)
async def test_sentinels_replace_the_reading_and_leave_the_rest(model: str) -> None:
    instrument = await ready(model)
    reply = (await says(instrument, ":READ?")).encode()
    forms = instrument.sentinels(reply)
    assert len({*forms, reply}) == len(forms) + 1
    assert all(form.endswith(reply.partition(b",")[2]) for form in forms)


def test_nothing_of_the_base_is_copied_into_a_model() -> None:
    """A declaration: what a model says of itself differs from its sisters, what it does is in the shared tables."""
    shared = {kind.tables[0] for kind in KINDS.values()}
    assert len(shared) == 1
    assert all(isinstance(kind, Kind) for kind in KINDS.values())
    assert len({kind.identity for kind in KINDS.values()}) == len(KINDS)


@pytest.mark.parametrize("model", KINDS)
async def test_the_bits_of_the_measurement_register_are_those_of_the_family(model: str) -> None:
    instrument = await ready(model, ":TRIG:COUN 3;:TRAC:POIN 3;FEED SENS;FEED:CONT NEXT")
    await says(instrument, ":READ?")
    found = int(await says(instrument, ":STAT:MEAS?"))
    assert found == 1 << 6 | 1 << 8 | 1 << 9, "a reading, two of them, the buffer full; no half-full bit as of a 6517"
    assert await says(instrument, ":STAT:MEAS?;:STAT:MEAS:COND?") == f"0;{1 << 8 | 1 << 9}"
