"""Numbers on paper and the plots they stand beside."""

from __future__ import annotations

import base64
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquire.record import drawn, figures, page, plots


def result(deviation):
    return {"deviation_percent": deviation, "tolerance_percent": 7.0, "action_percent": 10.0}


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
        (lambda: figures.plain(-1.6e-05), "−1.6 × 10⁻⁵"),
        (lambda: figures.plain(0.0002), "0.0002"),
        (lambda: figures.rounded(0.47333, 0.0186), "47.3"),
        (lambda: figures.small_share(1.829e-05, 1.2e-4), "1.8 × 10⁻⁵ nC, less than 0.001 % of it"),
        (lambda: figures.small_share(-0.0312, -0.198), "−0.031 nC, 0.2 % of it"),
        (lambda: figures.as_written("2026-02-02T16:05:00-05:00"), " (written 2026-02-02 16:05 −05:00)"),
        (lambda: figures.as_written("2026-02-02T16:05:00Z"), ""),
        (lambda: figures.moment("2026-02-02T16:05:00-05:00"), "2026-02-02 21:05:00"),
        (lambda: figures.with_u(0.0304, 0.0029), "3.04 ± 0.29 cGy"),
        (lambda: figures.with_u(0.47333, 0.0186), "47.3 ± 1.9 cGy"),
        (lambda: figures.moment("2026-11-24T14:02:11.123456Z"), "2026-11-24 14:02:11"),
        (lambda: figures.stated("2026-02-02T16:05:00-05:00"), "2026-02-02 16:05 −05:00"),
    ],
)
def test_figures(call, text):
    assert call() == text


def svg_of(picture):
    kind, _, held = picture.src.partition(",")
    assert kind == "data:image/svg+xml;base64"
    return base64.b64decode(held)


def words_of(svg):
    return [text.text for text in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def charge(values, label="charge / nC"):
    times = [0.1 * n for n in range(len(values))]
    return {
        "kind": "charge", "title": "Charge against time", "interval": [0.5, 1.5],
        "x": {"label": "time / s", "values": times}, "y": {"label": label, "values": values},
    }  # fmt: skip


def test_a_plot_has_units_few_round_ticks_and_words_for_who_does_not_see_it():
    made = drawn.curve(charge([0.01 * n**2 for n in range(31)]))
    words = words_of(svg_of(made))
    assert {"time / s", "charge / nC", "between the markers, 1.0 s"} <= set(words)
    ticks = [float(word.replace("\u2212", "-")) for word in words if word[-1].isdigit()]
    assert len(ticks) <= 14
    assert {0.0, 3.0} <= set(ticks)
    assert made.alt == (
        "Charge against time: 31 points, time / s from 0 to 3, charge / nC from 0 to 9. It begins at 0 and ends at 9."
    )


def test_a_reading_without_a_value_breaks_the_line_and_is_marked():
    whole, broken = (drawn.curve(charge([1.0, 2.0, value, 4.0, 5.0])) for value in (3.0, None))
    assert "1 readings carry no value" in broken.alt
    assert plots.LOST.encode() in svg_of(broken)
    assert plots.LOST.encode() not in svg_of(whole)


def test_a_plot_is_the_same_bytes_each_time_and_tells_no_date():
    data = charge([0.1, 0.5, 0.2])
    first = svg_of(drawn.curve(data))
    plots.plot.cache_clear()
    assert svg_of(drawn.curve(data)) == first
    assert b"date" not in first


def test_what_comes_from_outside_is_text_in_a_plot():
    made = svg_of(drawn.curve(charge([0.0, 1.0], "a < b & $x^2$ \u202e")))
    assert any("a < b & $x^2$ \\u202e" in (word or "") for word in words_of(made))


def test_the_ruler_says_the_deviation_and_its_limits():
    percent = {
        "deviation_percent": 1.13, "deviation_expanded_percent": 5.18, "tolerance_percent": 7.0, "action_percent": 10.0,
    }  # fmt: skip
    made = drawn.ruler(percent)
    assert words_of(svg_of(made)) == ["\u221210", "\u22127", "0", "+7", "+10"]
    assert made.alt == ("Deviation +1.1 %, U 5.2 %, on a scale with the tolerance of 7 % and the action level of 10 %.")
    far = words_of(svg_of(drawn.ruler(percent | {"deviation_percent": -48.0})))
    assert far == words_of(svg_of(made))


@given(st.floats(-50, 50), st.integers(1, 3))
def test_what_is_printed_lies_on_the_side_of_the_limits_that_was_decided(value, decimals):
    printed = float(figures.deviation(result(value), decimals).replace("\u2212", "-"))
    for limit in (7.0, 10.0):
        if abs(abs(value) - limit) > 1e-6:
            assert (abs(printed) > limit) == (abs(value) > limit)


def test_beams_of_a_point_are_told_apart_and_repeated_ones_are_counted() -> None:
    plain = {"gantry_deg": None, "mu": 100.0, "ssd_cm": None}
    beam = {"gantry_deg": 51.0, "mu": 104.0, "ssd_cm": 86.9}
    assert page.beams({"beams": [plain, plain, beam]}) == "2 times 100 MU; gantry 51°, 104 MU, SSD 86.9 cm"
    assert page.beams({"beams": []}) == ""


def test_a_record_is_headed_by_its_target_or_by_what_it_is_for() -> None:
    assert page.subject({"purpose": "patient", "target": "prostate"}) == "prostate"
    assert page.subject({"purpose": "detector-calibration", "target": "none"}) == "detector calibration"
