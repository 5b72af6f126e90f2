"""The simulated serial PTW dosemeters: published replies byte for byte, states, refusals."""

from __future__ import annotations

import re

import pytest
from wire_talk import advance, converse

from simulators.clock import SteppedClock
from simulators.ptw_serial.diamentor import Diamentor
from simulators.ptw_serial.multidos import Multidos
from simulators.ptw_serial.multidos_text import checked, ratio_text, time_text, value_text
from simulators.ptw_serial.unidos_classic import UnidosClassic


async def test_the_published_conversation_of_a_multidos() -> None:
    unit = Multidos(SteppedClock(), 1)
    assert await converse(unit, [b"PTW\r\nS\r\nI0060\r\nSTA\r\nI9\r\nNUL\r\n"]) == (
        b"MULTIDOS 1.30E\r\nSRES\r\nI0060\r\nSTA\r\nE01\r\nNUL\r\n"
    )
    assert unit.clock.now() >= 28.0


async def test_a_multidos_telegram_has_its_form_and_its_check() -> None:
    unit = Multidos(SteppedClock(), 1)
    await converse(unit, [b"UA\r\nSTA\r\n"])
    unit.detector.expose(1.5e-9, 3.0)
    advance(unit, 3.3)
    line = (await converse(unit, [b"D\r\n"])).decode().removesuffix("\r\n")
    form = r"D0;    3\.0s;STA;00;0;0;0; 1\.500E-09;4; 1\.500E-10;3; 0010\.0;(\d{5})"
    found = re.fullmatch(form, line)
    assert found, line
    assert int(found[1]) == sum(line[:-5].encode()) % 65536


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.234e-9, " 1.234E-09"), (-1.234e-9, "-1.234E-09"), (0.0, " 0.000E+00"), (1e24, "+0L   "), (-1e24, "-0L   ")],
)
def test_numbers_of_a_multidos(value: float, text: str) -> None:
    assert value_text(value) == text


def test_times_ratios_and_checks_of_a_multidos() -> None:
    assert [time_text(t) for t in (0.0, 12.7, 64800.0, 64801.0)] == ["    0.0s", "   12.5s", "64800.0s", "OL     s"]
    assert [ratio_text(1, x) for x in (0.5, -0.5, 200)] == [" 0050.0", "-0050.0", " ####.#"]
    assert ratio_text(0, 1) == " ----.-"
    assert checked("123456789", "crc-16-xmodem")[-5:] == f"{0x31C3:05d}"
    assert checked("123456789", "crc-16-ccitt-false")[-5:] == f"{0x29B1:05d}"


@pytest.mark.parametrize(
    ("request_", "answer"),
    [("XYZ", "E01"), ("I0005", "E10"), ("I9999", "I9999"), ("SET6", "E10"), ("SET5", "SET5"), ("RHL", "RHL"),
     ("RXX", "E01"), ("KP1000.0", "E02"), ("D0104", "E02"), ("ERR", "E02"), ("SD", "SD00000"), ("SE", "SE00000")],
)  # fmt: skip
async def test_refusals_of_a_multidos(request_: str, answer: str) -> None:
    assert await converse(Multidos(SteppedClock(), 1), [request_.encode() + b"\r\n"]) == answer.encode() + b"\r\n"


async def test_another_application_takes_five_seconds() -> None:
    unit = Multidos(SteppedClock(), 1)
    assert await converse(unit, [b"AM\r\nA\r\nM\r\n"]) == b"AM\r\nAM\r\nE03\r\n"
    advance(unit, 5.0)
    assert (await converse(unit, [b"D0102\r\n"])).startswith(b"D0102;0;    0.0s;RES;00;")
    assert await converse(unit, [b"KP1300.1\r\nKP1300.0\r\nD\r\n"]) == b"E10\r\nKP1300.0\r\nE02\r\n"


async def test_the_published_replies_of_a_diamentor() -> None:
    unit = Diamentor(SteppedClock(), 1)
    asked = b"PTW\r\nSER\r\nRES\r\nTST\r\nG\r\nCRC\r\nBR\r\nPRE\r\nTMPA\r\nU\r\nKA\r\nKFA\r\n"
    assert (await converse(unit, [asked])).split(b"\r\n") == [
        b"CRS 2.33", b"SER345678", b"RES", b"", b"GP", b"CRC0,0", b"BR0", b"PRE1013", b"TMPA20", b"U3", b"KA1.0000E09",
        b"KFA1.000", b"",
    ]  # fmt: skip
    line = await converse(unit, [b"M\r\n"])
    assert re.fullmatch(rb"M\d{4}\.\d\d,\d{4}\.\d\d,\d{3},\d\d,\d{4}\.\d\d,\d{4}\.\d\d,\d{3},\d\d,\d{5}\r\n", line)


@pytest.mark.parametrize(
    ("request_", "answer"),
    [("XYZ", "E1"), ("PRE0499", "E9"), ("PRE1500", "PRE1500"), ("PRE500", "E1"), ("TMPA71", "E9"), ("U5", "E9"),
     ("U1", "U1"), ("KA9.9990E12", "KA9.9990E12"), ("KA1.0000E07", "E9"), ("KFA1.010", "KFA1.010"), ("BR4", "BR4")],
)  # fmt: skip
async def test_settings_and_refusals_of_a_diamentor(request_: str, answer: str) -> None:
    assert await converse(Diamentor(SteppedClock(), 1), [request_.encode() + b"\r\n"]) == answer.encode() + b"\r\n"


async def test_keys_and_display_of_a_classic_unidos() -> None:
    unit = UnidosClassic(SteppedClock(), 1)
    assert await converse(unit, [b"PTW\r\n?F\r\n?W\r\n?S\r\n?U\r\nR1\r\nG\r\n?R\r\n"]) == (
        b"UNIDOS 2.20 T10001\r\n0\r\n00\r\nRES\r\nC\r\nR1\r\nG\r\nMEDIUM 1 2000.0 n\r\n"
    )
    unit.detector.expose(1.5e-9, 3.0)
    advance(unit, 3.0)
    assert (await converse(unit, [b"V\r\n"])).split() == [b"3.0", b"1.5000"]
    assert await converse(unit, [b"E\r\nU\r\nV\r\nG\r\nE\r\n?W\r\n"]) == b"E\r\nU\r\n350 V\r\n?\r\nE\r\n00\r\n"
    assert unit.voltage == 350
