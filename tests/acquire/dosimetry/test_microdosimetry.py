"""Spectra: means, bins, the edge, and files; conservation of events and dose; what is no spectrum is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from acquire import dosimetry as d
from acquire.dosimetry import micro_calibration as edge
from acquire.dosimetry import micro_formats as formats
from acquire.dosimetry import microdosimetry as micro

counts_of = hnp.arrays(np.float64, 20, elements=st.floats(0, 1e5))


def spectrum(counts: np.ndarray) -> micro.Spectrum:
    return micro.Spectrum(micro.log_edges(0.1, 5, len(counts)), counts)


@given(counts_of, st.floats(0.1, 10))
def test_means_do_not_see_the_number_of_events_and_are_ordered(counts: np.ndarray, scale: float) -> None:
    counts = counts + 1.0
    one, other = micro.means(spectrum(counts), 0.0, 125.0), micro.means(spectrum(counts * scale), 0.0, 125.0)
    assert other.y_f == pytest.approx(one.y_f)
    assert other.y_d == pytest.approx(one.y_d)
    assert one.y_f <= one.y_d
    assert one.y_star <= one.y_d


@given(counts_of)
def test_dose_is_conserved_in_plot_and_distribution(counts: np.ndarray) -> None:
    found = spectrum(counts + 1.0)
    density = micro.dose_distribution(found)
    assert float(np.sum(density * np.diff(found.edges))) == pytest.approx(1.0)
    _, heights = micro.log_plot(found)
    assert float(np.sum(heights)) * math.log(10) / 5 == pytest.approx(1.0)


@given(counts_of, st.integers(1, 60))
def test_rebinning_keeps_every_event(counts: np.ndarray, bins: int) -> None:
    old = spectrum(counts)
    new = micro.rebin(old, np.linspace(0.0, float(old.edges[-1]), bins + 1))
    assert float(np.sum(new.counts)) == pytest.approx(float(np.sum(counts)), rel=1e-9, abs=1e-9)
    same = micro.rebin(old, old.edges)
    assert same.counts == pytest.approx(counts, abs=1e-6)


def test_rebinning_refuses_to_lose_events() -> None:
    old = spectrum(np.ones(20))
    with pytest.raises(d.OutsideValidity, match="do not cover"):
        micro.rebin(old, np.linspace(1.0, float(old.edges[-1]), 10))


@pytest.mark.parametrize(
    ("edges", "counts"),
    [([0, 1, 2], [1.0]), ([0, 2, 1], [1.0, 1.0]), ([-1, 0, 1], [1.0, 1.0]), ([0, 1, 2], [1.0, -1.0])],
)
def test_what_is_no_spectrum_is_refused(edges: list[float], counts: list[float]) -> None:
    with pytest.raises(d.OutsideValidity):
        micro.Spectrum(np.array(edges, dtype=float), np.array(counts))


def test_a_cut_above_all_events_gives_no_means() -> None:
    with pytest.raises(d.Blocked, match="No event is left above the cut"):
        micro.means(spectrum(np.array([5.0, 0.0])), 0.2, 125.0)


@given(st.floats(50, 500), st.floats(0.02, 0.2), st.floats(900, 1100))
def test_the_edge_is_found_again(a: float, b: float, c: float) -> None:
    h = np.linspace(700, 1300, 121)
    fit = edge.fit_edge(h.tolist(), (a / (1 + np.exp(b * (h - c)))).tolist())
    assert (fit.a, fit.b, fit.c) == (pytest.approx(a, rel=1e-5), pytest.approx(b, rel=1e-4), pytest.approx(c, abs=1e-2))
    assert fit.inflection < fit.second_derivative < fit.tangent_foot
    # the tangent at the inflection, of slope -a b/4 from height a/2, meets zero at its foot
    assert fit.inflection + (fit.a / 2) / (fit.a * fit.b / 4) == pytest.approx(fit.tangent_foot)


def test_a_noisy_edge_is_found_within_its_noise() -> None:
    generator = np.random.default_rng(3)
    h = np.linspace(700, 1300, 121)
    noisy = 200 / (1 + np.exp(0.05 * (h - 1000))) + generator.normal(0, 2, len(h))
    assert edge.fit_edge(h.tolist(), noisy.tolist()).c == pytest.approx(1000, abs=2.5)


def test_where_there_is_no_edge_there_is_no_scale() -> None:
    with pytest.raises(d.Blocked, match="No falling edge"):
        edge.fit_edge(list(range(10)), [float(x) for x in range(10)])
    with pytest.raises(d.OutsideValidity, match="marker above the offset"):
        edge.scale_of_edge(10.0, 71.8, 12.0, "edge")


SPE = """$SPEC_ID:
tissue-equivalent counter, run 2
$DATE_MEA:
02/04/2027 14:02:11
$MEAS_TIM:
582 600
$DATA:
0 4
       0
      12
       7
       3
       0
"""


def test_a_spe_file_is_read_with_its_times_and_remarks() -> None:
    found = formats.parse_spe(SPE)
    assert (found.first_channel, found.counts) == (0, (0, 12, 7, 3, 0))
    assert (found.live_s, found.real_s) == (582.0, 600.0)
    assert dict(found.noted)["$SPEC_ID:"] == "tissue-equivalent counter, run 2"
    on_scale = found.on(edge.Scale(0.5, 1.0, "edge"))
    assert on_scale.edges.tolist() == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert on_scale.counts.tolist() == [12.0, 7.0, 3.0, 0.0]
    with pytest.raises(d.OutsideValidity, match="offset may be wrong"):
        found.on(edge.Scale(0.5, 2.0, "edge"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("      12\n", ""), "promises 5 channels and holds 4"),
        (("      12", "     1.2"), r"Line 10: '1\.2' is no count"),
        (("      12", "     -12"), "is no count"),
        (("$DATA:", "$DAT:"), "block .DATA: is missing"),
        (("582 600", "582"), "2 numbers are expected"),
        (("0 4", "4 0"), "first and a last channel"),
        (("$DATE_MEA:", "$DATA:"), "stands twice"),
        (("$SPEC_ID:\n", ""), "before the first block"),
    ],
)
def test_a_spe_file_that_is_not_one_is_refused_with_its_line(change: tuple[str, str], said: str) -> None:
    with pytest.raises(d.OutsideValidity, match=said):
        formats.parse_spe(SPE.replace(*change))


@given(st.text())
def test_any_text_is_a_spectrum_or_is_refused(text: str) -> None:
    for parse in (lambda t: 2 * (formats.parse_spe(t).counts,), lambda t: formats.parse_columns(t, ";")):
        try:
            first, second = parse(text)
        except d.OutsideValidity:
            continue
        assert len(first) == len(second) > 0
        assert all(math.isfinite(value) for value in (*first, *second))


def test_columns_have_a_stated_separator() -> None:
    assert formats.parse_columns("# y;f\n0,1;2\n0,2;3,5\n", ";") == ((0.1, 0.2), (2.0, 3.5))
    assert formats.parse_columns("y f\n0.1 2\n", "blank", header_lines=1) == ((0.1,), (2.0,))
    with pytest.raises(d.OutsideValidity, match="Line 1: two columns"):
        formats.parse_columns("0,1 0,2", ",")
    with pytest.raises(d.OutsideValidity, match=r"Line 2: 'x' is not one number"):
        formats.parse_columns("1;2\n1;x", ";")
