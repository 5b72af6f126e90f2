"""The simulated UD-716: the widths and columns of the published record lines, in time, whoever listens."""

from __future__ import annotations

from typing import Any

import pytest

from simulators import MODELS, SteppedClock, WireModel, serve
from simulators.panasonic.ud_700 import exponent_and_mantissa

MAGAZINE = [["9000001", [0.734, 2.54, 4.72, 3.52]], ["7", [158.0, 0.0, 9990.0, 12.0]]]


def reader(**options: Any) -> Any:
    found = MODELS.get("panasonic-ud-716")
    assert isinstance(found, WireModel)
    return found.make(SteppedClock(), 1, options)


async def lines_of(it: Any, count: int) -> list[tuple[float, bytes]]:
    found = []
    async for said in it.speech():
        found.append((it.clock.now(), said.data))
        if len(found) == count:
            break
    return found


async def test_a_magazine_is_a_line_1_and_two_lines_for_each_dosimeter_in_time() -> None:
    it = reader()
    it.set_state("magazine", MAGAZINE)
    said = await lines_of(it, 5)
    assert [(at, text[:1], len(text)) for at, text in said] == [
        (0, b"1", 71), (30, b"2", 71), (30, b"C", 92), (60, b"2", 71), (60, b"C", 92),
    ]  # fmt: skip
    lines = [text for _, text in said]
    assert [lines[n][1:7] for n in (0, 1, 3)] == [b"690120", b"690121", b"690123"]
    assert lines[1][8:18] == lines[2][1:11] == b"2702030900"
    assert lines[1][18:20] + lines[3][18:20] == b"0102"
    assert lines[1][23:30] + lines[3][23:30] == b"90000010000007"
    assert lines[1][30:46] == b"0734125414721352"
    assert [lines[2][n : n + 4] for n in (15, 32, 49, 66)] == [b"0734", b"1254", b"1472", b"1352"]
    assert lines[0][28:32] == lines[1][52:56] == b"0990"


async def test_what_comes_in_is_counted_and_ignored() -> None:
    it = reader()
    session = it.open_session()
    assert session.feed(b"*IDN?\r\n") == []
    assert it.state()["heard"] == 7


async def test_it_may_run_accelerated() -> None:
    served = await serve("panasonic-ud-716", "tcp:127.0.0.1:0", speed=1000, options={"endless": True})
    try:
        clock: Any = served.instrument.clock  # type: ignore[union-attr]
        await clock.sleep_until(clock.now() + 90)
        assert served.instrument.state()["emitted"] == 0, "nobody listened"
    finally:
        await served.close()


@pytest.mark.parametrize("options", [{"unit": "69"}, {"unit": "abc"}, {"every_s": 0.0}])
def test_options_that_cannot_be(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not allowed"):
        reader(**options)


@pytest.mark.parametrize("magazine", [[], "x", [["1", [1, 2, 3]]]])
def test_a_magazine_that_cannot_be(magazine: object) -> None:
    with pytest.raises(ValueError, match="a magazine is a list"):
        reader().set_state("magazine", magazine)


@pytest.mark.parametrize(
    ("value", "text"), [(1.58, "1158"), (0.693, "0693"), (9.999, "2100"), (0.9994, "0999"), (9990.0, "4999")]
)
def test_exponent_and_mantissa(value: float, text: str) -> None:
    assert exponent_and_mantissa(value) == text
