"""The words of the MiniSys as two public debug logs have them, the shape of a reply, and how counts are read."""

from __future__ import annotations

import random

import pytest

from drivers.errors import Declined, Garbled
from drivers.risoe import words
from drivers.risoe.counts import counts_of, is_late, temperature_of
from drivers.risoe.sequence import Cool, HeatProgram, LightProgram, steps_of
from drivers.risoe.words import Answer, Command, Framing

FRAMING = Framing()
LOGGED = [  # the text of a command, and the seconds until the next in the log
    (words.MODE, "MD 1", 1), (words.CLEAR, "CA", 0), (words.SUPPLY, "LV ON", 1), (words.RESET_TURNTABLE, "TR", 16),
    (words.position(1), "PS 1", 4), (words.under_source(2), "BP 2", 20), (words.irradiate(100), "BI 100", 100),
    (words.LIFT_UP, "LU", 4), (words.LIFT_DOWN, "LD", 4), (words.HEATER_OFF, "ST 0", 4),
    (words.heat(240, 5.0, 199, 240), "TL 240 5.00 199 240", 49),
    (words.heat(250, 5.0, 248, 250), "TL 250 5.00 248 250", 51),
    (words.set_temperature(125, 5.0), "ST 125 5", 26), (words.set_temperature(50, 5.0), "ST 50 5", 11),
    (words.set_temperature(225, 5.0), "ST 225 5", 46), (words.pause(10), "PA 10", 11),
    (words.pause(120), "PA 120", 121),
    (words.stimulation_power(90), "IR SET 90", 1), (words.stimulate("B", 40.0, 1000), "OS B 40.00 1000", 41),
    (words.stimulate("I", 100.0, 1000), "OS I 100.00 1000", 101),
    (words.NITROGEN["open"], "NO", 1), (words.NITROGEN["close"], "NC", 1),
]  # fmt: skip


@pytest.mark.parametrize(("command", "text", "seconds"), LOGGED, ids=[text for _, text, _ in LOGGED])
def test_a_command_is_the_text_of_the_log_and_may_last_as_long(command: Command, text: str, seconds: float) -> None:
    assert command.text == text
    assert seconds <= command.lasts_s <= max(seconds + 1, words.TURNS_S)
    assert words.request(FRAMING, command.text) == text.encode() + b"\r"


def test_only_irradiation_opens_the_source() -> None:
    assert [text for command, text, _ in LOGGED if command.opens_source] == ["BI 100"]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", None), (b">", None), (b">\r", (b">", 2)), (b">\r\n", (b">", 2)), (b"\r\n>\r", (b">", 4)),
        (b"?LIFT\r>\r", (b"?LIFT", 6)), (b"OK\r", (b"OK", 3)), (b"1 2 3\r>\r", (b"1 2 3", 6)),
    ],
)  # fmt: skip
def test_a_reply_without_data_ends_with_its_first_line(data: bytes, found: tuple[bytes, int] | None) -> None:
    assert Answer(FRAMING, "LU", gives_data=False).find(data) == found


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"1 2 3\r", None), (b"1 2 3\r>\r", (b"1 2 3\n>", 8)), (b"1 2\r3\r>\r", (b"1 2\n3\n>", 8)),
        (b"1 2\rLID OPEN\r3\r", (b"1 2\nLID OPEN", 13)), (b"?RANGE\r", (b"?RANGE", 7)),
    ],
)  # fmt: skip
def test_a_reply_with_data_ends_with_the_first_line_that_is_none(data: bytes, found: tuple[bytes, int] | None) -> None:
    assert Answer(FRAMING, "TL", gives_data=True).find(data) == found


def test_an_echo_comes_first_and_must_be_the_command() -> None:
    framing = Framing(echo=True)
    command = words.heat(240, 5.0, 3, 0)
    found = Answer(framing, command.text, gives_data=True).find(b"TL 240 5.00 3 0\r1 2 3\r>\r")
    assert found == (b"TL 240 5.00 3 0\n1 2 3\n>", 24)
    assert counts_of(framing, command, found[0]) == (1, 2, 3)
    with pytest.raises(Garbled, match="was not echoed"):
        counts_of(framing, command, b"1 2 3\n>")


@pytest.mark.parametrize(
    ("reply", "error", "why"),
    [
        (b"?LIFT", Declined, "The reader refused TL 240 5.00 3 0: LIFT."),
        (b"?", Declined, "The reader refused TL 240 5.00 3 0."),
        (b"OK", Garbled, "TL 240 5.00 3 0 was answered with 'OK'."),
        (b">", Garbled, "The reply to TL 240 5.00 3 0 is not of counts with single blanks between them."),
        (b"1  2 3\n>", Garbled, "The reply to TL 240 5.00 3 0 is not of counts with single blanks between them."),
        (b"1 2\n>", Garbled, "TL 240 5.00 3 0 asked for 3 counts and 2 came."),
        (b"1 2\n3 4\n>", Garbled, "TL 240 5.00 3 0 asked for 3 counts and 4 came."),
    ],
)
def test_what_is_no_reply_to_a_ramp(reply: bytes, error: type[Exception], why: str) -> None:
    with pytest.raises(error) as found:
        counts_of(FRAMING, words.heat(240, 5.0, 3, 0), reply)
    assert str(found.value) == why


def test_a_command_without_data_gives_none() -> None:
    assert counts_of(FRAMING, words.LIFT_UP, b">") == ()
    with pytest.raises(Garbled, match="LU was answered with '1 2'"):
        counts_of(FRAMING, words.LIFT_UP, b"1 2")
    with pytest.raises(Garbled, match="LU gives no data, and something came"):
        counts_of(FRAMING, words.LIFT_UP, b"1\n>")
    assert (is_late(b"1 2\n>"), is_late(b">"), is_late(b"?1")) == (True, False, False)


@pytest.mark.parametrize(("reply", "value"), [(b"24.5\n>", 24.5), (b"-3\n>", -3), (b"699.99\n>", 699.99)])
def test_a_temperature(reply: bytes, value: float) -> None:
    assert temperature_of(FRAMING, "RT", reply) == value


@pytest.mark.parametrize("reply", [b">", b"1\n2\n>", b"1 2\n>", b"800\n>", b"-21\n>", b"1e2\n>", b".5\n>"])
def test_what_is_no_temperature(reply: bytes) -> None:
    with pytest.raises(Garbled):
        temperature_of(FRAMING, "RT", reply)


def test_damaged_counts_are_refused_or_are_as_many_numbers() -> None:
    """No check sum: of damages in one place only a digit for a digit, and one too few at an end, can pass."""
    counts = [random.Random(1).randrange(2000) for _ in range(40)]
    good, command = " ".join(map(str, counts)).encode() + b"\n>", words.heat(240, 5.0, 40, 0)
    passed = 0
    for at in range(len(good)):
        for other in (0x20, 0x0A, 0x2D, 0x3E, 0x00, 0xB1, 0x61):
            damaged = good[:at] + bytes([other]) + good[at + 1 :]
            try:
                passed += counts_of(FRAMING, command, damaged) != tuple(counts)
            except (Garbled, Declined):
                continue
    assert passed == 0


# --- sequences ------------------------------------------------------------------------------------------------------


def test_the_split_of_a_preheat_is_that_of_the_log() -> None:
    assert HeatProgram(252, 5.0, 250, 250, 60).split == (248, 2)


def test_steps_are_in_the_order_of_the_log_sample_by_sample() -> None:
    light = LightProgram("B", 90, 40.0, 1000, 125, 5.0, 10)
    steps = steps_of(light, [(1, "A1"), (2, None)], Cool(900.0))
    texts = [each.does.text if isinstance(each.does, Command) else "cool" for each in steps]
    one = ["IR SET 90", "cool", "LU", "ST 125 5", "PA 10", "OS B 40.00 1000", "LD", "ST 0"]
    assert texts == ["PS 1", *one, "PS 2", *one]
    assert [n for n, each in enumerate(steps) if each.completes] == [6, 15]
    assert {each.where for each in steps} == {"position 1 (A1)", "position 2"}
