"""What a UD-716 prints, heard: pairs of lines become four readings, half a pair none with a number."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import ValidationError
from virtual_time import run

from drivers import Flag, Instrument, LinkDown, Reading, connect
from drivers.errors import Garbled
from drivers.panasonic import PANASONIC_UD_716, records
from drivers.transport.memory import MemoryTransport

RUN = b"1690120 2406010910  24000000099095050500038000  DE00Y02330430        "
FIRST = b"2690121 240601091001265900000107341254147213520030070990 Y101        "
SECOND = b"C24060109100020073400000433 0027125400000794 0054147200000177 0022135200000870            "
NEXT = b"2690123 240601091102265900000215361496134312040020110990 Y102        "
NEXT_SECOND = b"C24060109110056153600000532 0008149600001074 0057134300000653 0037120400000174            "

Case = Callable[[Instrument, MemoryTransport], Awaitable[None]]


def heard(case: Case, **settings: Any) -> None:
    """An open listener and the other end of its line, on a clock of its own."""

    async def through() -> None:
        ours, theirs = MemoryTransport.pair()
        it = connect(PANASONIC_UD_716, "memory", settings, transport=ours)
        await it.open()
        try:
            await case(it, theirs)
        finally:
            await it.close()

    run(through())


async def after(it: Instrument, line: MemoryTransport, *said: bytes, end: bytes = b"\r\n") -> list[Reading]:
    """All readings of what is said, until the line is quiet."""
    for each in said:
        await line.write(each + end)
    return await the_rest(it)


async def the_rest(it: Instrument) -> list[Reading]:
    found: list[Reading] = []
    quiet = 0
    while quiet < 2:  # a line 2 that has just come waits for its C one quiet time
        readings = await it.take()
        quiet = 0 if readings else quiet + 1
        found += readings
    return found


@pytest.mark.parametrize("end", [b"\r\n", b"\r", b"\n"])
def test_a_pair_of_lines_is_four_readings(end: bytes) -> None:
    async def case(it: Instrument, line: MemoryTransport) -> None:
        run_line, *four = await after(it, line, RUN, FIRST, SECOND, end=end)
        assert (run_line.quantity, run_line.value, run_line.also["readings-so-far"].value) == (
            "reader-factor", 0.99, 38000,
        )  # fmt: skip
        assert [each.value for each in four] == [0.734, 2.54, 4.72, 3.52]
        assert [each.element_index for each in four] == [1, 2, 3, 4]
        assert {(each.element, each.clock, each.quantity, each.unit) for each in four} == {
            ("9000001", "2024-06-01T09:10:00", "element-reading", "1")
        }
        assert four[0].also["position"].value == 1
        assert all(each.raw == FIRST + b"\n" + SECOND and not each.flags and each.note is None for each in four)

    heard(case)


def test_readings_are_of_the_run_that_its_line_1_began_and_of_none_where_lines_are_missing() -> None:
    later = NEXT.replace(b"2690123", b"2690127")
    again = RUN.replace(b"1690120", b"1690129").replace(b"038000", b"038002")
    last, last_second = NEXT.replace(b"2690123", b"2690130"), NEXT_SECOND

    async def case(it: Instrument, line: MemoryTransport) -> None:
        unheard = await after(it, line, FIRST, SECOND)
        assert {each.run for each in unheard} == {None}, "its line 1 was not heard"
        first = await after(it, line, RUN.replace(b"690120", b"690122"), NEXT, NEXT_SECOND)
        assert {(each.run, each.reader) for each in first} == {("690 38000", "unit 690")}
        assert [each.position for each in first] == [None, "2", "2", "2", "2"]
        missing = await after(it, line, later, NEXT_SECOND)
        assert {each.run for each in missing} == {None}, "a line 1 may be among what did not come"
        second = await after(it, line, again, last, last_second)
        assert {each.run for each in second} == {"690 38002"}

    heard(case)


@pytest.mark.parametrize(
    ("base_unit", "quantity", "unit", "value"),
    [("mSv", "dose-equivalent", "Sv", 2.54e-3), ("mGy", "dose", "Gy", 2.54e-3), ("mR", "exposure", "mR", 2.54)],
)
def test_a_number_has_a_unit_only_where_the_site_says_which(
    base_unit: str, quantity: str, unit: str, value: float
) -> None:
    async def case(it: Instrument, line: MemoryTransport) -> None:
        readings = await after(it, line, FIRST, SECOND)
        assert (readings[1].quantity, readings[1].unit, readings[1].value) == (quantity, unit, value)
        assert (it.measures, it.integrates) == (quantity, "elements")

    heard(case, base_unit=base_unit)


def test_half_a_pair_has_no_number_and_keeps_its_bytes() -> None:
    async def case(it: Instrument, line: MemoryTransport) -> None:
        without = await after(it, line, FIRST)
        assert [(each.value, each.flags, each.element_index) for each in without] == [
            (None, (Flag.INCOMPLETE,), n) for n in (1, 2, 3, 4)
        ]
        assert {each.raw for each in without} == {FIRST}
        late = await after(it, line, SECOND)
        assert [(each.kind, each.raw) for each in late] == [("unparsed", SECOND)]
        whole = await after(it, line, NEXT, NEXT_SECOND)
        assert [(each.value, each.note) for each in whole] == [(5.36, None), (4.96, None), (3.43, None), (2.04, None)]

    heard(case)


def test_a_line_2_that_is_followed_by_another_is_half_a_pair() -> None:
    async def case(it: Instrument, line: MemoryTransport) -> None:
        readings = await after(it, line, FIRST, NEXT, NEXT_SECOND)
        assert [each.value for each in readings] == [None] * 4 + [5.36, 4.96, 3.43, 2.04]
        assert {each.element for each in readings[:4]} == {"9000001"}

    heard(case)


def test_a_plug_pulled_between_the_lines_gives_what_had_come() -> None:
    async def case(it: Instrument, line: MemoryTransport) -> None:
        await line.write(RUN + b"\r\n" + FIRST + b"\r\nC2406010910")
        await asyncio.sleep(1)
        assert [each.quantity for each in await it.take()] == ["reader-factor"]
        assert line.peer is not None
        line.peer.cut()
        assert {(each.raw, each.value) for each in await it.take()} == {(FIRST, None)}
        with pytest.raises(LinkDown):
            await it.take()

    heard(case)


def test_what_is_held_back_when_it_is_closed_is_counted_as_stray() -> None:
    async def case(it: Instrument, line: MemoryTransport) -> None:
        await line.write(FIRST + b"\r\n")
        await asyncio.sleep(1)
        assert await it.flush() == []
        await it.close()
        assert it._link.stray == len(FIRST)  # type: ignore[attr-defined]

    heard(case)


def test_what_has_come_belongs_before_a_marker() -> None:
    async def case(it: Instrument, line: MemoryTransport) -> None:
        await line.write(FIRST + b"\r\n" + SECOND + b"\r\n")
        await asyncio.sleep(0.1)
        assert [each.value for each in await it.flush()] == [0.734, 2.54, 4.72, 3.52]
        assert await it.flush() == []

    heard(case)


def test_two_lines_that_disagree_give_no_number_for_that_element() -> None:
    async def case(it: Instrument, line: MemoryTransport) -> None:
        readings = await after(it, line, FIRST, SECOND.replace(b"1254", b"1264"))
        assert [each.value for each in readings] == [0.734, None, 4.72, 3.52]
        assert readings[1].flags == (Flag.NOT_A_NUMBER,)
        assert readings[1].note == "line 2 says 1254 and line C 1264: neither is believed"

    heard(case)


def test_an_exponent_that_was_never_observed_gives_no_number() -> None:
    async def case(it: Instrument, line: MemoryTransport) -> None:
        readings = await after(it, line, FIRST.replace(b"1254", b"5254"), SECOND.replace(b"1254", b"5254"))
        assert (readings[1].value, readings[1].flags) == (None, (Flag.OUT_OF_LIMIT,))
        assert readings[0].value == 0.734

    heard(case)


def test_lines_that_are_missing_by_the_reader_s_count_are_told() -> None:
    async def case(it: Instrument, line: MemoryTransport) -> None:
        await after(it, line, RUN)
        readings = await after(it, line, NEXT, NEXT_SECOND)
        assert [each.value for each in readings] == [5.36, 4.96, 3.43, 2.04]
        assert readings[0].note == "by the reader's count 2 lines before it did not come or were not understood"

    heard(case)


def test_a_copy_of_a_line_is_no_second_reading() -> None:
    async def case(it: Instrument, line: MemoryTransport) -> None:
        readings = await after(it, line, RUN, RUN, FIRST, FIRST, SECOND, SECOND, FIRST, SECOND)
        assert [each.kind for each in readings if each.kind == "unparsed"] == ["unparsed"] * 5
        assert [each.value for each in readings if each.quantity == "element-reading" and each.kind == "scalar"] == [
            0.734, 2.54, 4.72, 3.52,
        ]  # fmt: skip

    heard(case)


def test_another_reader_s_lines_are_not_believed() -> None:
    async def case(it: Instrument, line: MemoryTransport) -> None:
        readings = await after(it, line, FIRST, SECOND)
        assert [each.kind for each in readings] == ["unparsed", "unparsed"]
        assert readings[0].note == "The line is of reader unit 690; 691 is configured here."

    heard(case, unit_number="691")


def test_a_factor_other_than_that_of_its_run_is_flagged() -> None:
    async def case(it: Instrument, line: MemoryTransport) -> None:
        readings = await after(it, line, RUN.replace(b"000990", b"000976"), FIRST, SECOND)
        assert {each.flags for each in readings[1:]} == {(Flag.NON_CONFORMING,)}
        assert readings[2].value == 2.54

    heard(case)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"READY", "Not a line of this reader"),
        (FIRST[:-1], "A line 2 of this reader has 69 characters, this one 68"),
        (SECOND + b" ", "A line C of this reader has 90 characters, this one 91"),
        (FIRST.replace(b"1254", b"12.4"), "not of the form"),
        (FIRST.replace(b"2406010910", b"2413010910"), "2413010910 is no date and time"),
        (SECOND, "A line C without the line 2"),
        (b"\x80\x81\xfe", "Not a line of this reader"),
    ],
)
def test_what_is_no_record_is_kept_with_the_reason(line: bytes, why: str) -> None:
    async def case(it: Instrument, other: MemoryTransport) -> None:
        (reading,) = await after(it, other, line)
        assert (reading.kind, reading.value, reading.raw) == ("unparsed", None, line)
        assert why in (reading.note or "")

    heard(case)


def test_a_second_line_of_another_minute_is_of_another_dosimeter() -> None:
    async def case(it: Instrument, line: MemoryTransport) -> None:
        readings = await after(it, line, FIRST, NEXT_SECOND)
        assert [each.kind for each in readings] == ["unparsed"] + ["scalar"] * 4
        assert all(each.value is None for each in readings)

    heard(case)


@pytest.mark.parametrize("settings", [{"expected_serial": "690"}, {"unit_number": "69"}, {"base_unit": "rem"}])
def test_settings_that_cannot_be(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PANASONIC_UD_716.settings.model_validate(settings)


@pytest.mark.parametrize(
    ("element", "value"), [("1158", 1.58), ("0693", 0.693), ("4999", 9990.0), ("0000", 0.0), ("5100", None)]
)
def test_exponent_and_mantissa(element: str, value: float | None) -> None:
    assert records.value_of(element) == value


def test_every_change_of_one_character_is_refused_or_seen_or_a_digit() -> None:
    """A digit that is another digit cannot be told by one line; in an element the second line tells it."""
    for at in range(len(FIRST)):
        for other in (b"x", b"-", b".", b"\x00", b"\xb2"):
            damaged = FIRST[:at] + other + FIRST[at + 1 :]
            if damaged == FIRST:
                continue
            with pytest.raises(Garbled):
                records.parse(damaged)
