"""What comes from the bus can neither break a command that shows it nor steer the terminal it is shown on."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquire.bus.messages import MESSAGES
from acquire.printable import is_hidden
from acquire.terminal.messages import body_of, readable
from acquire.terminal.output import table
from acquire.terminal.watching import Filter

PAYLOADS = [
    b"", b"hello", b"\xff\xfe", b"[" * 100_000, b"NaN", b'{"a": Infinity}', b'"\\ud800"', b"1" * 5000,
    b'{"schema": "readings/1"}', b'{"schema": "readings/1", "readings": 5}', b'{"schema": ["state/1"]}',
    b'{"schema": "event/1", "event": "attached"}', b'{"schema": "state/1", "state": "\\u001b[2J\\u009b1m\\u202e"}',
]  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_any_payload_can_be_shown_and_written_as_json(payload: bytes) -> None:
    body = body_of(payload)
    json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    lines = readable("dosimetry/v1/clinic/\x1b]0;title\x07/state", body, NOW)
    assert lines
    assert not any(is_hidden(c) for line in lines for c in line if c != "\n")


NOW = datetime(2026, 11, 29, 14, 30, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = sorted({f.alias or name for model in MESSAGES.values() for name, f in model.model_fields.items()})


@given(st.sampled_from(sorted(MESSAGES)), st.dictionaries(st.sampled_from(KEYS), JSON))
def test_any_message_of_a_known_schema_can_be_shown(schema: str, body: dict[str, Any]) -> None:
    lines = readable("dosimetry/v1/clinic/e/readings", {**body, "schema": schema}, NOW)
    Filter(["e"], ["event"], ["s-1"]).lets("dosimetry/v1/clinic/e/readings", {**body, "schema": schema})
    assert not any(is_hidden(c) for line in lines for c in line if c != "\n")


def test_a_table_shows_markup_and_control_characters_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    table("Readouts", ("element",), [("[/x]",), ("[red]T-1",), ("\x1b[2J",), (None,)])
    shown = capsys.readouterr().out
    assert "[/x]" in shown
    assert "[red]T-1" in shown
    assert "\\x1b[2J" in shown
    assert "\x1b[2J" not in shown
