"""The simulated MiniSys: the commands of the logs in the time they took there, and chips that glow once."""

from __future__ import annotations

from typing import Any

import pytest

from simulators import MODELS, SteppedClock, WireModel
from simulators.risoe.plate import Counter


def reader(**options: Any) -> Any:
    found = MODELS.get("risoe-da-20")
    assert isinstance(found, WireModel)
    return found.make(SteppedClock(), 1, options)


async def said(it: Any, *lines: str) -> list[tuple[float, bytes]]:
    """How long each took, and what was answered."""
    session, found = it.open_session(), []
    for line in lines:
        begun = it.clock.now()
        (request,) = session.feed(line.encode() + b"\r")
        reply = await session.answer(request.data)
        found.append((it.clock.now() - begun, reply.data))
    return found


@pytest.mark.parametrize(
    ("before", "command", "low_s", "high_s"),
    [
        ((), "MD 1", 0, 1), ((), "CA", 0, 0), ((), "LV ON", 0, 1), (("MD 1",), "TR", 11, 16),
        (("MD 1", "PS 1"), "PS 1", 0, 1), (("MD 1", "PS 1"), "PS 2", 4, 4), (("MD 1",), "BP 3", 20, 20),
        (("MD 1", "BP 3"), "BI 100", 100, 100), ((), "LU", 3, 4), ((), "LD", 0, 4),
        (("MD 1", "PS 1", "LU"), "TL 240 5.00 199 240", 48.9, 49.1),
        (("MD 1", "PS 1", "LU"), "TL 250 5.00 248 250", 50.9, 51.1),
        (("MD 1", "PS 1", "LU", "TL 250 5.00 248 250", "PA 60"), "TL 252 5.00 2 0", 0.9, 1.1),
        ((), "ST 125 5", 25.9, 26.1), ((), "ST 50 5", 10.9, 11.1), ((), "ST 225 5", 45.9, 46.1), ((), "ST 0", 0, 4),
        ((), "PA 5", 5, 6), ((), "PA 120", 120, 121), ((), "IR SET 90", 0, 1), ((), "NO", 0, 1), ((), "NC", 0, 1),
        (("MD 1", "PS 1", "LU"), "OS B 40.00 1000", 40, 41), (("MD 1", "PS 1", "LU"), "OS I 100.00 1000", 100, 101),
        (("MD 1", "PS 1", "LU"), "OS N 10 41", 10, 11),
    ],
)  # fmt: skip
async def test_a_command_takes_the_time_of_the_log(
    before: tuple[str, ...], command: str, low_s: float, high_s: float
) -> None:
    took_s, reply = (await said(reader(), *before, command))[-1]
    assert low_s <= took_s <= high_s
    assert reply.endswith(b">\r")


@pytest.mark.parametrize(
    ("before", "command", "word"),
    [
        ((), "XX", "SYNTAX"), ((), "TL 240 5 199 240", "SYNTAX"), ((), "ps 1", "SYNTAX"), ((), "ST 125", "SYNTAX"),
        ((), "TR", "MODE"), (("MD 1",), "PS 49", "RANGE"), (("MD 1",), "TL 240 5.00 199 0", "LIFT"),
        (("MD 1", "PS 1", "LU"), "PS 2", "LIFT"), (("MD 1", "PS 1", "LU"), "TL 701 5.00 199 0", "RANGE"),
        (("MD 1", "PS 1", "LU"), "TL 240 11.00 199 0", "RANGE"), (("MD 1",), "BI 10", "POSITION"),
    ],
)  # fmt: skip
async def test_what_it_refuses(before: tuple[str, ...], command: str, word: str) -> None:
    assert (await said(reader(), *before, command))[-1][1] == b"?" + word.encode() + b"\r"


async def test_a_chip_glows_once_in_the_place_of_its_peaks_and_again_after_the_source() -> None:
    it = reader()
    replies = await said(it, "MD 1", "PS 1", "LU", *["TL 300 5.00 280 0", "ST 0", "PA 200"] * 2)
    first, second = (_counts(replies[n][1]) for n in (3, 6))
    assert len(first) == 280
    highest = first.index(max(first))
    assert 225 < highest + 21 < 245, "peak 5 of TLD-100 is near 238 Cel"
    assert sum(second) < 0.02 * sum(first)
    again = await said(it, "LD", "BP 1", "BI 1", "PS 1", "LU", "TL 300 5.00 280 0")
    assert sum(_counts(again[-1][1])) > 50 * sum(first)


async def test_light_decays_and_darkness_is_the_dark_count() -> None:
    it = reader()
    replies = await said(it, "MD 1", "PS 1", "LU", "IR SET 90", "OS B 40.00 1000", "OS N 10 41")
    lit, dark = _counts(replies[4][1]), _counts(replies[5][1])
    assert lit[0] > 5 * lit[-1]
    assert 4 < sum(dark) / 41 < 12


async def test_framing_and_the_temperature_query_are_options() -> None:
    it = reader(terminator="crlf", echo=True, ready="OK", refusal="ERR", temperature_query="RT")
    replies = await said(it, "RT", "XX", "ST 50 5", "RT")
    assert [data for _, data in replies] == [
        b"RT\r\n20.0\r\nOK\r\n", b"XX\r\nERRSYNTAX\r\n", b"ST 50 5\r\nOK\r\n", b"RT\r\n50.0\r\nOK\r\n",
    ]  # fmt: skip


async def test_what_can_be_set_from_behind() -> None:
    it = reader()
    it.set_state("dose", {"position": 2, "dose_mgy": 5.0})
    assert it.chips[2].dose_mgy > 5
    it.set_state("refuses", "LIFT")
    assert [data for _, data in await said(it, "ST 0", "ST 0")] == [b"?LIFT\r", b">\r"]
    it.set_state("lifted", True)
    assert it.state()["lifted"] is True
    with pytest.raises(ValueError, match="position and dose_mgy"):
        it.set_state("dose", 5)
    with pytest.raises(ValueError, match="terminator 'tab' is not allowed"):
        reader(terminator="tab")


def test_the_noise_follows_from_the_seed() -> None:
    drawn = [[Counter("a").count(10.0, 0.1) for _ in range(3)], [Counter("a").count(10.0, 0.1) for _ in range(3)]]
    assert drawn[0] == drawn[1]
    means = Counter("b")
    assert sum(means.count(7.0, 0.0) for _ in range(2000)) / 2000 == pytest.approx(7.0, abs=0.3)


def _counts(reply: bytes) -> list[int]:
    return [int(each) for each in reply.partition(b"\r")[0].split()]
