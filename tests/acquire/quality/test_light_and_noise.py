"""Spikes, a light leak, a baseline below 0, noisy ends, no dosimeter: each a curve that has it and one that has not."""

from __future__ import annotations

import numpy as np
import pytest
from records import COUNTS, DARK, GLOW, KELVIN, SECONDS, alone, among, batch, counts, record, told, unjudged

from acquire.quality import Column, Limits, ReaderRecord, judge, of_run

SPIKE = ["Spike: doubt"]


def with_spike(at: int, height: float, channels: int = 1, signal: np.ndarray | None = None) -> np.ndarray:
    found = counts() if signal is None else signal.copy()
    found[at : at + channels] += height
    return found


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("at", [10, 40, 90, 130, 160, 170, 190])
def test_one_or_two_channels_that_stick_out_are_a_spike(at: int, channels: int) -> None:
    sound = counts()
    assert alone(record(sound)) == []
    assert alone(record(with_spike(at, 1000, channels))) == SPIKE
    (found,) = (f for f in judge(record(with_spike(at, 1000, channels)), Limits()).findings if f.check == "Spike")
    assert f"channel {at + 1} ({KELVIN[at]:.0f} K)" in found.sentence
    assert (found.unit, found.limit) == ("%", 2.0)
    assert "4.7" in found.source


def test_a_spike_in_an_otherwise_dark_stretch_is_seen_where_the_same_step_in_the_peak_is_noise() -> None:
    assert alone(record(with_spike(5, 150))) == SPIKE
    assert alone(record(with_spike(160, 150))) == []


def test_less_than_two_percent_of_the_height_is_no_spike_by_the_sites_limit() -> None:
    high = counts(1000)
    spiked = with_spike(5, 0.015 * high.max(), signal=high)
    assert alone(record(spiked)) == []
    assert alone(record(spiked), spike_percent=1.0) == SPIKE


def test_charge_has_a_spike_by_its_own_scatter_and_not_by_its_square_root() -> None:
    """0.5 % of noise on 49 nC: by Poisson's rule every channel of so few would be noise, or none of 1e-9 as many."""
    for unit, size in (("nC", 0.1), ("C", 1e-10)):
        charge = size * (GLOW + 2) * (1 + 0.005 * np.random.default_rng(3).normal(size=GLOW.size))
        assert alone(record(charge, unit=unit)) == []
        assert alone(record(with_spike(60, 0.1 * charge.max(), signal=charge), unit=unit)) == SPIKE


def test_counts_of_which_something_was_taken_off_are_no_counts_any_more() -> None:
    """Below 0 and not whole: the root of what is left is not their noise."""
    net = counts(0.2, 3) - DARK
    assert alone(record(net)) == []
    assert alone(record(counts(0.2, 3) - 19.5)) == []


def test_a_rate_is_turned_back_into_counts() -> None:
    per_second = counts(0.4) / 0.25
    assert alone(record(per_second, unit="{counts}/s")) == []
    assert alone(record(with_spike(60, 600.0, signal=per_second), unit="{counts}/s")) == SPIKE


def test_a_very_narrow_peak_is_not_judged_for_its_own_top() -> None:
    narrow = np.round(20 + 10_000 * np.exp(-(((np.arange(60) - 30) / 1.5) ** 2)))
    found = judge(record(narrow), Limits()).findings
    assert told(found) == []
    assert any(s.startswith("Spike is not judged: the peaks are so narrow") for s in unjudged(found))


def decay(signal: np.ndarray, mode: str = "OSL") -> ReaderRecord:
    columns = {"signal": Column(COUNTS, signal), "time": Column("s", 0.1 * np.arange(1, signal.size + 1))}
    return ReaderRecord(name="dot", kind="curve", mode=mode, unit=COUNTS, value=float(signal.sum()), columns=columns)


def osl(seed: int) -> np.ndarray:
    """Ten dark channels, the light comes on, and what it empties falls within a few channels."""
    t = 0.1 * np.arange(300)
    rate = 20 + np.where(t >= 1.0, 8000 * np.exp(-2.0 * (t - 1)) + 900 * np.exp(-0.3 * (t - 1)), 0)
    return np.random.default_rng(seed).poisson(rate).astype(float)


def test_a_decay_is_no_glow_curve_its_steep_beginning_no_spike_and_its_end_no_light_leak() -> None:
    for seed in range(40):
        assert told(of_run([decay(osl(seed)), *(decay(osl(seed + 100 + k)) for k in range(4))])) == []
    assert alone(decay(with_spike(150, 300, signal=osl(1)))) == SPIKE


def test_a_decay_that_begins_at_one_height_was_cut_off() -> None:
    cut = np.minimum(osl(1), 3000.0)
    assert alone(decay(cut)) == ["Saturation: refuse"]
    assert alone(decay(osl(1))) == []


def test_light_before_the_peaks_is_a_leak_against_the_noise_record() -> None:
    noise = record(counts(0, 7), "noise", role="pmt-noise", element=None)
    sound = record(counts(), "sound")
    assert told(of_run([noise, sound]), "sound") == []
    little = record(counts(10, 2, dark=120.0), "leaky")
    assert told(of_run([noise, little]), "leaky") == ["Light leak: refuse"]
    assert told(of_run([noise, little], Limits(light_leak_percent=20)), "leaky") == ["Light leak: doubt"]
    assert told(of_run([noise, little], Limits(light_leak_times=10)), "leaky") == []


def test_a_noise_record_that_is_a_sum_is_of_as_many_channels() -> None:
    noise = ReaderRecord(name="noise", role="pmt-noise", unit=COUNTS, value=DARK * 200)
    assert told(of_run([noise, record(counts(10, 2, dark=120.0), "leaky")]), "leaky") == ["Light leak: refuse"]


def test_without_a_noise_record_the_batch_stands_for_it_and_alone_it_is_not_judged() -> None:
    leaky = record(counts(10, 2, dark=300.0), "leaky")
    assert among(leaky) == ["Light leak: refuse"]
    found = of_run([leaky])
    assert told(found) == []
    assert any(s.startswith("Light leak is not judged: no PMT noise is known") for s in unjudged(found))


def test_infrared_at_the_hot_end_and_a_first_peak_at_the_cold_one_are_no_leak() -> None:
    """Both have light where the first five or the last five channels are, but not in every channel."""
    infrared = record(counts(10, 2) + np.round(800 * np.exp((KELVIN - KELVIN[-1]) / 20)), "hot")
    assert among(infrared) == []
    cold = record(counts(10, 2) + np.round(700 * np.exp(-(((KELVIN - 310) / 15) ** 2))), "cold")
    assert among(cold) == []


def test_a_batch_without_dark_counts_has_no_leak_of_a_stray_count() -> None:
    quiet = [record(counts(10, k, dark=0.0), f"e{k}") for k in range(6)]
    stray = counts(10, 9, dark=0.0)
    stray[:5] += 1
    assert told(of_run([*quiet, record(stray, "stray")])) == []
    assert told(of_run([*quiet, record(counts(10, 9, dark=60.0), "leaky")])) == ["Light leak: refuse"]


def test_a_baseline_below_zero_says_that_too_much_was_taken_off() -> None:
    net = counts() - DARK
    assert alone(record(net)) == []
    assert alone(record(net - 300)) == ["Baseline below zero: doubt"]


@pytest.mark.parametrize("end", ["cold", "hot"])
def test_an_end_that_is_noisier_than_counting_allows(end: str) -> None:
    noisy = counts()
    at = slice(0, 40) if end == "cold" else slice(-40, None)
    noisy[at] += np.round(np.abs(np.random.default_rng(5).normal(0, 90, 40)))
    found = judge(record(noisy), Limits()).findings
    assert told(found) == ["Noise: doubt"]
    assert f"noisier at its {end} end" in found[-1].sentence
    assert alone(record(noisy), noise_times=30.0) == []


@pytest.mark.parametrize("dark", [0.0, 0.3, 20.0, 5000.0])
def test_a_flat_curve_is_of_no_dosimeter(dark: float) -> None:
    empty = record(counts(0, 4, dark), "empty")
    assert alone(empty) == ["Missing dosimeter: refuse"]
    assert alone(record(counts(0.2, 4, min(dark, 20.0)))) == []


def test_of_charge_too_and_a_control_need_not_glow() -> None:
    flat = 0.02 + 0.001 * np.random.default_rng(2).normal(size=200)
    assert alone(record(flat, unit="nC")) == ["Missing dosimeter: refuse"]
    assert alone(record(flat, unit="nC", role="background")) == []


def test_light_from_outside_on_an_empty_planchet_is_not_called_a_missing_dosimeter_by_its_noise() -> None:
    """Where the PMT noise is known, a level far above it is light, whatever it is of."""
    bright = record(counts(0, 4, 500.0), "bright")
    assert told(judge(bright, Limits(), of_pmt=DARK).findings) == []
    assert told(judge(record(counts(0, 4), "dark"), Limits(), of_pmt=DARK).findings) == ["Missing dosimeter: refuse"]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_channel_that_is_no_number_ends_the_judging(bad: float) -> None:
    signal = counts()
    signal[60] = bad
    found = judge(record(signal), Limits()).findings
    assert told(found) == ["Numbers: refuse"]
    assert "channel 61 is" in found[0].sentence


@pytest.mark.parametrize("n", [1, 2, 5, 7, 12, 19])
def test_of_few_channels_nothing_is_claimed(n: int) -> None:
    found = of_run([record(counts()[100 : 100 + n], f"e{k}") for k in range(5)])
    assert told(found) == []
    assert any(f"the curve has {n} channels, and 20 are needed" in s for s in unjudged(found))


def test_a_preheat_is_not_judged_as_a_glow_curve() -> None:
    rising = counts()[:150]
    sound = [record(rising, f"e{k}", mode="PREHEAT TL") for k in range(5)]
    leaky = record(rising + 400, "e9", mode="PREHEAT TL")
    assert told(of_run([*sound, leaky])) == []
    assert alone(record(with_spike(100, 2000, signal=rising), mode="PREHEAT TL")) == SPIKE
    assert alone(record(counts(0, 4), mode="PREHEAT TL")) == []


def test_a_batch_of_sound_curves_has_no_finding() -> None:
    assert told(of_run(batch(n=8))) == []
    assert SECONDS.size == KELVIN.size
