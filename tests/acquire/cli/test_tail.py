"""What `acquire tail` shows: the time of each message, confirmations together, and only what was asked for."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from acquire.bus.client import Received
from acquire.bus.endpoint import Endpoint
from acquire.cli import serving
from acquire.cli.tailing import Tail
from acquire.terminal.messages import clock
from acquire.terminal.watching import Filter, Folded

NOW = datetime(2026, 11, 29, 14, 30, 11, tzinfo=timezone(timedelta(hours=1)))
ROOT = "dosimetry/v1/clinic"


def took(topic: str, body: dict[str, Any]) -> Received:
    return Received(f"{ROOT}/{topic}", json.dumps(body).encode(), retained=False)


def committed(through: int) -> Received:
    return took("e-1/committed", {"schema": "committed/1", "through": through})


def readings(instrument: str, *entries: dict[str, Any]) -> Received:
    return took(f"{instrument}/readings", {"schema": "readings/1", "first_seq": 1, "head": 1, "readings": entries})


def marker(mark: str, session: str) -> dict[str, Any]:
    return {"kind": "marker", "mark": mark, "measurement": "m", "session": session, "step": "b1",
            "time": "2026-11-29T13:30:00Z"}  # fmt: skip


def charge(nc: float) -> dict[str, Any]:
    return {"kind": "scalar", "quantity": "charge", "value": nc, "unit": "nC", "time": "2026-11-29T13:30:05.5Z"}


@pytest.mark.parametrize(("at", "shown"), [
    ("2026-11-29T13:30:05.25Z", "14:30:05"), ("2026-11-28T13:30:05Z", "11-28 14:30"), ("unknown", "14:30:11"),
    ("2026-11-29T13:30:05", "14:30:11"), ("9999-12-31T23:59:59Z", "14:30:11"), (None, "14:30:11"),
])  # fmt: skip
def test_a_moment_is_shown_by_the_clock_of_who_watches(at: str | None, shown: str) -> None:
    assert clock(at, NOW) == shown


def test_each_reading_has_its_own_time(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("acquire.cli.tailing._now", lambda: NOW)
    Tail(as_json=False).take(readings("e-1", marker("begin", "s-1"), charge(0.5)))
    assert capsys.readouterr().out.splitlines() == [
        "14:30:00  clinic/e-1/readings #1  begin b1 (measurement m)",
        "14:30:05  clinic/e-1/readings #2  charge 0.5 nC",
    ]


def test_confirmations_are_one_line_in_ten_seconds_and_none_is_lost(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("acquire.cli.tailing._now", lambda: NOW)
    now = [100.0]
    tail = Tail(as_json=False, folded=Folded(lambda: now[0]))
    for through in range(1, 6):
        tail.take(committed(through))
    assert capsys.readouterr().out == "14:30:11  clinic/e-1/committed  committed through 1\n"
    now[0] += 9.9
    tail.look()
    assert capsys.readouterr().out == ""
    now[0] += 0.2
    tail.look()
    assert capsys.readouterr().out == "14:30:11  clinic/e-1/committed  committed through 5 (4 times)\n"
    tail.take(committed(6))
    tail._unfold(all_=True)  # as when it is ended
    assert "committed through 6" in capsys.readouterr().out


@pytest.mark.parametrize("given", [{"as_json": True}, {"as_json": False, "only": Filter(kinds=["committed"])}])
def test_who_asks_for_them_gets_each(given: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    tail = Tail(**given)
    for through in range(1, 6):
        tail.take(committed(through))
    assert capsys.readouterr().out.count("\n") == 5


def test_filters_let_through_what_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    event = took(
        "sessions/s-1/events", {"schema": "event/1", "event": "step", "detail": {"mark": "begin", "step": "b1"}}
    )
    sent = [
        readings("e-1", charge(1)), readings("e-1", marker("begin", "s-1")), readings("e-1", charge(2)),
        readings("e-2", charge(3)), readings("e-1", marker("end", "s-1")), readings("e-1", charge(4)),
        readings("e-1", marker("begin", "s-2"), charge(5), marker("end", "s-2")), event, committed(9),
    ]  # fmt: skip

    def shown(only: Filter) -> list[int]:
        tail, seen = Tail(as_json=True, only=only), []
        for n, each in enumerate(sent):
            tail.take(each)
            seen += [n] * bool(capsys.readouterr().out)
        return seen

    assert shown(Filter(sessions=["s-1"])) == [1, 2, 4, 7]
    assert shown(Filter(instruments=["e-2"])) == [3]
    assert shown(Filter(kinds=["event", "committed"])) == [7, 8]
    assert shown(Filter(instruments=["e-1"], kinds=["readings"], sessions=["s-2"])) == [6]


@pytest.mark.parametrize(("config", "host", "port"), [
    (None, None, 1883), (None, "broker.example", 1884), ("field.toml", None, 1900), ("installed", None, 1901),
])  # fmt: skip
def test_it_watches_the_service_that_is_meant(
    config: str | None, host: str | None, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host before a configuration, that before the one of the package, and at last this machine's usual port."""
    asked: list[Endpoint] = []

    async def watching(endpoint: Endpoint, *_: object) -> None:
        asked.append(endpoint)

    for name, at in (("field.toml", 1900), ("installed", 1901)):
        (tmp_path / name).write_text(f'site = "field"\n[broker]\nmode = "external"\nport = {at}\n')
    monkeypatch.setattr(serving, "_tail", watching)
    monkeypatch.setattr(serving, "INSTALLED", tmp_path / ("installed" if config == "installed" else "none"))
    named = tmp_path / config if config == "field.toml" else None
    serving.tail(config=named, host=host, **({"port": port} if host else {}))
    assert (asked[0].host, asked[0].port) == (host or "127.0.0.1", port)
