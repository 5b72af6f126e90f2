"""Whatever is in a curve, the analysis does not raise: a record with numbers that are finite, or with one sentence."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tld_curves import PEAKS_005, TEMPERATURES_005, rate_equation_curve

from acquire.glow import GlowError, analyse, analyse_decay, decay_curve, glow_curve

ANY = st.floats(allow_nan=True, allow_infinity=True)
KELVIN = np.linspace(310, 560, 60)


def all_finite(said: Any) -> bool:
    if isinstance(said, float):
        return math.isfinite(said)
    inside = said.values() if isinstance(said, dict) else said if isinstance(said, list | tuple) else ()
    return all(map(all_finite, inside))


def sound(result: Any) -> bool:
    """Either a sentence and no numbers, or numbers that are finite."""
    document = result.to_json()
    if document["refused"] is not None:
        return document["refused"].endswith(".") and document["fom_percent"] is None and not document["peaks"]
    return bool(document["peaks"]) and all_finite(document)


@pytest.mark.parametrize(
    ("signal", "said"),
    [
        (np.zeros(60), "The highest signal is 0"),
        (np.full(60, 7.0), "The signal is the same at every point"),
        (np.full(60, -7.0), "The highest signal is -7"),
        (-np.exp(-(((KELVIN - 480) / 15) ** 2)) + 0.1, "check the sign"),
        (np.where(KELVIN > 500, np.nan, 5.0), "The signal of point 46 is nan"),
        (np.where(KELVIN > 500, np.inf, 5.0), "The signal of point 46 is inf"),
        (np.full(60, 1e200) + KELVIN * 1e190, "up to 1e15"),
    ],
)
def test_a_curve_without_glow_is_refused_in_one_sentence(signal: np.ndarray, said: str) -> None:
    result = analyse(glow_curve(KELVIN, signal))
    assert said in (result.refused or "")
    assert sound(result)


@pytest.mark.parametrize(
    ("temperature", "time", "said"),
    [
        (KELVIN[:5], None, "5 points to fit; at least 20"),
        (KELVIN - 273, None, "in K or in degrees Celsius"),
        (np.linspace(400, 420, 60), None, "span 20 K"),
        (KELVIN, np.zeros(60), "The time of point 2 is not later"),
        (KELVIN[::-1], np.arange(60.0), "The temperature never rises"),
        (np.where(KELVIN > 500, np.nan, KELVIN), None, "The temperature of point 46 is nan"),
    ],
)
def test_a_temperature_that_is_none_is_refused_in_one_sentence(
    temperature: np.ndarray, time: np.ndarray | None, said: str
) -> None:
    signal = np.exp(-(((np.linspace(310, 560, temperature.size) - 480) / 15) ** 2))
    assert said in (analyse(glow_curve(temperature, signal, time)).refused or "")


def test_columns_that_are_none_are_refused() -> None:
    with pytest.raises(GlowError, match="60 temperatures and 3 values of signal"):
        glow_curve(KELVIN, [1, 2, 3])
    with pytest.raises(GlowError, match="is no row of numbers"):
        glow_curve(["warm"], [1])


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ANY, min_size=0, max_size=60))
def test_any_numbers_are_analysed_or_refused(values: list[float]) -> None:
    assert sound(analyse(glow_curve(KELVIN[: len(values)], values)))


@settings(max_examples=24, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.floats(-5, 1000), min_size=20, max_size=60), st.sampled_from(["TLD-100", "single", "BeO"]))
def test_any_light_is_analysed_or_refused(values: list[float], preset: str) -> None:
    assert sound(analyse(glow_curve(np.linspace(310, 560, len(values)), values), preset))


@settings(max_examples=16, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.integers(0, 59), st.floats(-100, 1e9), max_size=4), st.sampled_from(["{counts}", "1"]))
def test_spikes_on_a_curve_are_analysed_or_refused(spikes: dict[int, float], unit: str) -> None:
    signal = 300 * np.exp(-(((KELVIN - 500) / 15) ** 2)) + 2
    for at, height in spikes.items():
        signal[at] += height
    assert sound(analyse(glow_curve(KELVIN, signal, unit=unit)))


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.floats(250, 700), min_size=25, max_size=40))
def test_any_heating_is_analysed_or_refused(kelvin: list[float]) -> None:
    light = np.linspace(0, 10, len(kelvin)) ** 2
    assert sound(analyse(glow_curve(kelvin, light, np.arange(len(kelvin)) + 1.0), "single"))


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ANY, max_size=30), st.sampled_from(["cw", "lm"]))
def test_any_decay_is_analysed_or_refused(values: list[float], stimulation: Any) -> None:
    result = analyse_decay(decay_curve(np.arange(len(values)) + 0.5, values, stimulation=stimulation))
    assert (result.refused is None) == bool(result.components)
    assert all(math.isfinite(c.light) and math.isfinite(c.u_light) for c in result.components)


@pytest.mark.parametrize("unit", ["{counts}", "1"])
@pytest.mark.parametrize("light", ["noise", "line", "infrared"])
def test_an_element_without_dose_has_no_peaks(unit: str, light: str) -> None:
    """Noise on a background is no glow, however well peaks could be bent to it."""
    kelvin = np.linspace(308, 559, 200)
    under = {"noise": 50 + 0 * kelvin, "line": kelvin / 5, "infrared": 5 + 200 * np.exp((kelvin - 559) / 30)}[light]
    result = analyse(glow_curve(kelvin, np.random.default_rng(3).poisson(under), unit=unit))
    assert "No glow is found above the noise" in (result.refused or "")
    assert sound(result)


def test_an_element_of_little_dose_has_peaks_and_their_groups_hold_the_truth() -> None:
    """Some hundred counts in all: single peaks are not identifiable, what they sum up to is."""
    light = 2 + 0.05 * rate_equation_curve(TEMPERATURES_005, PEAKS_005)
    found = analyse(glow_curve(TEMPERATURES_005, np.random.default_rng(2).poisson(light), unit="{counts}"))
    assert found.refused is None
    true = 0.05 * np.trapezoid(rate_equation_curve(TEMPERATURES_005, PEAKS_005), TEMPERATURES_005)
    area, u = sum(g.area for g in found.groups), sum((g.u_area or 0) ** 2 for g in found.groups) ** 0.5
    assert abs(area - true) < 4 * u + 0.05 * true


@pytest.mark.parametrize(("scale", "dark", "seed"), [(0.05, 1, 995), (0.3, 2, 1416), (0.3, 2, 1602)])
def test_counts_that_are_equal_at_the_top_by_chance_are_no_range_that_was_exceeded(
    scale: float, dark: float, seed: int
) -> None:
    """Of 25 and 150 counts at the maximum, one curve in a thousand has three neighbours of one height there."""
    light = scale * rate_equation_curve(np.array(TEMPERATURES_005), PEAKS_005) + dark
    signal = np.random.default_rng(seed).poisson(light).astype(float)
    at = int(signal.argmax())
    assert signal[at] == signal[at + 1] == signal[at + 2]
    result = analyse(glow_curve(TEMPERATURES_005, signal, unit="{counts}"))
    assert "range was exceeded" not in (result.refused or "")
