"""What instruments, host and store last said of themselves on the bus, and when; and whether readings come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from acquire.bus.presence import VALID_S
from acquire.doctor.finding import Finding
from acquire.procedure.session.doctor import of_state

if TYPE_CHECKING:
    from acquire.bus.messages import State

APART_S = 60.0  # requests are refused where two clocks are farther apart (docs/commands.md)
QUIET_S = 60.0
QUIET_TURNS = 10  # an instrument that gives a reading a minute is not silent after one
MOST_PAUSES = 2  # times as long as a reader ever paused before
RESTART = "restart the service (`systemctl restart dosimetry-acquire`)"
FEWEST_DAYS = 5  # of readings, before a rhythm is known


@dataclass(frozen=True, slots=True)
class Heard:
    """A retained state. left_s: what the broker says is left of the minute it holds for (MQTT 5); None: not told."""

    state: State
    left_s: float | None

    def ahead_s(self, now: datetime) -> float | None:
        """How far the clock of who said it is ahead of ours, to a second or two; None where that cannot be told.

        It said `valid_until` by its own clock, and the broker has counted the same time down.
        """
        if self.left_s is None or self.state.valid_until is None:
            return None
        return (datetime.fromisoformat(self.state.valid_until) - now).total_seconds() - self.left_s


@dataclass(frozen=True, slots=True)
class StatesSeen:
    """States by instrument, of the hosts (by topic level; "" for one without a name) and of the store.

    models: the model of each configured instrument. is_running: whether the service of this configuration runs here.
    """

    now: datetime
    models: Mapping[str, str]
    host: str
    has_spool: bool
    has_store: bool
    is_running: bool
    instruments: Mapping[str, Heard] = field(default_factory=dict)
    hosts: Mapping[str, Heard] = field(default_factory=dict)
    store: Heard | None = None


def of_states(seen: StatesSeen) -> Iterator[Finding]:
    """Findings of what is retained on the broker."""
    if seen.is_running:
        for name in seen.models:
            yield from _of_instrument(seen, name, seen.instruments.get(name))
        if seen.has_spool:
            yield from _of_host(seen, seen.hosts.get(seen.host))
        if seen.has_store and seen.store is not None:
            yield from _of_store(seen, seen.store)
    yield from _apart(seen)


def _of_instrument(seen: StatesSeen, name: str, heard: Heard | None) -> Iterator[Finding]:
    state = None if heard is None else heard.state
    if state is not None and state.driver not in (None, seen.models[name]):
        yield Finding(
            "other-configuration",
            name,
            f"The service has '{name}' as a {state.driver}, and the file says {seen.models[name]}: reload it"
            " (`systemctl reload dosimetry-acquire`).",
        )
    for stop in of_state(name, state, seen.now):
        if stop.cause != "clock":
            of_fault = state is not None and state.state not in ("ready", "measuring", "stopped", "offline")
            mend = "it is tried again by itself once that is mended (docs/service.md)" if of_fault else RESTART
            yield Finding("instrument-state", name, f"{stop.partition('; is `')[0].rstrip('.')}; {mend}.")


def _of_host(seen: StatesSeen, heard: Heard | None) -> Iterator[Finding]:
    if heard is None or not heard.state.why:
        return
    why = heard.state.why.rstrip(".")
    if heard.state.state == "ready":  # a notice, which says itself what is to be done
        yield Finding("withheld", seen.host or "host", f"{why}.")
    else:
        yield Finding(
            "host-state",
            seen.host or "host",
            f"No reading is taken: {why}; free or mend the spool's disk, bring the store back, or raise [spool] limit.",
        )


def _of_store(seen: StatesSeen, heard: Heard) -> Iterator[Finding]:
    if heard.state.state == "fault":
        why = (heard.state.why or "it does not say why").rstrip(".")
        yield Finding(
            "store-state",
            "store",
            f"The store confirms nothing: {why}; mend its disk, or give it a backup with `acquire store restore`.",
        )


def _apart(seen: StatesSeen) -> Iterator[Finding]:
    told = [(f"the host of {name}", each) for name, each in seen.instruments.items()]
    told += [(f"the host {name}" if name else "the acquisition host", each) for name, each in seen.hosts.items()]
    told += [] if seen.store is None else [("the store's host", seen.store)]
    for who, heard in told:
        ahead = heard.ahead_s(seen.now)
        if ahead is None and heard.state.valid_until is not None:  # an upper bound is all that can be told
            until = datetime.fromisoformat(heard.state.valid_until)
            ahead = max(0.0, (until - seen.now).total_seconds() - VALID_S)
        if ahead is not None and abs(ahead) > APART_S:
            side = "ahead of" if ahead > 0 else "behind"
            yield Finding(
                "clock-apart",
                who.removeprefix("the host of ").removeprefix("the host "),
                f"The clock of {who} is {abs(ahead):.0f} s {side} this computer's: set the one that is wrong, and let"
                " both follow one time server.",
            )


@dataclass(frozen=True, slots=True)
class SilenceSeen:
    """When an instrument last gave something. last: of the newest entry of its stream here, None where there is none.

    every_s: how often it is asked; None where it speaks or writes by itself. days: on which it gave something, oldest
    first. folder: where its files fall, else None. is_open: its stream is going on, so that something should come.
    """

    instrument: str
    now: datetime
    every_s: float | None
    is_open: bool
    last: datetime | None = None
    days: tuple[datetime, ...] = ()
    folder: str | None = None


def of_silence(seen: SilenceSeen) -> Iterator[Finding]:
    """Findings of an instrument that says nothing for longer than it should."""
    if seen.last is None:
        return
    quiet_s = (seen.now - seen.last).total_seconds()
    since = f"{seen.last:%Y-%m-%d %H:%M} UTC"
    if seen.every_s is not None:
        if seen.is_open and quiet_s > max(QUIET_S, QUIET_TURNS * seen.every_s):
            yield Finding(
                "instrument-silent",
                seen.instrument,
                f"'{seen.instrument}' is connected and has given nothing since {since}: look at its display and cable,"
                f" then {RESTART}.",
            )
        return
    pause = _longest_pause(seen.days)
    if pause is not None and seen.now - seen.last > MOST_PAUSES * pause:
        does = f"its program still exports into {seen.folder}" if seen.folder else "it still sends, and its cable holds"
        yield Finding(
            "reader-silent",
            seen.instrument,
            f"'{seen.instrument}' has given nothing since {since}, and never paused for more than"
            f" {pause / timedelta(days=1):.0f} days before: look whether {does}.",
        )


def _longest_pause(days: tuple[datetime, ...]) -> timedelta | None:
    if len(days) < FEWEST_DAYS:
        return None
    return max(timedelta(days=1), *(b - a for a, b in pairwise(days)))
