"""What is made of a heating: the rise of temperatures without times, and the whole of a profile with them."""

from __future__ import annotations

import numpy as np
import pytest
from rate_equations import light
from tld_curves import PEAKS_005, TEMPERATURES_005, Truth, noisy, rate_equation_curve

from acquire.glow import GlowError, Settings, analyse, checked, glow_curve, of_axes, of_heater, plus_minus
from drivers.reading import Axis

KELVIN = np.array(TEMPERATURES_005)
SIGNAL = noisy(rate_equation_curve(KELVIN, PEAKS_005) + 2, 1.0, 7)


def test_holds_and_cooling_at_the_ends_are_left_out_and_said() -> None:
    """A reader that counts while the heater waits, and after the ramp: what it then has is no part of a ramp."""
    kelvin = np.concatenate([np.full(25, KELVIN[0]), KELVIN, np.full(25, KELVIN[-1]), KELVIN[::-2]])
    signal = np.concatenate([np.full(25, 2.0), SIGNAL, np.full(25, 2.0), np.full(100, 2.0)])
    alone, held = analyse(glow_curve(KELVIN, SIGNAL)), analyse(glow_curve(kelvin, signal))
    assert held.points == pytest.approx(alone.points, abs=1)
    assert [p.area for p in held.peaks] == pytest.approx([p.area for p in alone.peaks], rel=1e-3)
    assert any("points are not fitted: the temperature stays or falls there" in said for said in held.warnings)
    assert not any("not fitted" in said for said in alone.warnings)


def test_a_hold_in_the_rise_is_refused_without_times() -> None:
    kelvin = np.insert(KELVIN, 100, np.full(30, KELVIN[100]))
    signal = np.insert(SIGNAL, 100, np.full(30, SIGNAL[100]))
    said = analyse(glow_curve(kelvin, signal)).refused or ""
    assert f"stays at {KELVIN[100]:.1f} K for 31 points, and there are no times" in said


def test_two_rises_are_refused_without_times() -> None:
    said = analyse(glow_curve([*KELVIN[:120], *KELVIN[60:]], [*SIGNAL[:120], *SIGNAL[60:]])).refused or ""
    assert "The temperature falls by 74.3 K before it goes on rising" in said


@pytest.mark.parametrize("order", [slice(None, None, -1), np.array([1, 0, *range(2, 200)])])
def test_a_table_from_hot_to_cold_and_a_step_back_by_a_digit_are_the_same_ramp(order: slice | np.ndarray) -> None:
    """Curve 003 of the intercomparison steps back by 0.85 K."""
    turned, straight = analyse(glow_curve(KELVIN[order], SIGNAL[order])), analyse(glow_curve(KELVIN, SIGNAL))
    assert [p.t_m_k for p in turned.peaks] == pytest.approx([p.t_m_k for p in straight.peaks], abs=0.1)


def test_a_thermometer_with_a_digit_of_a_kelvin_is_no_hold() -> None:
    fine = np.linspace(310, 560, 1250)
    signal = rate_equation_curve(fine, PEAKS_005) + 2
    result = analyse(glow_curve(np.round(fine), noisy(signal, 2, 1)))
    assert result.refused is None
    assert result.peaks[-1].t_m_k == pytest.approx(509.4, abs=0.6)


def test_a_top_that_is_cut_off_is_refused_and_a_digit_is_not() -> None:
    clipped = np.minimum(SIGNAL, 400.0)
    said = analyse(glow_curve(KELVIN, clipped)).refused or ""
    assert "stays at its highest value, 400, for" in said
    assert "range was exceeded" in said
    below = analyse(glow_curve(KELVIN, clipped), settings=Settings(range_k=(308.0, 495.0)))
    assert below.refused is None
    fine = np.linspace(310, 560, 2000)  # a fine grid in whole counts has a flat top of its own
    digits = np.round(rate_equation_curve(fine, PEAKS_005))
    assert analyse(glow_curve(fine, digits)).refused is None


def heater(t: float) -> float:
    return float(573 - 280 * np.exp(-0.1 * t))


def heated(e: float, log10_s: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Seconds, kelvin and signal of one first-order peak in a contact heater that ends in a plateau."""
    seconds = np.linspace(0.2, 60, 300)
    signal = 1e4 * light("first", 0, e, log10_s * np.log(10), seconds, heater)
    return seconds, np.array([heater(t) for t in seconds]), signal


def test_what_was_heated_before_a_range_counts() -> None:
    """Of the falling side alone E and s come out right only where the rest of the profile has emptied the trap."""
    seconds, kelvin, signal = heated(1.3, 13.0)
    top = kelvin[signal.argmax()]
    result = analyse(glow_curve(kelvin, signal, seconds), "single", Settings(range_k=(top - 15, 573.0)))
    assert result.heating == "measured"
    assert result.points < 270
    assert result.peaks[0].e_ev == pytest.approx(1.3, rel=0.01)
    assert result.peaks[0].log10_s == pytest.approx(13, abs=0.15)


def test_light_on_a_plateau_counts_in_its_region() -> None:
    """A deep trap empties while the heater is held: the integral over temperature alone would miss most of it."""
    seconds, kelvin, signal = heated(1.65, 13.0)
    settings = Settings(regions=(("all", 300.0, 574.0), ("plateau", 570.0, 574.0)), background="none")
    result = analyse(glow_curve(kelvin, signal, seconds), "single", settings)
    assert result.ramp_k_s is not None
    whole = result.ramp_k_s * float(np.trapezoid(signal, seconds))
    assert result.regions[0].gross == pytest.approx(whole, rel=0.01)
    late = kelvin >= 570
    assert result.regions[1].gross == pytest.approx(
        result.ramp_k_s * float(np.trapezoid(signal[late], seconds[late])), rel=0.05
    )
    assert result.regions[1].gross > 0.2 * whole


def test_a_region_that_the_curve_does_not_hold_has_no_value() -> None:
    settings = Settings(regions=(("5", 490.0, 530.0), ("8", 590.0, 620.0)))
    result = analyse(glow_curve(KELVIN, SIGNAL), settings=settings)
    assert [region.name for region in result.regions] == ["5"]
    assert any("The region 8, 590 to 620 K, is not all in this curve" in said for said in result.warnings)
    with pytest.raises(GlowError, match="The region 'x' from 530 to 490 K is none"):
        analyse(glow_curve(KELVIN, SIGNAL), settings=Settings(regions=(("x", 530.0, 490.0),)))


@pytest.mark.parametrize("ramp", [0.0, -5.0, float("nan"), 1e6])
def test_a_rate_that_no_reader_has_is_refused(ramp: float) -> None:
    assert "The heating rate is" in (analyse(glow_curve(KELVIN, SIGNAL, ramp_k_s=ramp)).refused or "")


def test_a_peak_that_no_trap_has_is_not_identified_at_any_rate() -> None:
    """As peak 6 of curve 009: much too wide for its temperature. Whether the rate is known or not, it is said."""
    wide = rate_equation_curve(KELVIN, [Truth(480.0, 300, 0.52)])
    for ramp in (5.0, None):
        result = analyse(glow_curve(KELVIN, noisy(wide, 1, 1), ramp_k_s=ramp), "single", Settings(background="none"))
        assert result.peaks[0].e_ev == pytest.approx(0.52, abs=0.02)
        assert not result.peaks[0].identified
        assert any("no trap has that" in said for said in result.warnings)


@pytest.mark.parametrize(("form", "wide"), [("first", 2.4), ("second", 3.5)])
def test_the_width_is_that_of_the_form(form: str, wide: float) -> None:
    """Chen, J. Appl. Phys. 40 (1969) 570: E is 2.52 and 3.54 kT²/width less 2 kT of first and second order."""
    kelvin = np.linspace(330, 620, 300)
    signal = light(form, 0, 1.2, np.log(1e12), (kelvin - 330) / 2, lambda t: 330 + 2 * t)
    above = kelvin[signal > signal.max() / 2]
    result = analyse(glow_curve(kelvin, signal, ramp_k_s=2.0), "single", Settings(form=form))
    peak = result.peaks[0]
    assert peak.fwhm_k == pytest.approx(above[-1] - above[0], abs=1.1)
    assert peak.fwhm_k == pytest.approx(wide * 8.617e-5 * peak.t_m_k**2 / 1.2, rel=0.06)


def test_a_checked_curve_is_in_the_order_of_heating() -> None:
    found = checked(glow_curve(KELVIN[::-1], SIGNAL[::-1]))
    assert np.all(np.diff(found.temperature_k) > 0)
    assert found.signal == pytest.approx(SIGNAL)


def test_a_heater_with_times_of_its_own_gives_the_temperature_of_the_signal() -> None:
    seconds, kelvin, signal = heated(1.3, 13.0)
    own = np.arange(0.0, 61.0, 0.5)
    curve = of_heater(seconds, signal, own, [heater(t) for t in own])
    assert curve.temperature_k == pytest.approx(kelvin, abs=0.1)
    early = of_heater(seconds, signal, own[:60], [heater(t) for t in own[:60]])
    assert early.time_s is not None
    assert early.time_s[-1] == pytest.approx(30.0, abs=0.3)
    for times in ([0.0, 5.0, 5.0], [1.0], [3.0, 2.0, 1.0]):
        with pytest.raises(GlowError, match="not read at two times or more that grow"):
            of_heater(seconds, signal, times, [300.0] * len(times))
    with pytest.raises(GlowError, match="differ in length"):
        of_heater(seconds, signal, [1.0, 2.0], [300.0])


def test_columns_of_a_reading_are_taken_by_their_units() -> None:
    seconds, kelvin, signal = heated(1.3, 13.0)
    axes = {
        "time": Axis(unit="s", values=tuple(seconds)),
        "signal": Axis(unit="{counts}", values=tuple(signal)),
        "temperature": Axis(unit="Cel", values=tuple(kelvin - 273.15)),
    }
    assert of_axes(axes).temperature_k == pytest.approx(kelvin)
    short = axes | {"heater-time": Axis(unit="s", values=(0.0, 10.0, 20.0))}
    assert of_axes(short).temperature_k.size == np.sum(seconds <= 30)
    for bad, said in (
        ({"temperature": Axis(unit="[degF]", values=axes["temperature"].values)}, r"The temperature is in '\[degF\]'"),
        ({"time": Axis(unit="ms", values=axes["time"].values)}, "The time is in 'ms'; it must be in s"),
    ):
        with pytest.raises(GlowError, match=said):
            of_axes(axes | bad)
    with pytest.raises(GlowError, match="no temperature beside its signal"):
        of_axes({"signal": axes["signal"]})


@pytest.mark.parametrize(
    ("value", "u", "said"),
    [(25556.4, 55.2, "25556 ± 55"), (132054.0, 294.0, "132050 ± 290"), (509.428, 0.0591, "509.428 ± 0.059"),
     (1.2345678, None, "1.2346"), (3.0, float("nan"), "3")],
)  # fmt: skip
def test_values_are_written_to_two_digits_of_their_uncertainty(value: float, u: float | None, said: str) -> None:
    assert plus_minus(value, u) == said
