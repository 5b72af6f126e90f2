"""Control charts, and results that share a calibration: limits, runs, sums, means and correlations by hand."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from acquire import dosimetry as d
from acquire.dosimetry import correlation, trend

# --- trends ---


def seen(values, **more) -> list[d.Observation]:
    begin = datetime(2027, 1, 1, tzinfo=UTC)
    key = {"detector": "D-1", "point_type": "entrance", "machine": "LA-1"} | more
    return [d.Observation(begin + timedelta(days=n), v, **key) for n, v in enumerate(values)]


def test_a_chart_of_eight_by_hand() -> None:
    found = d.chart(seen([1.0, -1.0] * 4)[::-1])
    assert (found.key, found.n, found.centre) == (("D-1", "entrance", "LA-1"), 8, 0.0)
    assert found.sigma == pytest.approx(2 / 1.128)
    assert (found.lower, found.upper) == (pytest.approx(-6 / 1.128), pytest.approx(6 / 1.128))
    assert found.signals == ()


def test_a_result_beyond_the_limits_of_the_baseline_is_named() -> None:
    found = d.chart(seen([1.0, -1.0] * 4 + [6.0]), baseline=8)
    assert found.n == 9
    assert found.signals == ("2027-01-09 00:00: +6.00 % lies outside -5.32 to +5.32 %.",)
    with pytest.raises(d.OutsideValidity, match="at least eight observations"):
        d.chart(seen([1.0, -1.0] * 4 + [6.0]), baseline=7)
    with pytest.raises(d.OutsideValidity, match="of one detector"):
        d.chart(seen([1.0, -1.0] * 4) + seen([0.0], machine="LA-2"))


def test_runs_of_eight_on_a_side_and_six_in_a_row() -> None:
    side = "Eight results in a row lie on one side of the centre: a systematic change."
    drift = "Six results in a row rise or fall: a drift."
    assert trend._runs([2.0, 1.0] * 4, 0.0) == [side]
    assert trend._runs([2.0, 1.0] * 3 + [2.0, -1.0], 0.0) == []
    assert trend._runs([-1.0, *[2.0, 1.0] * 4], 0.0) == [side]
    assert trend._runs([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0], 0.0) == [drift]
    assert trend._runs([9.0, 3.0, 2.0, 1.0, -1.0, -2.0], 0.0) == [drift]
    assert trend._runs([0.0, -3.0, -2.0, -1.0, 1.0, 2.0, 2.0], 0.0) == []
    assert trend._runs([0.0, -3.0, -2.0, -1.0, 1.0, 2.0, 3.0], 0.0) == [drift]


def test_charts_are_made_where_there_are_eight() -> None:
    eight, seven = seen([1.0, -1.0] * 4), seen([1.0] * 7, detector="D-2")
    assert list(d.charts(eight + seven)) == [("D-1", "entrance", "LA-1")]


def test_an_ewma_by_hand() -> None:
    found = d.ewma([1.0, 1.0], 0.0, 0.5, 0.5)
    assert [each[0] for each in found] == [0.5, 0.75]
    assert found[0][1] == pytest.approx(3 * 0.5 * math.sqrt(0.5 / 1.5 * (1 - 0.5**2)))
    assert found[1][1] == pytest.approx(3 * 0.5 * math.sqrt(0.5 / 1.5 * (1 - 0.5**4)))
    assert [each[2] for each in d.ewma([3.0, -3.0, 9.0], 0.0, 0.5, 1.0)] == [True, True, True]
    assert [each[2] for each in d.ewma([1.5, -1.4], 0.0, 0.5, 1.0)] == [False, False]
    assert d.ewma([1.0], 1.0, 0.0, 1.0) == [(1.0, 0.0, False)]
    for weight, sigma in ((0.0, 1.0), (1.1, 1.0), (0.5, -0.1)):
        with pytest.raises(d.OutsideValidity, match="The weight of an EWMA"):
            d.ewma([1.0], 0.0, sigma, weight)


def test_shares_and_repeats() -> None:
    assert d.percent_beyond(0, 1) == 0.0
    assert d.percent_beyond(2, 2) == 100.0
    assert d.percent_beyond(1, 4) == 25.0
    for count, of in ((-1, 4), (5, 4), (0, 0)):
        with pytest.raises(d.OutsideValidity, match="is no share"):
            d.percent_beyond(count, of)
    assert d.repeats_out([True, False, False])
    assert not d.repeats_out([False, True, False])
    assert not d.repeats_out([False])
    assert d.repeats_out([False], consecutive=1)


# --- results that share something ---


def budget(own: float, shared: float, dof: float = math.inf) -> d.Budget:
    return d.Budget(
        (
            d.Contribution("reading", own, "site", "A", dof=dof),
            d.Contribution("rcf", shared, "site", shared_key="run 1"),
        )
    )


def test_a_sum_of_two_that_share_their_coefficient_by_hand() -> None:
    found = d.combine([d.Term(2.0, budget(3.0, 1.0)), d.Term(4.0, budget(3.0, 1.0))])
    assert found.value == 6.0
    assert found.u == pytest.approx(math.sqrt(0.06**2 + 0.12**2 + 0.06**2))
    assert [(p.name, p.u, p.shared_key) for p in found.parts] == [
        ("reading", pytest.approx(0.06), None),
        ("rcf", pytest.approx(0.06), "run 1"),
        ("reading", pytest.approx(0.12), None),
    ]
    relative = found.budget()
    assert [row.u_percent for row in relative.rows] == pytest.approx([1.0, 1.0, 2.0])
    assert {row.sensitivity for row in relative.rows} == {1.0}


def test_a_difference_loses_what_is_shared_and_keeps_its_sign() -> None:
    found = d.combine([d.Term(2.0, budget(3.0, 1.0)), d.Term(4.0, budget(3.0, 1.0), -1.0)])
    assert (found.value, found.u) == (-2.0, pytest.approx(math.sqrt(0.06**2 + 0.12**2 + 0.02**2)))
    assert [part.sign for part in found.parts] == [1.0, -1.0, -1.0]
    assert [row.u_percent for row in found.budget().rows] == pytest.approx([3.0, 1.0, 6.0])
    with pytest.raises(d.OutsideValidity, match="value zero has no relative uncertainty"):
        d.combine([d.Term(2.0, budget(1.0, 1.0)), d.Term(2.0, budget(1.0, 1.0), -1.0)]).budget()
    with pytest.raises(d.OutsideValidity, match="nothing to combine"):
        d.combine([])


def test_the_fewest_degrees_of_freedom_of_a_shared_row_hold() -> None:
    few = d.Budget((d.Contribution("rcf", 1.0, "site", dof=4, shared_key="run 1"),))
    more = d.Budget((d.Contribution("rcf", 1.0, "site", dof=9, shared_key="run 1"),))
    for pair in ((few, more), (more, few)):
        found = d.combine([d.Term(1.0, each) for each in pair])
        assert (found.dof, found.parts[0].dof) == (pytest.approx(4.0), 4)
        assert found.expanded == pytest.approx(d.coverage_factor(4.0) * 0.02)


def test_a_scale_is_what_percentages_refer_to() -> None:
    assert d.combine([d.Term(2.0, budget(3.0, 0.0), 0.5, 100.0)]).u == pytest.approx(1.5)
    assert d.mean_of_deviations([1.0, 3.0], [budget(3.0, 0.0)] * 2).value == 2.0
    assert d.mean_of_deviations([1.0, 3.0], [budget(3.0, 4.0)] * 2).u == pytest.approx(math.hypot(3 / math.sqrt(2), 4))


def test_a_weighted_mean_by_hand() -> None:
    found = d.weighted_mean([1.0, 2.0], [budget(2.0, 0.0), budget(2.0, 0.0)])  # own u 0.02 and 0.04: weights 4 to 1
    assert found.value == pytest.approx((4 * 1.0 + 2.0) / 5)
    assert found.u == pytest.approx(math.hypot(0.8 * 0.02, 0.2 * 0.04))
    for doses, budgets in (([], []), ([1.0], [budget(0.0, 1.0)])):
        with pytest.raises(d.OutsideValidity, match="own uncertainty above 0"):
            d.weighted_mean(doses, budgets)


def test_a_correlation_by_hand() -> None:
    first, second = d.Term(2.0, budget(3.0, 4.0)), d.Term(5.0, budget(3.0, 4.0))
    assert d.correlation_coefficient(first, second) == pytest.approx(16 / 25)
    assert d.correlation_coefficient(first, d.Term(5.0, budget(3.0, 4.0), -1.0)) == pytest.approx(-16 / 25)
    for pair in ((d.Term(2.0, budget(0.0, 0.0)), second), (first, correlation.Term(2.0, budget(0.0, 0.0)))):
        with pytest.raises(d.OutsideValidity, match="two results with an uncertainty above 0"):
            d.correlation_coefficient(*pair)


def test_a_sensitivity_weighs_and_of_two_equal_rows_the_first_is_named() -> None:
    first = d.Budget((d.Contribution("rcf", 1.0, "run 1", sensitivity=0.5, dof=4, shared_key="run 1"),))
    second = d.Budget((d.Contribution("rcf", 1.0, "copy of run 1", sensitivity=0.5, dof=4, shared_key="run 1"),))
    found = d.combine([d.Term(2.0, first), d.Term(4.0, second)])
    assert found.u == pytest.approx(0.03)
    assert found.parts[0].source == "run 1"


def test_a_correlation_of_many_rows_of_one_name_keeps_each_its_own() -> None:
    rows = tuple(d.Contribution("reading", 1.0, "site") for _ in range(3))
    found = d.combine([d.Term(1.0, d.Budget(rows)), d.Term(1.0, d.Budget(rows))])
    assert (len(found.parts), found.u) == (6, pytest.approx(math.sqrt(6) / 100))


def test_a_result_on_the_limit_of_a_chart_is_inside_and_level_ones_are_no_run() -> None:
    quiet = d.chart(seen([1.0] * 8))
    assert (quiet.lower, quiet.upper, quiet.signals) == (1.0, 1.0, ())
    assert trend._runs([0.0] * 9, 0.0) == []
    assert trend._runs([0.0, *[-1.0, -2.0] * 4], 0.0)
    assert trend._runs([0.0, *[-1.0, -2.0] * 3, -1.0], 0.0) == []
    assert trend._runs([-1.0, -2.0] * 3 + [-1.0], 0.0) == []
    assert trend._runs([1.0, 2.0, 3.0, 4.0, 4.0, 5.0, -9.0], 0.0) == []
    assert trend._runs([5.0, 4.0, 3.0, 3.0, 2.0, 1.0, 9.0], 0.0) == []


def test_the_chart_of_a_later_first_result_is_of_its_own_key() -> None:
    mixed = seen([1.0, -1.0] * 4)
    assert d.chart([*mixed[4:], *mixed[:4]]).key == mixed[0].key


def test_a_run_in_the_middle_is_seen_and_one_that_is_too_short_is_not() -> None:
    eight = "Eight results in a row lie on one side of the centre: a systematic change."
    drift = "Six results in a row rise or fall: a drift."
    one_side = [-2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, -2.0, -3.0, -2.0, -2.0]
    assert d.chart(seen(one_side)).signals == (eight,)
    assert d.chart(seen([-3.0, *one_side[2:]])).signals == ()
    rising = [0.0, -1.0, -2.0, -1.5, -1.0, 1.0, 1.5, 2.0, -1.0, 1.0, 0.0]
    assert d.chart(seen(rising)).signals == (drift,)
    assert d.chart(seen([0.0, -1.0, -2.0, -1.5, -1.0, 1.0, 1.5, -1.0, 1.0, 0.0])).signals == ()


def test_a_mean_of_doses_is_their_mean_and_needs_a_budget_for_each() -> None:
    own = d.Budget((d.Contribution("own", 1.0, "site"),))
    assert correlation.mean_of_doses([1.0, 3.0], [own, own]).value == 2.0
    assert correlation.mean_of_doses([2.0, 2.0], [own, own]).u == pytest.approx(0.02 / math.sqrt(2))
    for mean in (correlation.mean_of_doses, correlation.mean_of_deviations, correlation.weighted_mean):
        with pytest.raises(ValueError, match="zip"):
            mean([1.0, 2.0], [own])
