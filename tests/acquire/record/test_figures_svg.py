"""Numbers on paper and the plots they stand beside."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquire.record import figures, svg


def result(deviation):
    return {"deviation_percent": deviation, "tolerance_percent": 7.0, "action_percent": 10.0}


finite = st.floats(-1e6, 1e6, allow_nan=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.852, "1.9\u2007"), (0.2921, "0.29"), (11.4, "11\u2007\u2007\u2007"), (0.0, "0.00"), (None, "—")],
)
def test_uncertainties_have_two_digits_and_align(value, text):
    assert figures.uncertainty(value) == text


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: figures.cgy(0.47333), "47.33"),
        (lambda: figures.cgy(None), "—"),
        (lambda: figures.signed(-2.634), "−2.6"),
        (lambda: figures.signed(1.13), "+1.1"),
        (lambda: figures.deviation(result(7.004)), "+7.004"),
        (lambda: figures.deviation(result(-7.02)), "−7.02"),
        (lambda: figures.deviation(result(10.04), 1), "+10.04"),
        (lambda: figures.deviation(result(7.0)), "+7.0"),
        (lambda: figures.deviation(result(6.96)), "+6.96"),
        (lambda: figures.deviation({}), "—"),
        (lambda: figures.upper_end({"upper_gy": 1.996, "limit_gy": 2.0}, 0), "199.6"),
        (lambda: figures.upper_end({"upper_gy": 1.3016, "limit_gy": 2.0}, 0), "130"),
        (lambda: figures.upper_end({"upper_gy": 1.996, "limit_gy": None}, 0), "200"),
        (lambda: figures.probability(0.99996), "above 0.999"),
        (lambda: figures.probability(0.0002), "below 0.001"),
        (lambda: figures.probability(0.954), "0.954"),
        (lambda: figures.plain(101500.0), "101\u202f500"),
        (lambda: figures.plain(0.999688), "0.999688"),
        (lambda: figures.with_u(0.0304, 0.0029), "3.04 ± 0.29 cGy"),
        (lambda: figures.with_u(0.47333, 0.0186), "47.3 ± 1.9 cGy"),
        (lambda: figures.moment("2026-11-24T14:02:11.123456Z"), "2026-11-24 14:02:11 UTC"),
        (lambda: figures.stated("2026-02-02T16:05:00-05:00"), "2026-02-02 16:05 −05:00"),
    ],
)
def test_figures(call, text):
    assert call() == text


@given(finite, finite)
def test_ticks_lie_inside_and_are_few(a, b):
    low, high = min(a, b), max(a, b)
    if high - low < 1e-6:
        return
    found = svg.ticks(low, high)
    room = (high - low) * 1e-6
    assert 1 <= len(found) <= 13
    assert all(low - room <= t <= high + room for t in found)


@given(st.lists(finite, min_size=2, max_size=40))
def test_a_plot_is_well_formed_and_inside_its_frame(values):
    xs = list(range(len(values)))
    y = svg.PlotAxis("charge / nC & more", *svg.span(values))
    made = svg.plot("a < b", "desc", svg.PlotAxis("t", 0, len(values) - 1), y, [svg.PlotLine(xs, values, "signal")])
    root = ElementTree.fromstring(made)
    assert root.find("{*}title").text == "a < b"
    points = root.find("{*}polyline").get("points").split()
    assert len(points) == len(values)
    for point in points:
        x, at = map(float, point.split(","))
        assert 0 <= x <= svg.WIDTH
        assert 0 <= at <= svg.HEIGHT


@given(st.floats(-50, 50), st.floats(0.1, 30))
def test_the_ruler_says_the_deviation(deviation, big_u):
    made = ElementTree.fromstring(svg.ruler(deviation, big_u, 7, 10))
    circle = made.find("{*}circle")
    assert (float(circle.get("cx")) > 220) == (deviation > 0) or abs(deviation) < 0.1
    assert 20 <= float(circle.get("cx")) <= 420


@given(st.floats(-50, 50), st.integers(1, 3))
def test_what_is_printed_lies_on_the_side_of_the_limits_that_was_decided(value, decimals):
    printed = float(figures.deviation(result(value), decimals).replace("\u2212", "-"))
    for limit in (7.0, 10.0):
        if abs(abs(value) - limit) > 1e-6:
            assert (abs(printed) > limit) == (abs(value) > limit)
