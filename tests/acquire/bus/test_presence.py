"""States that lapse: what is told of who is there, and what those who look on may believe, by which clock."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from waiting import until

from acquire.bus import presence
from acquire.bus.client import Received
from acquire.bus.messages import Accepts, State
from acquire.bus.presence import VALID_S, Presence, Watch, at_rest, offline

TOPIC = "dosimetry/v1/clinic/tld-1/state"
NOW = datetime(2027, 2, 3, 9, 0, tzinfo=UTC)


@dataclass
class Wire:
    """A connection that keeps what was published."""

    sent: list[tuple[State, dict[str, Any]]] = field(default_factory=list)

    async def publish(self, topic: str, payload: bytes, **how: Any) -> None:
        assert topic == TOPIC
        self.sent.append((State.model_validate_json(payload), how))


def ready() -> State:
    zero = Accepts(name="zero", title="Zero", parameters={})
    return State(state="ready", since="2027-02-03T08:00:00.000000Z", commands=[zero])


# --- who is there -----------------------------------------------------------------------------------------------------


async def test_a_state_is_repeated_with_a_later_end_and_an_expiry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "REFRESH_S", 0.01)
    wire = Wire()
    task = asyncio.create_task(Presence(TOPIC, ready).keep_told(wire))  # type: ignore[arg-type]
    await until(lambda: len(wire.sent) >= 3)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    ends = [datetime.fromisoformat(state.valid_until or "") for state, _ in wire.sent]
    assert ends == sorted(set(ends)), "each holds longer than the one before"
    assert abs((ends[0] - datetime.now(UTC)).total_seconds() - VALID_S) < 10
    assert all(how == {"retain": True, "expires_s": 60} for _, how in wire.sent)


async def test_a_change_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wire, said = Wire(), [ready()]
    told = Presence(TOPIC, lambda: said[0])
    task = asyncio.create_task(told.keep_told(wire))  # type: ignore[arg-type]
    await until(lambda: wire.sent)
    said[0] = ready().model_copy(update={"state": "measuring"})
    told.changed.set()
    await until(lambda: len(wire.sent) == 2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [state.state for state, _ in wire.sent] == ["ready", "measuring"]


async def test_the_last_word_of_who_goes_orderly_does_not_lapse_and_takes_no_command() -> None:
    wire = Wire()
    await Presence(TOPIC, ready).farewell(wire)  # type: ignore[arg-type]
    ((state, how),) = wire.sent
    assert (state.state, state.valid_until, [c.now for c in state.commands]) == ("stopped", None, [False])
    assert how == {"retain": True}
    stopped = ready().model_copy(update={"state": "stopped"})
    assert at_rest(stopped).since == stopped.since, "since when it is so, and not since when it was said"


def test_a_will_does_not_lapse_and_does_not_claim_to_know_when() -> None:
    will = Presence(TOPIC, ready).will()
    said = State.model_validate_json(will.payload)
    assert (will.topic, will.retain, said.state, said.valid_until) == (TOPIC, True, "offline", None)
    assert said.since == "unknown"
    assert re.fullmatch(r"The connection it made at 20\S+Z was lost; when, nobody was there to say\.", said.why or "")


# --- those who look on ------------------------------------------------------------------------------------------------


class Clock:
    """This machine's clock, wrong by `wrong_s`, and its monotonic one."""

    def __init__(self, wrong_s: float = 0.0) -> None:
        self.at = 0.0
        self.wrong_s = wrong_s

    def watch(self) -> Watch:
        return Watch(lambda: NOW + timedelta(seconds=self.at + self.wrong_s), lambda: self.at)


def said(age_s: float = 0.0, *, state: State | None = None, retained: bool, expires_s: int | None = None) -> Received:
    """A state that its host told `age_s` ago, by right clocks."""
    until_then = (NOW + timedelta(seconds=VALID_S - age_s)).isoformat()
    body = (state or ready()).model_copy(update={"valid_until": until_then if state is None else None})
    return Received(TOPIC, body.model_dump_json(by_alias=True).encode(), retained=retained, expires_s=expires_s)


@pytest.mark.parametrize("age_s", [0, 59, 61, 3600])
def test_a_retained_state_without_expiry_is_held_against_the_clock(age_s: float) -> None:
    watch = Clock().watch()
    watch.hear(said(age_s, retained=True))
    assert watch.has_lapsed(TOPIC) == (age_s > VALID_S)


@pytest.mark.parametrize("wrong_s", [-600.0, 0.0, 600.0])
def test_what_comes_live_holds_whatever_the_clocks_say_and_then_lapses(wrong_s: float) -> None:
    clock = Clock(wrong_s)
    watch = clock.watch()
    watch.hear(said(retained=False))
    clock.at = VALID_S - 1
    assert not watch.has_lapsed(TOPIC)
    clock.at = VALID_S + 1
    assert watch.has_lapsed(TOPIC)
    assert watch.clock_ahead_s(TOPIC) == -wrong_s


@pytest.mark.parametrize("wrong_s", [-600.0, 0.0, 600.0])
def test_the_rest_of_an_expiry_holds_whatever_the_clocks_say(wrong_s: float) -> None:
    clock = Clock(wrong_s)
    watch = clock.watch()
    watch.hear(said(50, retained=True, expires_s=10))
    clock.at = 9
    assert not watch.has_lapsed(TOPIC)
    clock.at = 11
    assert watch.has_lapsed(TOPIC)


@pytest.mark.parametrize("wrong_s", [-600.0, 600.0])
def test_a_difference_of_clocks_seen_live_corrects_what_is_retained_later(wrong_s: float) -> None:
    clock = Clock(wrong_s)
    watch = clock.watch()
    watch.hear(said(retained=False))
    watch.hear(said(10, retained=True))
    assert not watch.has_lapsed(TOPIC)
    clock.at = 51
    assert watch.has_lapsed(TOPIC)


def test_a_clock_that_is_behind_does_not_make_a_retained_state_hold_for_longer_than_it_says() -> None:
    clock = Clock(-3600)
    watch = clock.watch()
    watch.hear(said(3600, retained=True))
    clock.at = VALID_S + 1
    assert watch.has_lapsed(TOPIC)


@pytest.mark.parametrize("valid_until", [None, "soon", "2027-02-03T09:01:00"])
def test_an_older_program_whose_state_has_no_end_is_believed_as_before(valid_until: str | None) -> None:
    clock = Clock()
    watch = clock.watch()
    body = ready().model_copy(update={"valid_until": valid_until})
    watch.hear(Received(TOPIC, body.model_dump_json(by_alias=True).encode(), retained=True))
    clock.at = 1e6
    assert not watch.has_lapsed(TOPIC)


def test_offline_stays_true() -> None:
    clock = Clock()
    watch = clock.watch()
    watch.hear(said(retained=False))
    watch.hear(said(state=offline(), retained=True))
    clock.at = 1e6
    assert (watch.has_lapsed(TOPIC), watch.lapsed()) == (False, [])
