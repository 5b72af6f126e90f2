"""The last words on a wire in an instrument's state: what was asked, what came, and when; safe to look at, bounded."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import scaled_loop
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from plugs import Plug, acquiring, until

from acquire.bus.messages import LONGEST_WORDS, State
from acquire.instruments.words import as_text, crossed
from drivers.trace import Crossing, Trace

SCHEMA = Path(__file__).parents[3] / "docs" / "contract" / "schemas" / "state-1.json"


@given(st.binary(max_size=400))
def test_whatever_crossed_is_printable_and_bounded_and_no_escape_is_cut(data: bytes) -> None:
    text = as_text(data)
    assert len(text) <= LONGEST_WORDS
    assert text.isascii()
    assert text.isprintable() or not text
    said = text.encode("ascii").decode("unicode_escape").encode("latin-1")
    assert data.endswith(said)
    assert said == data or len(text) > LONGEST_WORDS - len(r"\x00")


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"*IDN?\r\n", r"*IDN?\r\n"), (b"\x06D\xe4\\", r"\x06D\xe4\\"), (b"", ""), (b"a" * 200, "a" * 120),
     (b"\x1b]0;x\x07", r"\x1b]0;x\x07"), (b"y" + b"\x00" * 30, r"\x00" * 30)],
)  # fmt: skip
def test_a_terminal_is_not_steered_by_it(data: bytes, text: str) -> None:
    assert as_text(data) == text


def test_a_reply_in_pieces_is_one_and_no_reply_leaves_the_one_before() -> None:
    trace = Trace()
    assert (trace.last_request(), trace.last_reply()) == (None, None)
    trace.note("sent", b"A?")
    trace.note("received", b"1")
    trace.note("received", b"2\r")
    trace.note("stray", b"2")
    trace.note("sent", b"B?")
    request, reply = trace.last_request(), trace.last_reply()
    assert request is not None
    assert reply is not None
    assert (request.data, reply.data) == (b"B?", b"12\r")
    trace.note("received", b"3")
    assert trace.last_reply() == Crossing(trace.crossings[-1].monotonic_s, "received", b"3")


def test_the_time_is_that_of_the_crossing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("acquire.instruments.words.time.monotonic", lambda: 130.0)
    said = datetime.fromisoformat(crossed(Crossing(100.0, "sent", b"A?")).at)
    assert abs(datetime.now(UTC) - timedelta(seconds=30) - said) < timedelta(seconds=5)


@pytest.mark.parametrize("goes", [True, False], ids=["port-gone", "port-dead"])
def test_a_fault_is_told_with_them_and_they_outlast_the_port(goes: bool, tmp_path: Path) -> None:
    async def faulty() -> list[State]:
        plug = Plug("tcp", tmp_path, goes=goes)
        await plug.start()
        async with acquiring(plug.resource, tmp_path) as runner:
            await until(lambda: runner.appended > 2, "acquisition")
            ready = runner.state
            plug.wire.when = lambda data: True
            await plug.wire.pulled.wait()
            await plug.pull()
            await until(lambda: runner.state.state == "fault", "a fault")
            first = runner.state
            await asyncio.sleep(12)
            later = runner.state
        await plug.wire.stop()
        return [ready, first, later]

    ready, first, later = scaled_loop.run(faulty())
    for each in (ready, first, later):
        assert each.last_request is not None
        assert each.last_reply is not None
        told = json.loads(each.model_dump_json(by_alias=True, exclude_none=True))
        assert set(told["last_request"]) == {"text", "at"}
        Draft202012Validator(json.loads(SCHEMA.read_text())).validate(told)
    assert first.last_request is not None
    assert first.last_reply is not None
    assert first.last_request.text.endswith(r"?\n"), "what got no reply"
    assert "NADC" in first.last_reply.text or "E-" in first.last_reply.text, "the reading before"
    assert first.last_request.at >= first.last_reply.at
    if goes:
        assert later.last_request == first.last_request
    else:
        assert later.last_request is not None
        assert later.last_request.text == r"*IDN?\n", "it is asked again who is there"


def test_a_state_without_a_wire_has_none_and_old_states_stay_valid() -> None:
    old = {"schema": "state/1", "state": "ready", "since": "2026-11-24T14:40:12.505375Z"}
    assert State.model_validate(old).last_reply is None
    assert "last_reply" not in json.loads(State.model_validate(old).model_dump_json(exclude_none=True))
