"""The simulated PM100 against its manuals: words in any case, short and long, units, sensor, zero and averaging."""

from __future__ import annotations

from typing import Any

import pytest
from wire_talk import advance, converse, obeys, says

from simulators import MODELS, SteppedClock, WireModel


def meter(**options: Any) -> Any:
    model = MODELS["thorlabs-pm100"]
    assert isinstance(model, WireModel)
    return model.make(SteppedClock(), 1, {"leakage_a": 1e-6} | options)


@pytest.mark.parametrize(
    "words",
    ["SENS:CORR:WAV 532", "sens:corr:wav 532", "Sense:Correction:WAVelength 532", "CORR:WAV 532",
     ":correction:wav 532nm", "SENSE:CORRECTION:WAVELENGTH 532.4 NM", "*CLS; CORR:WAV 532"],
)  # fmt: skip
async def test_short_and_long_words_in_any_case_with_and_without_a_unit(words: str) -> None:
    unit = meter()
    await obeys(unit, words)
    assert await says(unit, "SENS:CORR:WAV?") == "5.32000000E+02"


@pytest.mark.parametrize("words", ["SENS:CORR:WAVE 532", "SEN:CORR:WAV 532", "CORRECT:WAV 532"])
async def test_a_word_in_between_is_an_error(words: str) -> None:
    unit = meter()
    assert await says(unit, words) == ""
    assert await says(unit, "SYST:ERR?") == '-113,"Undefined header"'


@pytest.mark.parametrize(
    ("words", "code"), [("CORR:WAV 349", -222), ("CORR:WAV 1101", -222), ("CORR:WAV red", -104), ("CORR:WAV 5 W", -104)]
)
async def test_a_wavelength_that_the_sensor_has_not(words: str, code: int) -> None:
    unit = meter()
    await says(unit, words)
    assert (await says(unit, "SYST:ERR?")).startswith(f"{code},")
    assert unit.wavelength_nm == 635


async def test_limits_are_asked_for_with_min_and_max() -> None:
    unit = meter()
    assert await says(unit, "CORR:WAV? MIN;WAV? MAX") == "3.50000000E+02;1.10000000E+03"
    assert await says(unit, "CURR:RANG? MIN") == "5.00000000E-09"
    assert await says(unit, "CURR:RANG? MAX") == "5.00000000E-03"


@pytest.mark.parametrize(("words", "range_a"), [("50E-6", 5e-5), ("1uA", 5e-6), ("20 NA", 5e-8), ("MAX", 5e-3)])
async def test_a_range_is_the_lowest_that_holds_it_and_ends_autorange(words: str, range_a: float) -> None:
    unit = meter()
    await obeys(unit, f"CURR:DC:RANG {words}")
    assert float(await says(unit, "CURR:RANG?")) == pytest.approx(range_a)
    assert await says(unit, "CURR:RANG:AUTO?") == "0"


async def test_averaging_takes_three_milliseconds_a_sample() -> None:
    unit = meter()
    await obeys(unit, "SENS:AVER:COUN 200", "CONF:CURR")
    before = unit.clock.now()
    assert float(await says(unit, "READ?")) == pytest.approx(1e-6, rel=1e-3)
    assert unit.clock.now() - before == pytest.approx(0.6)


async def test_power_is_current_over_responsivity_in_watts_and_in_decibels() -> None:
    unit = meter()
    await obeys(unit, "CORR:WAV 900", "CONF:POW")
    assert float(await says(unit, "MEAS:POW?")) == pytest.approx(2e-6, rel=1e-3)
    await obeys(unit, "POW:UNIT DBM")
    assert float(await says(unit, "READ?")) == pytest.approx(-26.99, abs=0.01)


async def test_beyond_the_range_it_says_infinity_and_sets_its_bit() -> None:
    unit = meter()
    await obeys(unit, "CONF:CURR", "CURR:RANG 5E-9")
    assert await says(unit, "READ?") == "9.90000000E+37"
    assert await says(unit, "STAT:QUES:COND?") == "2"


async def test_a_zero_has_a_state_can_be_aborted_and_is_subtracted() -> None:
    unit = meter()
    await obeys(unit, "CONF:CURR", "SENS:CORR:COLL:ZERO:INIT")
    assert await says(unit, "SENS:CORR:COLL:ZERO:STAT?") == "1"
    await obeys(unit, "SENS:CORR:COLL:ZERO:ABOR")
    assert await says(unit, "SENS:CORR:COLL:ZERO:STAT?;MAGN?") == "0;0.00000000E+00"
    await obeys(unit, "SENS:CORR:COLL:ZERO:INIT")
    advance(unit, 2.0)
    assert await says(unit, "SENS:CORR:COLL:ZERO:STAT?;MAGN?") == "0;1.00000000E-06"
    assert abs(float(await says(unit, "READ?"))) < 1e-9


async def test_a_sensor_names_itself_and_its_absence() -> None:
    unit = meter()
    assert await says(unit, "SYST:SENS:IDN?") == "S150C,130204105,04-Feb-2027,1,1,49"
    unit.set_state("sensor", "none")
    assert (await says(unit, "system:sensor:idn?")).startswith("no sensor")
    assert await says(unit, "READ?") == "9.91000000E+37"
    with pytest.raises(ValueError, match="There is no sensor 'chamber'"):
        unit.set_state("sensor", "chamber")


async def test_lines_end_with_lf_and_cr_lf_is_accepted() -> None:
    unit = meter()
    assert await converse(unit, [b"*IDN?\r\n", b"*IDN?\n"]) == b"Thorlabs,PM100USB,P2004525,1.4.0\n" * 2
