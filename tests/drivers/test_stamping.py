"""From what was heard to readings: clocks, bytes, and what the model does not declare."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

import pytest
from gauge import model, sample

from drivers import Flag, Sample
from drivers.reading import NO_VALUE
from drivers.stamping import HostClock, host_clock, readings_of, unparsed

CHANNELS = ("A", "B")


def test_both_clocks_of_the_host() -> None:
    before, stamp = time.monotonic(), host_clock()
    assert before <= stamp[1] <= time.monotonic()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", stamp[0])
    assert abs((datetime.now(UTC) - datetime.fromisoformat(stamp[0])).total_seconds()) < 60


def test_a_sample_becomes_a_reading_with_its_own_bytes_or_those_heard() -> None:
    own, heard = readings_of(model(), (), [sample(1.0, raw=b"own"), sample(2.0, note="n")], b"heard")
    assert (own.value, own.raw, own.kind, own.quantity, own.unit) == (1.0, b"own", "scalar", "charge", "C")
    assert (heard.value, heard.raw, heard.note) == (2.0, b"heard", "n")
    assert (own.time, own.monotonic_s) == (heard.time, heard.monotonic_s)
    assert readings_of(model(), (), [], b"heard") == []


@pytest.mark.parametrize(
    ("channels", "given", "says"),
    [
        ((), sample(1.0, quantity="dose", unit="Gy"), "The driver gave dose, which gauge does not declare."),
        ((), sample(1.0, unit="nC"), "The driver gave charge in nC; gauge declares C."),
        ((), sample(1.0, quantity="current"), "The driver gave current in C; gauge declares A."),
        ((), sample(1.0, channel="A"), "The driver gave channel A; gauge declares none."),
        (CHANNELS, sample(1.0, channel="C"), "The driver gave channel C; gauge has A, B."),
        (CHANNELS, sample(1.0), "The driver gave channel None; gauge has A, B."),
    ],
)
def test_what_the_model_does_not_declare_is_kept_and_not_believed(
    channels: tuple[str, ...], given: Sample, says: str
) -> None:
    good = sample(3.0, channel=channels[0] if channels else None)
    (wrong, right) = readings_of(model(), channels, [given, good], b"heard")
    assert (wrong.kind, wrong.value, wrong.flags, wrong.note, wrong.raw) == (
        "unparsed", None, (Flag.UNPARSED,), says, b"heard",
    )  # fmt: skip
    assert (wrong.quantity, wrong.unit) == ("charge", "C")
    assert (right.kind, right.value) == ("scalar", 3.0)


def test_of_a_wrong_sample_its_own_bytes_are_kept() -> None:
    (wrong,) = readings_of(model(), (), [sample(1.0, unit="nC", raw=b"own")], b"heard")
    assert wrong.raw == b"own"


def test_the_channels_that_are_declared_are_believed() -> None:
    given = [sample(1.0, channel="A"), sample(2.0, channel="B", quantity="current", unit="A")]
    assert [(r.channel, r.value, r.kind) for r in readings_of(model(), CHANNELS, given, b"")] == [
        ("A", 1.0, "scalar"), ("B", 2.0, "scalar"),
    ]  # fmt: skip


def test_bytes_that_are_not_believed_carry_the_reason() -> None:
    got = unparsed(model(), b"\xff", "Why.")
    assert (got.kind, got.value, got.flags, got.raw, got.note) == ("unparsed", None, (Flag.UNPARSED,), b"\xff", "Why.")
    assert got.time.endswith("Z")
    assert got.monotonic_s <= time.monotonic()


class Clocks:
    """The host's two clocks, set by a test."""

    def __init__(self) -> None:
        self.utc_s, self.monotonic_s = 1_790_000_000.0, 5000.0
        self.both = HostClock(lambda: self.utc_s, lambda: self.monotonic_s)

    def goes(self, seconds: float, step_s: float = 0.0) -> tuple[Flag, ...]:
        """Time passes, the calendar clock is set by step_s; what the next reading is flagged with."""
        self.monotonic_s += seconds
        self.utc_s += seconds + step_s
        (made,) = readings_of(model(), (), [sample(1.0)], b"x", self.both)
        assert made.value == 1.0
        return made.flags


def test_a_step_of_the_hosts_clock_is_flagged_once_and_forbids_no_number() -> None:
    clocks = Clocks()
    assert [clocks.goes(0.1), clocks.goes(3600.0)] == [(), ()]
    for step_s in (0.6, -0.6, 86_400.0, -86_400.0):
        assert clocks.goes(0.1, step_s) == (Flag.CLOCK_STEP,)
        assert clocks.goes(0.1) == ()
    assert Flag.CLOCK_STEP not in NO_VALUE


def test_small_steps_add_up_since_the_stream_began() -> None:
    clocks = Clocks()
    assert [clocks.goes(0.1, 0.2) for _ in range(3)] == [(), (), (Flag.CLOCK_STEP,)]
    assert clocks.goes(0.1, 0.4) == ()
    clocks.both.begin()
    assert clocks.goes(0.1, 0.4) == (), "what was before the stream began says nothing of its readings"


def test_sleep_of_the_host_is_a_step() -> None:
    """The monotonic clock of Linux stands still in a suspend (man clock_gettime), the calendar clock does not."""
    clocks = Clocks()
    assert clocks.goes(0.0, 600.0) == (Flag.CLOCK_STEP,)


def test_a_step_is_flagged_beside_the_samples_own_flags_and_on_what_is_not_believed() -> None:
    clocks = Clocks()
    clocks.utc_s += 10
    assert readings_of(model(), (), [], b"", clocks.both) == [], "nothing to flag: the next one is"
    first, second = readings_of(model(), (), [sample(None, flags=(Flag.OVERLOAD,)), sample(2.0)], b"", clocks.both)
    assert (first.flags, second.flags) == ((Flag.OVERLOAD, Flag.CLOCK_STEP), (Flag.CLOCK_STEP,))
    clocks.utc_s -= 10
    assert unparsed(model(), b"x", "Why.", Flag.STALE, clock=clocks.both).flags == (
        Flag.UNPARSED, Flag.STALE, Flag.CLOCK_STEP,
    )  # fmt: skip
