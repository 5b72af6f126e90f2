"""From what was heard to readings: clocks, bytes, and what the model does not declare."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

import pytest
from gauge import model, sample

from drivers import Flag, Sample
from drivers.stamping import host_clock, readings_of, unparsed

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
