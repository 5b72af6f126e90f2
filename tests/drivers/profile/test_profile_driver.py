"""A profile's instrument over memory: what is asked, what is made of each reply, and what is not believed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from profile_text import GOOD
from pydantic import ValidationError

from drivers import Declined, Flag, Garbled, Instrument, Reading, WrongInstrument, connect
from drivers.profile import load_profile
from drivers.profile.forms import Form, Forms
from drivers.profile.grammar import Grammar
from drivers.trace import Trace
from drivers.transport.memory import MemoryTransport

pytestmark = pytest.mark.virtual_time

ANSWERS = {"ID": "TWO 07", "G2": "G2", "G": "G2", "Q": "Q01 +012.5K -001.0W"}


class OtherEnd:
    """Answers from a table; a list is given one after the other, and its last for ever."""

    def __init__(self, wire: MemoryTransport, answers: Mapping[str, str | list[str]], *, echo: bool = False) -> None:
        self.wire, self.echo = wire, echo
        self.answers = {key: each if isinstance(each, list) else [each] for key, each in answers.items()}
        self.asked: list[str] = []

    async def run(self) -> None:
        kept = b""
        while True:
            kept += await self.wire.read_some()
            *lines, kept = kept.split(b"\n")
            for line in lines:
                await self.reply(line.decode())

    async def reply(self, request: str) -> None:
        self.asked.append(request)
        if self.echo:
            await self.wire.write(request.encode() + b"\r\n")
        if (left := self.answers.get(request)) is not None:
            text = left.pop(0) if len(left) > 1 else left[0]
            await self.wire.write(text.encode() + b"\r\n")


@asynccontextmanager
async def instrument(
    text: str, answers: Mapping[str, str | list[str]], *, echo: bool = False, **settings: object
) -> AsyncIterator[tuple[Instrument, OtherEnd]]:
    ours, theirs = MemoryTransport.pair()
    end = OtherEnd(theirs, answers, echo=echo)
    task = asyncio.create_task(end.run())
    model = load_profile(text.encode(), "two.toml")
    it = connect(model, "memory", {"timeout_s": 0.2, **settings}, transport=ours, trace=Trace())
    try:
        yield it, end
    finally:
        await it.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def told(readings: list[Reading]) -> list[tuple[object, ...]]:
    return [(r.kind, r.channel, r.value, *r.flags) for r in readings]


async def test_it_is_identified_set_up_read_back_and_read() -> None:
    async with instrument(GOOD, ANSWERS, expected_serial="07") as (it, end):
        identity = await it.open()
        assert (identity.model, identity.serial, identity.vendor) == ("TWO", "07", "nobody")
        assert it.settings_in_force == {"gain": "2"}
        assert told(list(await it.take())) == [("scalar", "A", 12.5e-9), ("scalar", "B", -1.0e-9, Flag.LOW_SIGNAL)]
        assert end.asked == ["ID", "G2", "G", "G", "Q"]


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("Q02 +012.5K -001.0X", "has no form that the profile of two-inputs expects here"),
        ("Q02 +012.5K", "has no form"),
        ("Q02 +012.5K -001.0W ", "has no form"),
        ("Q02 +300.0K -001.0W", "The charge of +300.0 is outside -200 to 200, the range that the profile states."),
        ("Q01 +012.5K -001.0W", "The reply number 1 came twice."),
        ("Q02" + " " * 600, "A reply of 603 bytes; the profile allows 512."),
    ],
)
async def test_what_is_not_of_the_profile_is_kept_and_not_believed(reply: str, why: str) -> None:
    replies = [ANSWERS["Q"], reply, "Q03 +013.0K +001.0K"]
    async with instrument(GOOD, ANSWERS | {"Q": replies}) as (it, _):
        await it.open()
        await it.take()
        (kept,) = await it.take()
        assert (kept.kind, kept.value, kept.raw) == ("unparsed", None, reply.encode())
        assert why in (kept.note or "")
        await it.recover()
        assert told(list(await it.take()))[0] == ("scalar", "A", 13.0e-9)


async def test_a_special_value_a_status_and_a_reply_without_a_number_give_flags_and_none() -> None:
    replies = ["Q01 +999.9K -001.0K", "Q02 +888.8O -001.0K", "OVER"]
    async with instrument(GOOD, ANSWERS | {"Q": replies}) as (it, _):
        await it.open()
        for expected in (-1.0e-9, -1.0e-9, None):
            first, second = await it.take()
            assert (first.channel, first.value, first.flags) == ("A", None, (Flag.OVERLOAD,))
            assert (second.channel, second.value) == ("B", expected)


async def test_no_in_its_own_words_is_a_sentence_with_what_the_code_means() -> None:
    async with instrument(GOOD, ANSWERS | {"Q": ["E1", "E2"], "L": "E1"}) as (it, _):
        await it.open()
        for expected in ("The Two inputs refused with 1 (not now).", "The Two inputs refused with 2."):
            (kept,) = await it.take()
            assert kept.note == expected
        with pytest.raises(Declined, match="not now"):
            await it.run_command("latch", {})


async def test_a_command_gives_a_reading_and_another_is_held_against_what_was_sent() -> None:
    answers = ANSWERS | {"L": "Q05 +001.0K +002.0K", "S1.5": "S1.5", "S2.0": "S0.2"}
    async with instrument(GOOD, answers) as (it, end):
        await it.open()
        gave = await it.run_command("latch", {})
        assert told(list(gave.readings)) == [("scalar", "A", 1.0e-9), ("scalar", "B", 2.0e-9)]
        assert (await it.run_command("shift", {"seconds": 1.5})).result == {"said": "S1.5"}
        with pytest.raises(Declined, match=r"says seconds is 0.2; 2.0 was sent"):
            await it.run_command("shift", {"seconds": 2})
        with pytest.raises(ValidationError, match="less than or equal to 20"):
            await it.run_command("shift", {"seconds": 21})
        assert "S21.0" not in end.asked


async def test_a_setting_that_is_not_taken_is_refused_and_one_out_of_range_never_sent() -> None:
    async with instrument(GOOD, ANSWERS | {"G4": "G4"}, gain=4) as (it, _):
        with pytest.raises(Declined, match="says its gain is 2; 4 was set"):
            await it.open()
    with pytest.raises(ValidationError, match="less than or equal to 8"):
        load_profile(GOOD.encode(), "two.toml").settings.model_validate({"gain": 9})


async def test_another_model_is_refused() -> None:
    async with instrument(GOOD, ANSWERS | {"ID": "SIX 07"}) as (it, _):
        with pytest.raises(WrongInstrument, match="a SIX answers"):
            await it.open()


async def test_an_echo_is_taken_off_and_another_one_is_not_believed() -> None:
    text = GOOD.replace('request_end = "lf"', 'request_end = "lf"\necho = true')
    async with instrument(text, ANSWERS, echo=True) as (it, end):
        await it.open()
        assert told(list(await it.take()))[0] == ("scalar", "A", 12.5e-9)
        end.echo = False
        (kept,) = await it.take()
        assert kept.kind == "unparsed"
        assert "The echo is not what was sent" in (kept.note or "")


async def test_a_check_is_held_against_every_reply() -> None:
    text = GOOD.replace('request_end = "lf"', 'request_end = "lf"\ncheck = { kind = "sum8", after = "*" }')
    checked: dict[str, str | list[str]] = {key: with_sum(each) for key, each in ANSWERS.items()}
    checked["Q"] = [with_sum("Q01 +012.5K -001.0W"), with_sum("Q02 +012.5K -001.0W").replace("2.5", "2.6")]
    async with instrument(text, checked) as (it, _):
        await it.open()
        assert len(await it.take()) == 2
        (kept,) = await it.take()
        assert kept.note == "The check of a reply is missing or wrong."


def with_sum(text: str) -> str:
    return f"{text}*{sum(text.encode()) % 256:02X}"


LISTENED = """\
profile = 1
name = "speaks-by-itself"
vendor = "nobody"
title = "Speaks by itself"
protocol = "captured"
transports = ["serial"]
assumed = ["everything: it was invented for a test"]
[[verified]]
against = "a table of messages of a test"
what = "messages in fixed columns"
[quantity.dose]
unit = "Gy"
integrates = "running"
[field.dose]
is = "value"
quantity = "dose"
unit = "mGy"
min = 0
max = 9000
[field.at]
is = "elapsed"
unit = "min"
min = 0
max = 999
[field.probe]
is = "element"
sentinels = { "--" = [] }
[reading.line]
layout = ["D", { field = "dose", width = 7 }, " T", { field = "at", width = 3 }, { field = "probe", width = 4 }]
[reading.short]
layout = ["S", { field = "dose", width = 5 }]
[error.low]
pattern = 'LOW'
means = "flags"
flags = ["low-signal", "not-a-number"]
"""


async def test_an_instrument_that_speaks_by_itself_is_read_by_fixed_columns() -> None:
    async with instrument(LISTENED, {}) as (it, end):
        assert (await it.open()).model == "speaks-by-itself"
        for each in (
            b"D  12.50 T  3 P-7\r\n",
            b"S 13.0\r\n",
            b"D1 2.50 T  3  --\r\n",
            b"D9999.00 T  3  --\r\n",
            b"X\r\n",
        ):
            await end.wire.write(each)
        first, short, broken, beyond, other = await it.take()
        assert (first.value, first.elapsed_s, first.element) == (12.5e-3, 180.0, "P-7")
        assert (short.value, short.element) == (13.0e-3, None)
        assert [each.kind for each in (broken, beyond, other)] == ["unparsed"] * 3
        await end.wire.write(b"D  14.00 T  4  --\r\nLOW\r\n")
        good, *low = await it.take()
        assert (good.value, good.element) == (14.0e-3, None)
        assert {(each.value, each.flags) for each in low} == {(None, (Flag.LOW_SIGNAL, Flag.NOT_A_NUMBER))}
        assert end.asked == []


def test_a_reply_that_two_forms_read_is_not_believed_even_if_loading_had_let_it_through() -> None:
    kind = load_profile(GOOD.encode(), "two.toml").driver
    also = Form(("error", "over", "pattern"), kind.forms.readings["both"].node)
    forms = Forms(kind.forms.readings, {**kind.forms.others, also.where: also})
    with pytest.raises(
        Garbled, match=r"more than one form of the profile: reading\.both\.each and error\.over\.pattern"
    ):
        Grammar(kind.profile, forms).reading("both", None, {}, ANSWERS["Q"].encode())
