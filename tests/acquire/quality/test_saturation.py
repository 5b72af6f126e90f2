"""A top that was cut off, with noise on it and without, and counts that came too fast."""

from __future__ import annotations

import numpy as np
import pytest
from records import COUNTS, DARK, GLOW, alone, counts, record, unjudged
from tld_curves import counted

from acquire.quality import Column, Limits, ReaderRecord, judge

CUT = ["Saturation: refuse"]
TOP = 486.0


@pytest.mark.parametrize("scale", [1, 10, 100])
@pytest.mark.parametrize("at", [0.9, 0.8, 0.6, 0.3])
def test_a_counter_or_converter_that_ends_gives_a_top_of_one_height(scale: float, at: float) -> None:
    sound = counts(scale)
    assert alone(record(sound)) == []
    assert alone(record(np.minimum(sound, round(at * TOP * scale)))) == CUT


@pytest.mark.parametrize("at", [0.7, 0.6, 0.4])
def test_a_top_that_is_flat_under_the_noise_of_counting(at: float) -> None:
    """The light itself was cut off (a PMT that saturates), and then it was counted."""
    cut = np.minimum(1000 * GLOW + DARK, at * TOP * 1000)
    assert alone(record(counted(cut, 5))) == CUT
    assert alone(record(counted(1000 * GLOW + DARK, 5))) == []


@pytest.mark.parametrize("at", [0.6, 0.4])
@pytest.mark.parametrize("unit", [COUNTS, "nC"])
def test_a_top_that_was_cut_off_and_then_measured_with_some_noise(at: float, unit: str) -> None:
    noise = np.random.default_rng(2).normal(0, 0.002 * at * TOP, GLOW.size)
    cut = np.minimum(counts(10), at * TOP * 10) + 10 * noise
    size = 1.0 if unit == COUNTS else 1e-3
    assert alone(record(size * np.round(cut), unit=unit)) == CUT


def test_the_sentence_says_how_much_is_missing_and_where() -> None:
    (found,) = judge(record(np.minimum(counts(100), 30_000.0)), Limits()).findings[:1]
    assert found.sentence.startswith("chip is cut off at 3e+04 for ")
    assert "the reader's range was exceeded" in found.sentence
    assert (found.limit, found.severity.value) == (3, "refuse")


def test_a_flat_top_of_two_peaks_that_overlap_was_not_cut_off() -> None:
    """Two equal peaks whose sum is flat to the second order: the flattest top that a sound curve has."""
    x = np.arange(200.0)
    for apart in (18, 20, 22, 24, 28):
        two = sum(np.exp(-(((x - 100 + side * apart / 2) / 14) ** 2)) for side in (-1, 1))
        for size in (300, 5_000, 100_000):
            for seed in range(8):
                assert alone(record(counted(size * two + 5, seed))) == [], (apart, size, seed)


def test_equal_counts_by_chance_are_no_flat_top() -> None:
    assert all(alone(record(counts(scale, seed, 0.2))) == [] for scale in (0.05, 0.3, 1.0) for seed in range(150))


def timed(peak_hz: float, **said: object) -> ReaderRecord:
    """A curve whose brightest channel counts at this rate, 0.1 s a channel."""
    signal = np.round(peak_hz * 0.1 * GLOW / GLOW.max())
    columns = {"signal": Column(COUNTS, signal), "time": Column("s", 0.1 * np.arange(1, 201))}
    return ReaderRecord(name="chip", kind="glow-curve", unit=COUNTS, columns=columns, **said)  # type: ignore[arg-type]


@pytest.mark.parametrize(("peak_hz", "found"), [(0.9e5, []), (1.1e5, ["Pile-up: doubt"]), (1.2e6, ["Pile-up: refuse"])])
def test_count_rate_times_dead_time(peak_hz: float, found: list[str]) -> None:
    assert alone(timed(peak_hz), dead_time_ns=100.0) == found


def test_the_dead_time_is_the_readers_own_where_it_is_known() -> None:
    """UVVIS of a lexsyg tells pairs 18 ns apart; a Risø record states DEADTIME in seconds."""
    assert alone(timed(5e5, channel="UVVIS")) == []
    assert alone(timed(6e5, channel="UVVIS")) == ["Pile-up: doubt"]
    assert alone(timed(6e5, attributes={"DEADTIME": "1e-07"})) == ["Pile-up: doubt"]
    assert alone(timed(6e5, attributes={"DEADTIME": "-"})) == []


def test_what_is_not_known_is_said_and_charge_has_no_dead_time() -> None:
    said = unjudged(judge(timed(1e6), Limits()).findings)
    assert "Pile-up is not judged: the counter's dead time is not known." in said
    no_time = record(counts())
    bare = ReaderRecord(name="c", kind="glow-curve", unit=COUNTS, columns={"signal": no_time.columns["signal"]})
    assert any("the width of the channels" in s for s in unjudged(judge(bare, Limits(dead_time_ns=10)).findings))
    charge = judge(record(GLOW * 0.1, unit="nC"), Limits(dead_time_ns=1e6)).findings
    assert not any(f.check == "Pile-up" for f in charge)


def test_a_rate_is_a_rate_whatever_its_channels() -> None:
    per_second = 3e6 * GLOW / GLOW.max()
    assert alone(record(per_second, unit="{counts}/s"), dead_time_ns=18.0) == ["Pile-up: doubt"]
