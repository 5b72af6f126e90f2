"""The MULTIDOS's grammar: telegrams of two and of many channels, errors, times and numbers in their documented form."""

from __future__ import annotations

import pytest

from drivers import Declined, Flag, Garbled
from drivers.ptw import multidos_data as data
from drivers.ptw import multidos_words as words

DUAL = b"D0;   12.5s;STA;00;0;0;0; 1.234E-09;4;-5.67E-110;3; 0045.9;".replace(b"-5.67E-110", b"-5.670E-11")
MANY = b"D0103;0;  100.0s;HLD;00;L;A;4;0000;0000;0000; 1.000E-09; 2.000E-09;+0L   ;"


def test_a_telegram_of_two_channels() -> None:
    t = data.parse_dual(DUAL)
    assert (t.rate, t.time_s, t.state, t.ratio) == (False, 12.5, "STA", 45.9)
    assert [(c.name, c.value, c.flags) for c in t.channels] == [("1", 1.234e-9, ()), ("2", -5.67e-11, ())]


@pytest.mark.parametrize(
    ("old", "new", "first", "second"),
    [
        (b";00;", b";01;", (Flag.OVERLOAD,), (Flag.OVERLOAD,)), (b";00;", b";16;", (Flag.OVERLOAD,), (Flag.OVERLOAD,)),
        (b";00;", b";08;", (Flag.HV_FAULT,), (Flag.HV_FAULT,)), (b";00;", b";32;", (Flag.HV_FAULT,), (Flag.HV_FAULT,)),
        (b";00;", b";02;", (Flag.NOT_A_NUMBER,), (Flag.NOT_A_NUMBER,)),
        (b";00;", b";64;", (Flag.UNKNOWN_STATUS,), (Flag.UNKNOWN_STATUS,)),
        (b"00;0;0;0;", b"00;1;2;0;", (Flag.OVERLOAD,), (Flag.LOW_SIGNAL,)),
        (b"00;0;0;0;", b"00;0;0;3;", (Flag.UNKNOWN_STATUS,), (Flag.UNKNOWN_STATUS,)),
        (b" 1.234E-09", b"+0L   ", (Flag.OVERLOAD,), ()), (b"-5.670E-11", b"-0L   ", (), (Flag.OVERLOAD,)),
        (b"STA", b"NUL", (Flag.BUSY,), (Flag.BUSY,)), (b"STA", b"ERR", (Flag.BUSY,), (Flag.BUSY,)),
    ],
)  # fmt: skip
def test_flags_of_all_and_of_one_channel(old: bytes, new: bytes, first: object, second: object) -> None:
    t = data.parse_dual(DUAL.replace(old, new))
    assert [c.flags for c in t.channels] == [first, second]


@pytest.mark.parametrize(("text", "ratio"), [(b" ####.#", None), (b" ----.-", None), (b"-0001.5", -1.5)])
def test_a_ratio_that_is_none(text: bytes, ratio: float | None) -> None:
    assert data.parse_dual(DUAL.replace(b" 0045.9", text)).ratio == ratio


def test_a_clock_that_has_run_over() -> None:
    assert data.parse_dual(DUAL.replace(b"   12.5s", b"OL     s")).time_s is None


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"D0;", b"D2;"), (b"D0;", b"D;"), (b"12.5s", b"12.4s"), (b"   12.5s", b"  12.5s"), (b"   12.5s", b"64800.5s"),
     (b"STA", b"RUNN"), (b";00;", b";0;"), (b";00;", b";0x;"), (b"00;0;", b"00;4;"), (b" 1.234", b"+1.234"),
     (b"1.234E", b"1,234E"), (b"1.234E", b"1234.E"), (b"1.234E", b"1.23E"), (b"1.234E", b"12.345E"), (b"E-09", b"E-9"),
     (b"0045.9", b"45.9"), (b";4;", b";14;"), (b"45.9;", b"45.9"), (b"45.9;", b"45.9;0;"), (b"1.234", b"NaN  ")],
)  # fmt: skip
def test_a_telegram_of_another_form_is_refused(old: bytes, new: bytes) -> None:
    assert old in DUAL
    with pytest.raises(Garbled):
        data.parse_dual(DUAL.replace(old, new, 1))


def test_a_telegram_of_many_channels() -> None:
    t = data.parse_multi(1, 3, MANY)
    assert [(c.name, c.value) for c in t.channels] == [("1", 1e-9), ("2", 2e-9), ("3", None)]
    over = data.parse_multi(1, 3, MANY.replace(b"0000;0000;0000", b"0002;0001;0000"))
    assert [c.flags for c in over.channels] == [(Flag.LOW_SIGNAL,), (Flag.OVERLOAD,), (Flag.OVERLOAD,)]


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"D0103", b"D0104"), (b"D0103;0", b"D0103;2"), (b" 2.000E-09;", b""), (b"0000;", b"000;"), (b";L;", b";;"),
     (b";A;", b";ABC;"), (b"0000;0000;0000", b"000g;0000;0000")],
)  # fmt: skip
def test_a_telegram_of_other_channels_or_form_is_refused(old: bytes, new: bytes) -> None:
    with pytest.raises(Garbled):
        data.parse_multi(1, 3, MANY.replace(old, new, 1))


@pytest.mark.parametrize("number", sorted(words.ERRORS))
def test_every_error_of_the_manual_is_a_sentence(number: int) -> None:
    line = f"E{number:02d}".encode()
    with pytest.raises(Declined, match=rf"The MULTIDOS refused STA with error {number:02d}: {words.ERRORS[number]}"):
        words.parse_echo("STA", line)
    with pytest.raises(Declined):
        data.parse_dual(line)


def test_an_error_that_no_manual_has() -> None:
    with pytest.raises(Declined, match="error 55: unknown: it is not in the manual's list"):
        words.parse_echo("STA", b"E55")


def test_bits_by_name() -> None:
    assert words.parse_bits("SE", words.ERROR_BITS, b"SE00065") == ["multiplier calculation", "EEPROM critical"]
    assert words.parse_bits("SD", words.DEVICE_BITS, b"SD00080") == ["unit roentgen", "HV error"]
    assert words.parse_bits("ERR;", words.CONSTANCY_BITS, b"ERR;00257") == ["menu", "radiological set 1"]
    assert words.parse_bits("SE", words.ERROR_BITS, b"SE00002") == ["bit 1"]
    for line in (b"SE1", b"SE000655", b"SD00001", b"SE0000x"):
        with pytest.raises(Garbled):
            words.parse_bits("SE", words.ERROR_BITS, line)


def test_who_is_there() -> None:
    assert words.parse_device(b"MULTIDOS 1.30E") == "1.30E"
    for line in (b"MULTIDOS", b"UNIDOS 1.30E", b"MULTIDOS 1.30E\x07", b"MULTIDOS 1.3\xc3"):
        with pytest.raises(Garbled):
            words.parse_device(line)
