"""The DIAMENTOR driver: its grammar, and the whole of it on its simulator."""

from __future__ import annotations

import pytest
from ptw_bench import simulated
from pydantic import ValidationError

from drivers import Declined, Flag, Garbled
from drivers.ptw import diamentor_words as words
from drivers.ptw.diamentor import DiamentorSettings

pytestmark = pytest.mark.virtual_time

NAME = "ptw-diamentor"
PUBLISHED = b"M9999.99,8888.88,222,33,0000.10,0000.20,001,02,34567"


def test_the_published_measurement() -> None:
    first, second = words.parse_measured(PUBLISHED)
    assert (first.product, first.rate, first.time_s) == (9999.99, "8888.88", 222 * 60 + 33)
    assert (second.product, second.time_s) == (0.1, 62)
    assert words.parse_measured(PUBLISHED + b"\r") == (first, second)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"M", b"N"), (b"M9", b"M-9"), (b".99", b",99"), (b"9999.99", b"999999"), (b"222,33", b"222,63"), (b",34567", b""),
     (b"34567", b"345678"), (b"34567", b"3456x"), (b"8888.88", b"NaN"), (b"222", b"22.2"), (b"M", b"MM")],
)  # fmt: skip
def test_a_measurement_of_another_form_is_refused(old: bytes, new: bytes) -> None:
    with pytest.raises(Garbled):
        words.parse_measured(PUBLISHED.replace(old, new, 1))


@pytest.mark.parametrize("number", sorted(words.ERRORS))
def test_every_published_error_is_a_sentence(number: int) -> None:
    with pytest.raises(Declined, match=rf"refused PRE0400 with error {number}: {words.ERRORS[number]}") as caught:
        words.parse_value("PRE0400", ".*", f"E{number}\r".encode())
    assert caught.value.raw == f"E{number}".encode()


def test_who_is_there() -> None:
    assert words.parse_device(b"CRS 2.33\r") == "2.33"
    for line in (b"", b"CRS", b"CRS 2.3", b"MULTIDOS 1.30E", b"CRS 2.33\x00"):
        with pytest.raises(Garbled):
            words.parse_device(line)


@pytest.mark.parametrize(
    ("unit", "number"), [("cGy.cm2", "1"), ("Gy.cm2", "2"), ("uGy.m2", "3"), (None, "3")],
)  # fmt: skip
async def test_a_product_is_the_same_whatever_unit_is_shown(unit: str | None, number: str) -> None:
    async with simulated(NAME, unit=unit) as (meter, simulator, clock):
        assert simulator.unit == number
        (reset,) = (await meter.run_command("reset", {})).readings
        assert (reset.value, reset.unit, reset.quantity) == (0.0, "Gy.m2", "dose-area-product")
        simulator.detector.expose(5e-7, 10.0)
        clock.advance(70.0)
        (reading,) = await meter.take()
        assert reading.value == pytest.approx(500e-6, rel=1e-3)
        assert (reading.channel, reading.elapsed_s, reading.flags) == ("A", 70.0, ())
        assert meter.channels == ("A",)


async def test_settings_are_set_compared_and_the_calibration_never_touched() -> None:
    given = {"pressure_hpa": 987, "temperature_c": 5, "correction_factor": 1.01, "expected_calibration": 1e9}
    async with simulated(NAME, **given) as (meter, simulator, _):
        assert (simulator.pressure, simulator.temperature, simulator.factor, simulator.calibration) == (
            987, 5, 1.01, 1e9,
        )  # fmt: skip
        assert meter.settings_in_force["calibration"] == 1e9
        await meter.run_command("air", {"temperature_c": 22})
        assert (simulator.temperature, simulator.pressure) == (22, 987)
        assert (await meter.run_command("line", {})).result == {"baud_rate": 9600}
    async with simulated(NAME, opened=False, expected_calibration=2e9) as (meter, _, _):
        with pytest.raises(Declined, match=r"has the calibration factor 1e\+09; 2e\+09 is expected"):
            await meter.open()
    async with simulated(NAME, {"write_protected": True}, opened=False, correction_factor=1.01) as (meter, _, _):
        with pytest.raises(Declined, match="refused KFA with error 7: the parameter is write-protected"):
            await meter.open()


@pytest.mark.parametrize(
    "wrong", [{"pressure_hpa": 499}, {"pressure_hpa": 1501}, {"temperature_c": 71}, {"correction_factor": 10.0},
              {"unit": "R.cm2"}, {"expected_calibration": 1e7}, {"chambers": 3}],
)  # fmt: skip
def test_settings_beyond_the_documents_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        DiamentorSettings.model_validate(wrong)


async def test_roentgen_is_refused_with_what_to_do() -> None:
    async with simulated(NAME, opened=False) as (meter, simulator, _):
        simulator.unit = "4"
        with pytest.raises(Declined, match=r"measures in R cm2; set it to cGy cm2, Gy cm2 or uGy m2"):
            await meter.open()


async def test_a_reading_over_which_the_unit_was_changed_has_no_value() -> None:
    async with simulated(NAME, {"leakage_a": 1e-9}) as (meter, simulator, clock):
        clock.advance(10.0)
        assert [r.flags for r in await meter.take()] == [()]
        simulator.front_panel()
        (odd,) = await meter.take()
        assert (odd.value, odd.flags) == (None, (Flag.CHANGED_BY_HAND, Flag.NOT_A_NUMBER))
        assert [r.flags for r in await meter.take()] == [()]


@pytest.mark.parametrize(("said", "flag"), [("E4", Flag.OVERLOAD), ("E5", Flag.OVERLOAD), ("E6", Flag.HV_FAULT)])
async def test_an_error_in_the_place_of_a_measurement_is_a_reading_without_a_number(said: str, flag: Flag) -> None:
    async with simulated(NAME, chambers=2) as (meter, simulator, _):
        simulator.literal = said
        readings = await meter.take()
        assert [(r.channel, r.value, r.flags) for r in readings] == [("A", None, (flag,)), ("B", None, (flag,))]
        assert readings[0].raw.strip() == said.encode()
        assert [r.value for r in await meter.take()] == [0.0, 0.0]


async def test_tests_of_the_instrument() -> None:
    async with simulated(NAME) as (meter, simulator, _):
        await meter.run_command("self-test", {})
        await meter.run_command("constancy", {})
        simulator.test_error, simulator.constancy = "E23", "F"
        with pytest.raises(Declined, match="refused TST with error 23: the EEPROM could not be read or written"):
            await meter.run_command("self-test", {})
        with pytest.raises(Declined, match="did not pass its electrical constancy check"):
            await meter.run_command("constancy", {})
        assert [r.value for r in await meter.take()] == [0.0]


async def test_one_that_is_not_calibrated_says_so_on_every_reading() -> None:
    async with simulated(NAME, {"calibrated": False}) as (meter, _, _):
        assert meter.settings_in_force["calibrated"] is False
        assert [(r.value, r.flags) for r in await meter.take()] == [(0.0, (Flag.UNCALIBRATED,))]
