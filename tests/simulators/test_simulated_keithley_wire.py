"""The simulated 6517 on its wire: shapes of captured lines, special values, chunking, sameness by seed."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_talk import converse

from simulators.clock import SteppedClock
from simulators.keithley.conversion import Conversion
from simulators.keithley.electrometer import Electrometer
from simulators.keithley.k6517 import KIND_A, KIND_B
from simulators.keithley.reading_6517 import reading_string

DEFAULT = {"READ", "STAT", "UNIT", "TST", "RNUM"}


def unit(seed: int = 1, **options: object) -> Electrometer:
    return KIND_B.make(SteppedClock(), seed, {"hop_c": 0.0, "noise": 0.0, "input_bias_a": 0.0, **options})


def conversion(
    value: float, status: str, name: str, full: float, digits: int, time_s: float, number: int
) -> Conversion:
    when = datetime(2015, 3, 26, 9, 0, 20)
    return Conversion(number, value, status, "CURR", name, full, digits, time_s, when, 1.0, value)


@pytest.mark.parametrize(
    ("one", "elements", "real_time", "text"),
    [
        (conversion(198.4891e-12, "N", "ADC", 2e-10, 7, 7633.858813, 58454), DEFAULT, False,
         "+198.4891E-12NADC,+0007633.858813secs,+58454RDNG#"),
        (conversion(-0.00374e-12, "N", "ADC", 2e-11, 7, 1547.173645, 3951), DEFAULT, False,
         "-00.00374E-12NADC,+0001547.173645secs,+03951RDNG#"),
        (conversion(2.3615e-3, "N", "ADC", 2e-2, 6, 0.0, 0), DEFAULT, False,
         "+002.3615E-03NADC,+0000000.000000secs,+00000RDNG#"),
        (conversion(-0.0045e-9, "N", "COUL", 2e-7, 7, 640.971549, 6330), DEFAULT, False,
         "-000.0045E-09NCOUL,+0000640.971549secs,+06330RDNG#"),
        (conversion(1.01103, "N", "VDC", 20.0, 7, 0.0, 1945), DEFAULT | {"VSO"}, True,
         "+01.01103E+00NVDC,09:00:20.00,26-Mar-2015,+01945RDNG#,+0001.000Vsrc"),
        (conversion(1e-9, "N", "COUL", 2e-7, 7, 0.0, 1), {"READ"}, False, "+001.0000E-09"),
    ],
)  # fmt: skip
def test_reading_string_is_the_captured_line(one: Conversion, elements: set[str], real_time: bool, text: str) -> None:
    assert reading_string(one, frozenset(elements), real_time=real_time) == text


async def test_identities_are_those_of_real_units() -> None:
    assert await converse(unit(), [b"*IDN?\n"]) == b"KEITHLEY INSTRUMENTS INC.,MODEL 6517B,4096271,A13/700X\r\n"
    old = KIND_A.make(SteppedClock(), 1)
    assert await converse(old, [b"*idn?\r"]) == b"KEITHLEY INSTRUMENTS INC.,MODEL 6517A,0972959,C05  /A02\r\n"


async def test_zero_check_and_overflow_have_their_values_and_letters() -> None:
    instrument = unit()
    assert (await converse(instrument, [b":READ?\n"])).startswith(b"+9.91E37ZVDC,")
    await converse(instrument, [b":FUNC 'CHAR';:CHAR:RANG 2e-9\n:SYST:ZCH 0\n"])
    instrument.detector.expose(3e-9, 0.01)
    assert (await converse(instrument, [b":READ?\n"])).startswith(b"+9.9E37OCOUL,")


async def test_charge_collected_is_the_charge_read() -> None:
    instrument = unit()
    await converse(instrument, [b":FUNC 'CHAR';:CHAR:RANG 200e-9;:SYST:ZCH 0\n"])
    instrument.detector.expose(1.5e-8, 0.05)
    assert (await converse(instrument, [b":READ?\n"])).startswith(b"+015.0000E-09NCOUL,")


async def test_current_is_the_mean_over_a_conversion() -> None:
    instrument = unit()
    await converse(instrument, [b":FUNC 'CURR';:CURR:RANG 2e-9;:SYST:ZCH 0\n"])
    instrument.detector.expose(1e-9, 1.0)
    assert float((await converse(instrument, [b":FORM:ELEM READ;:READ?\n"])).decode()) == pytest.approx(1e-9, rel=1e-3)


async def test_two_hundred_readings_a_second_are_possible() -> None:
    instrument = unit()
    await converse(instrument, [b":FUNC 'CURR';:CURR:NPLC 0.01;:SYST:ZCH 0;:INIT:CONT ON\n"])
    before = instrument.clock.now()
    await converse(instrument, [b":SENS:DATA:FRES?\n"] * 100)
    assert 100 / (instrument.clock.now() - before) > 250


async def test_error_ends_the_message_and_is_queued() -> None:
    assert await converse(unit(), [b"*OPT?;:NO:SUCH;*IDN?\n"]) == b"0\r\n"
    instrument = unit()
    answer = await converse(instrument, [b":NO:SUCH\n", b":SYST:ERR?\n", b":SYST:ERR?\n"])
    assert re.fullmatch(rb'-113,"Undefined header"\r\n0,"No error"\r\n', answer, re.I)


@pytest.mark.parametrize("byte", [b"\x03", b"\x18"])
async def test_device_clear_drops_the_line_and_answers(byte: bytes) -> None:
    assert await converse(unit(), [b"*ID" + byte + b"*OPT?\n"]) == b"DCL\r\n0\r\n"


@pytest.mark.parametrize(("name", "end"), [("crlf", b"\r\n"), ("lf", b"\n"), ("cr", b"\r")])
async def test_reply_terminator_is_a_setting(name: str, end: bytes) -> None:
    assert await converse(unit(terminator=name), [b"*OPT?\n"]) == b"0" + end


SCRIPT = (
    b"*IDN?\r\n:FUNC 'CHAR';:CHAR:RANG 20e-9;NPLC 0.1\n:SYST:ZCH 0\r:READ?\r\n:FORM:ELEM READ,TST;:READ?\n"
    b":TRAC:CLE;:TRAC:POIN 3;:TRIG:COUN 3;:TRAC:FEED SENS;:TRAC:FEED:CONT NEXT\n"
    b":INIT:CONT OFF;:ABOR;:INIT\n:FETC?;:TRAC:POIN:ACT?\n"
)


def answers(chunks: list[bytes], seed: int) -> bytes:
    instrument = KIND_B.make(SteppedClock(), seed)
    instrument.detector.expose(1e-8, 2.0)
    return asyncio.run(converse(instrument, chunks))


WHOLE = answers([SCRIPT], 7)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, len(SCRIPT)), max_size=12))
def test_any_cut_of_the_requests_gives_the_same_bytes(cuts: list[int]) -> None:
    edges = sorted({0, *cuts, len(SCRIPT)})
    chunks = [SCRIPT[a:b] for a, b in pairwise(edges)]
    assert answers(chunks, 7) == WHOLE


def test_same_seed_same_bytes_other_seed_other_bytes() -> None:
    assert answers([SCRIPT], 3) == answers([SCRIPT], 3)
    assert answers([SCRIPT], 3) != answers([SCRIPT], 4)
