"""Shifted, widened, poor contact, light at the ends; the temperature reached, its rate and error, the high voltage."""

from __future__ import annotations

import numpy as np
import pytest
from records import COUNTS, GLOW, KELVIN, SECONDS, alone, among, batch, counts, record, told, unjudged
from tld_curves import PEAKS_005, Truth, counted, rate_equation_curve

from acquire.quality import Column, Limits, ReaderRecord, of_fit, of_run, sentences


def moved(by_k: float, wider: float = 1.0) -> np.ndarray:
    """The curve of a chip that lags the heater by so many kelvin, its main peak so much wider (less E)."""
    peaks = [Truth(p.t_m + by_k, p.i_m, p.e / wider) for p in PEAKS_005]
    return counted(10 * rate_equation_curve(KELVIN, peaks) + 20, 9)


@pytest.mark.parametrize(
    ("by_k", "wider", "found"),
    [
        (0, 1.0, []),
        (6, 1.0, []),
        (10, 1.0, ["Shifted curve: doubt"]),
        (-10, 1.0, ["Shifted curve: doubt"]),
        (18, 1.4, ["Poor contact: doubt"]),
        (0, 1.5, ["Width: doubt"]),
        (0, 0.75, ["Width: doubt"]),
    ],
)
def test_place_and_width_are_held_against_the_batch(by_k: float, wider: float, found: list[str]) -> None:
    assert among(record(moved(by_k, wider), "odd")) == found


def test_limits_are_the_sites() -> None:
    odd = record(moved(10), "odd")
    assert among(odd, shift_k=15.0) == []
    assert among(record(moved(6), "odd"), shift_k=4.0) == ["Shifted curve: doubt"]


def test_three_curves_are_no_batch_and_one_that_ends_in_its_peak_has_no_place() -> None:
    found = of_run(batch(n=3))
    assert told(found) == []
    assert "Shape is not judged: there are fewer than 4 curves of its kind." in unjudged(found)
    cut = [record(counts(10, k)[:160], f"e{k}") for k in range(5)]
    assert any("ends before its light has fallen to half" in s for s in unjudged(of_run(cut)))
    assert told(of_run(cut)) == []


def test_faint_curves_have_no_place_that_could_be_off() -> None:
    """Of 48 counts at the maximum the place scatters by more than the limit: nothing is claimed."""
    for seed in range(30):
        faint = [record(counts(0.1, 10 * seed + k, 2.0), f"e{k}") for k in range(6)]
        assert told(of_run(faint)) == []


def test_a_curve_is_not_held_against_another_programme_another_step_or_itself() -> None:
    """A sequence reads each element twice, preheat and readout; an element read again is no sibling of itself."""
    preheats = [record(counts(10, k)[:150], f"e{k}", attributes={"SET": "1"}) for k in range(5)]
    readouts = [record(moved(12), f"e{k}", attributes={"SET": "2"}) for k in range(5)]
    assert told(of_run([*preheats, *readouts])) == []
    steps = [record(counts(10, k), f"e{k}", attributes={"RUN": "1"}) for k in range(5)]
    other = [record(moved(12), f"e{k}", attributes={"RUN": "2"}) for k in range(5)]
    assert told(of_run([*steps, *other])) == []


def test_light_at_the_ends_is_judged_by_the_sites_limit_alone() -> None:
    tail = counts(10, 9) + np.round(700 / (1 + np.exp((525 - KELVIN) / 3)))
    found = of_run(batch(record(tail, "odd")))
    assert "Nitrogen is not judged: no limit given (ends_percent)." in unjudged(found)
    assert "Residue is not judged: no limit given (hot_end_percent)." in unjudged(found)
    assert among(record(tail, "odd"), hot_end_percent=3.0) == ["Residue: doubt"]
    cold = counts(10, 9) + np.round(600 / (1 + np.exp((KELVIN - 380) / 10)))
    assert among(record(cold, "odd"), ends_percent=24.0) == ["Nitrogen: doubt"]
    assert among(record(counts(10, 9), "odd"), ends_percent=24.0, hot_end_percent=3.0) == []


def heated(top_k: float = 559.0, rate: float = 5.0, name: str = "odd", **said: object) -> ReaderRecord:
    """A chip whose heater has a trace of its own: from 300 K at this rate to this temperature."""
    seconds = np.arange(0.5, 60.0, 0.5)
    trace = np.minimum(300 + rate * seconds, top_k) + np.random.default_rng(1).normal(0, 0.1, seconds.size)
    columns = {"heater-time": Column("s", seconds), "heater-temperature": Column("K", trace)}
    return record(counts(10, 5), name, **{"columns": {**record(counts(10, 5)).columns, **columns}, **said})


@pytest.mark.parametrize(
    ("top_k", "found"),
    [(559.0, []), (561.0, []), (555.0, ["Hottest temperature: refuse"]), (564.0, ["Hottest temperature: doubt"])],
)
def test_a_temperature_that_was_not_reached_gives_no_number_where_it_is_stated(top_k: float, found: list[str]) -> None:
    assert told(of_run([heated(top_k)], Limits(set_temperature_c=559 - 273.15))) == found
    stated = heated(top_k, attributes={"MaxTemp": f"{559 - 273.15}"})
    assert told(of_run([stated])) == found


def test_without_a_stated_one_the_batch_tells_what_was_reached() -> None:
    others = [heated(name=f"e{k}") for k in range(4)]
    assert told(of_run([*others, heated(550.0)]), "odd") == ["Hottest temperature: doubt"]
    assert told(of_run([*others, heated()])) == []
    alone_ = of_run([heated(550.0)])
    assert told(alone_) == []
    assert any(
        s.startswith("Hottest temperature is not judged: the temperature that was set") for s in unjudged(alone_)
    )


@pytest.mark.parametrize(("rate", "found"), [(5.0, []), (5.1, []), (5.3, ["Heating rate: doubt"])])
def test_the_rate_of_the_heating(rate: float, found: list[str]) -> None:
    assert told(of_run([heated(rate=rate)], Limits(set_rate_k_s=5.0))) == found
    assert told(of_run([heated(rate=rate, attributes={"RATE": "5"})])) == found
    assert told(of_run([*(heated(name=f"e{k}") for k in range(4)), heated(rate=rate)]), "odd") == found


def with_column(name: str, unit: str, values: np.ndarray) -> ReaderRecord:
    made = record(counts())
    return record(counts(), columns={**made.columns, name: Column(unit, values)})


def test_an_error_that_the_heater_states_counts_while_it_glows() -> None:
    """A real record states 9.9 K at 5 to 20 °C, where no heater follows its programme yet."""
    error = np.full(200, -0.8)
    error[:10] = 9.9
    assert alone(with_column("temperature-error", "Cel", error)) == []
    error[150] = -4.5
    assert alone(with_column("temperature-error", "Cel", error)) == ["Heater error: doubt"]


def test_the_high_voltage_is_within_five_volts_of_itself_of_what_is_set_and_of_the_batch() -> None:
    steady = np.full(200, -1269.0)
    assert told(of_run([with_column("high-voltage", "V", steady)])) == []
    jump = steady.copy()
    jump[100:110] = -1280
    assert told(of_run([with_column("high-voltage", "V", jump)])) == ["High voltage: doubt"]
    assert told(of_run([with_column("high-voltage", "V", steady)], Limits(set_high_voltage_v=-1269.0))) == []
    assert told(of_run([with_column("high-voltage", "V", steady)], Limits(set_high_voltage_v=-1250.0))) == [
        "High voltage: doubt"
    ]


def test_a_column_in_another_unit_or_of_another_length_is_not_judged() -> None:
    columns = {
        "signal": Column(COUNTS, counts()),
        "temperature": Column("K", KELVIN[:50]),
        "time": Column("ms", SECONDS),
        "high-voltage": Column("kV", KELVIN),
    }
    assert told(of_run([record(counts(), columns=columns)])) == []


def test_a_peak_that_the_fit_leaves_over_is_contamination_and_noise_is_not() -> None:
    fit = 10 * GLOW + 20
    dust = counted(fit + 300 * np.exp(-(((KELVIN - 390) / 8) ** 2)), 3)
    (found,) = of_fit("chip", dust, fit, Limits())
    assert (found.check, found.severity.value) == ("Contamination", "doubt")
    assert "% of its height is left over by the fit" in found.sentence
    assert of_fit("chip", counted(fit, 3), fit, Limits()) == []
    spiked = counted(fit, 3)
    spiked[60] += 1000
    assert of_fit("chip", spiked, fit, Limits()) == []


def test_a_figure_of_merit_above_three_percent_counts_where_it_is_more_than_the_noise_leaves() -> None:
    """0.1 of the scale is 48 counts at the maximum: its noise alone is a figure of merit of 20 %."""
    faint = 0.1 * GLOW + 2
    assert of_fit("chip", counted(faint, 3), faint, Limits()) == []
    fit = 10 * GLOW + 20
    ripple = fit * (1 + 0.1 * np.sign(np.sin(np.arange(200) / 5)))
    assert sentences(of_fit("chip", ripple, fit, Limits(residual_percent=50))) == (
        "The figure of merit is 10.00 %; a good fit lies below 3 %.",
    )
