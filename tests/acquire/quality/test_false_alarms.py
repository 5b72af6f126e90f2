"""How often sound curves are blamed: hundreds of clean simulated curves, and the shapes of published materials."""

from __future__ import annotations

import numpy as np
import pytest
from records import GLOW, KELVIN, alone, counts, record, share, told
from tld_curves import PEAKS_002, Truth, counted, rate_equation_curve

from acquire.quality import of_run

SEEDS = range(300)


@pytest.mark.parametrize(
    ("scale", "dark"), [(0.02, 0.5), (0.1, 2.0), (1.0, 20.0), (10.0, 20.0), (100.0, 20.0), (300.0, 0.0)]
)
def test_clean_counted_curves_are_blamed_less_than_once_in_a_hundred(scale: float, dark: float) -> None:
    """From 10 to 146,000 counts at the maximum."""
    assert share(lambda seed: record(counts(scale, seed, dark)), SEEDS) < 0.01


@pytest.mark.parametrize(("relative", "added"), [(0.005, 0.0), (0.02, 0.0), (0.005, 0.002), (0.0, 0.01), (0.0, 0.0)])
def test_clean_curves_of_charge_are_blamed_less_than_twice_in_a_hundred(relative: float, added: float) -> None:
    """Noise in proportion to the light, and noise that is the same everywhere, of the height."""

    def charge(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        light = 0.1 * GLOW + 0.05
        return np.asarray(light * (1 + relative * rng.normal(size=200)) + added * light.max() * rng.normal(size=200))

    assert share(lambda seed: record(charge(seed), unit="nC"), SEEDS) < 0.02


@pytest.mark.parametrize(("scale", "dark"), [(0.1, 2.0), (1.0, 20.0), (10.0, 20.0), (100.0, 20.0)])
def test_clean_runs_of_twelve_doses_are_blamed_less_than_once_in_a_hundred_curves(scale: float, dark: float) -> None:
    blamed = 0
    for seed in range(25):
        doses = np.linspace(0.2, 2, 12)
        run = [record(counts(scale * d, 20 * seed + k, dark), f"e{k}") for k, d in enumerate(doses)]
        blamed += len(told(of_run(run)))
    assert blamed < 0.01 * 25 * 12


# Of other materials, and of fewer and more channels: T_m in K, height, E in eV, as in the presets' sources.
SHAPES = {
    "four peaks of the intercomparison's 002": (PEAKS_002, np.linspace(301, 558, 256)),
    "one peak": ((Truth(490.5, 1000, 1.18),), np.linspace(301, 556, 256)),
    "CaF2:Dy": ((Truth(370, 400, 1.17), Truth(400.7, 700, 1.14), Truth(428.5, 300, 1.57), Truth(482.4, 500, 1.1),
                 Truth(537.3, 600, 1.31)), np.linspace(310, 620, 200)),
    "nine peaks to 670 K": (tuple(Truth(365 + 35 * k, 300 + 500 * (k == 4), 1.2 + 0.1 * k) for k in range(9)),
                            np.linspace(315, 671, 239)),
    "40 channels": (PEAKS_002, np.linspace(310, 550, 40)),
    "1000 channels": (PEAKS_002, np.linspace(310, 550, 1000)),
    "cut off at the cold end": (PEAKS_002, np.linspace(440, 550, 120)),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("size", [1.0, 100.0])
def test_the_shapes_of_other_materials_and_readers_are_not_blamed(name: str, size: float) -> None:
    peaks, kelvin = SHAPES[name]
    light = size * rate_equation_curve(kelvin, peaks) + 5
    times = 0.2 * np.arange(1, kelvin.size + 1)
    blamed = 0
    for seed in range(60):
        made = record(counted(light, seed))
        columns = {
            "signal": made.columns["signal"],
            "temperature": made.columns["temperature"]._replace(values=kelvin),
            "time": made.columns["signal"]._replace(unit="s", values=times),
        }
        blamed += bool(alone(record(counted(light, seed), columns=columns)))
    assert blamed <= 1


def test_the_curve_itself_without_noise_is_not_blamed() -> None:
    assert alone(record(GLOW, unit="1")) == []
    assert alone(record(np.round(GLOW), unit="1")) == []
    assert KELVIN.size == GLOW.size
