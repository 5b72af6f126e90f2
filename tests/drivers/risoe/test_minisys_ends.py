"""What ends a sequence: the heater is switched off, nothing else is sent, and what was not read is said."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from reader_bench import HEAT, START, TL, Bench, on_a_reader

from drivers import Flag, LinkDown, Misuse, Reading, ReplyTimeout


@pytest.mark.parametrize("word", ["SYNTAX", "RANGE", "MODE", "LIFT"])
@pytest.mark.parametrize("at", ["PS", "LU", "TL", "LD"])
def test_a_refusal_at_any_step_ends_it_heater_off_and_nothing_else_sent(at: str, word: str) -> None:
    async def case(b: Bench) -> list[Reading]:
        await b.started(positions=[3, 4], elements=["A3", "A4"])
        obeys = b.reader.carry_out

        async def refuses_at(request: str) -> Any:
            if request.startswith(at):
                b.reader.refuses = word
            return await obeys(request)

        b.reader.carry_out = refuses_at
        found = await b.takes(lambda reading: (reading.note or "").endswith("The heater was switched off."))
        assert b.reader.received[-1] == "ST 0"
        assert not {"CA", "TR"} & set(b.reader.received)
        assert [each for each in b.reader.received if each.startswith(at)] == [b.reader.received[-2]]
        with pytest.raises(Misuse, match="not known"):
            await b.it.run_command("glow-curve", {"positions": [1], **HEAT})
        assert list(await b.it.take()) == []
        return found

    found = on_a_reader(case)
    refused = next(each for each in found if each.kind == "unparsed")
    assert f"The reader refused {at}" in (refused.note or "")
    assert f": {word}." in (refused.note or "")
    not_read = "not read: position 4 (A4)." if at == "LD" else "not read: position 3 (A3), position 4 (A4)."
    assert not_read in (refused.note or "")
    assert not_read in (found[-1].note or "")
    assert [each.value for each in found if each.value is not None and each.element == "A4"] == []


def test_a_time_out_in_a_ramp_stops_says_where_and_sends_heater_off_only() -> None:
    async def case(b: Bench) -> None:
        await b.started(positions=[3, 4], elements=["A3", "A4"])
        await b.until_sent("TL")
        b.arm("hang@1")
        begun = asyncio.get_running_loop().time()
        with pytest.raises(ReplyTimeout, match=r"ended at position 3 \(A3\), heating to 240 Cel.*not read: position 3"):
            await b.take_many()
        assert asyncio.get_running_loop().time() - begun <= 49 + 5 + 1, "as long as it may take, and 5 s"
        with pytest.raises(ReplyTimeout):
            await b.it.recover()
        b.link.disarm()
        assert (await b.it.recover()).model == "MiniSys"
        assert set(b.reader.received[b.reader.received.index(TL) + 1 :]) == {"ST 0"}
        (said,) = await b.it.take()
        assert (said.value, said.flags) == (None, (Flag.INCOMPLETE,))
        assert (said.note or "").endswith("then initialise. The heater was switched off.")
        assert list(await b.it.take()) == []

    on_a_reader(case)


def test_a_plug_pulled_in_a_ramp_ends_it_and_opening_again_goes_on_with_nothing() -> None:
    async def case(b: Bench) -> None:
        await b.started(positions=[3, 4], elements=["A3", "A4"])
        await b.until_sent("TL")
        b.socket.pull()
        with pytest.raises(LinkDown, match=r"ended at position 3 \(A3\), heating.*not read: position 3"):
            await b.it.take()
        await b.it.close()
        b.socket.put_back()
        sent = len(b.reader.received)
        await b.reopened()
        for _ in range(20):
            assert all(each.kind == "unparsed" for each in await b.settled()), "late bytes, and nothing else"
            await asyncio.sleep(1)
        assert set(b.reader.received[sent:]) == {"ST 0"}
        assert b.reader.lifted, "it stays as it was left"
        with pytest.raises(Misuse, match="is not known"):
            await b.it.run_command("glow-curve", {"positions": [1], **HEAT})
        await b.it.run_command("lower", {})
        await b.it.run_command("initialise", {})
        assert b.reader.received[-5:] == ["LD", *START]

    on_a_reader(case)


def test_a_plug_pulled_while_it_is_idle_is_noticed() -> None:
    async def case(b: Bench) -> None:
        await b.it.open()
        b.socket.pull()
        await asyncio.sleep(0.1)
        with pytest.raises(LinkDown):
            await b.it.take()

    on_a_reader(case)


def test_closing_in_a_ramp_switches_the_heater_off() -> None:
    async def case(b: Bench) -> None:
        await b.started()
        await b.until_sent("TL")
        sent = b.it._link.trace  # type: ignore[attr-defined]
        await b.it.close()
        assert [each.data for each in sent.crossings if each.direction == "sent"][-1] == b"ST 0\r"

    on_a_reader(case)


def test_stop_ends_it_after_the_step_under_way() -> None:
    async def case(b: Bench) -> list[Reading]:
        await b.started(positions=[3, 4], elements=["A3", "A4"])
        await b.until_sent("TL")
        outcome = await b.it.run_command("stop", {})
        assert outcome.result == {
            "heater": "off after the present step", "not_read": ["position 3 (A3)", "position 4 (A4)"],
        }  # fmt: skip
        found = await b.takes(lambda reading: (reading.note or "").startswith("Stopped by a command."))
        assert b.reader.received == ["PS 3", "LU", TL, "ST 0"]
        assert "not read: position 4 (A4)." in (found[-1].note or "")
        return found

    assert [each.element for each in on_a_reader(case) if each.value is not None] == ["A3"]


def test_stop_at_rest_switches_the_heater_off() -> None:
    async def case(b: Bench) -> None:
        await b.it.open()
        assert (await b.it.run_command("stop", {})).result == {"heater": "off"}
        assert b.reader.received == ["ST 0", "ST 0"]

    on_a_reader(case)


@pytest.mark.parametrize(
    "damage",
    [
        lambda counts: counts[:-1], lambda counts: [*counts, b"1"], lambda counts: [b"", *counts[1:]],
        lambda counts: [b"-1", *counts[1:]], lambda counts: [b"1.5", *counts[1:]], lambda counts: [b"+1", *counts[1:]],
        lambda counts: [b"007", *counts[1:]], lambda counts: [b"1e3", *counts[1:]],
        lambda counts: [b"NAN", *counts[1:]],
        lambda counts: [b"9999999999", *counts[1:]], lambda counts: [], lambda counts: [b"\xb2", *counts[1:]],
    ],
)  # fmt: skip
def test_counts_that_are_not_as_asked_for_give_no_value_and_end_it(damage: Any) -> None:
    async def case(b: Bench) -> list[Reading]:
        await b.started()
        deliver = b.socket.send

        async def damaged(data: bytes) -> bool:
            line, end, rest = data.partition(b"\r>")
            words = line.split(b" ")
            changed = b" ".join(damage(words)) if len(words) > 1 else line
            return await deliver(changed + end + rest)

        b.socket.send = damaged  # type: ignore[method-assign]
        found: list[Reading] = []
        for _ in range(200):
            try:
                found += await b.it.take()
            except ReplyTimeout:
                await b.it.recover()
            await asyncio.sleep(1)
        assert b.reader.received[-1] == "ST 0"
        return found

    found = on_a_reader(case)
    assert [each.value for each in found if each.value is not None] == []
    assert "The sequence ended at position 3" in (found[-1].note or "")
