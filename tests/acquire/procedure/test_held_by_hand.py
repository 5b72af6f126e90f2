"""Whether a charge rose until its electrometer was held, or from its start on, by readings of 100 nC/s made by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from measured_by_hand import attempt

from acquire.procedure.methods.beam_seen import Still
from acquire.procedure.results import held as room
from acquire.procedure.results.held import cut_off

EVERY_S = 2.0  # between two readings: 1 % of the rate is 2 nC in that time
BEAM = [0.0, 200.0, 400.0, 600.0, 800.0]


def said(charges: list[float], without: Still | None = None, *, first_s: float = EVERY_S) -> str | None:
    bodies = [
        {"quantity": "charge", "unit": "nC", "value": nc, "elapsed_s": first_s + n * EVERY_S}
        for n, nc in enumerate(charges)
    ]
    return cut_off(bodies, without or Still(), "el-1")


@pytest.mark.parametrize("last", [800.0, 801.0, 802.0])
def test_a_rise_of_up_to_one_percent_of_the_rate_after_the_beam_is_none(last: float) -> None:
    assert said([*BEAM, 800.0, last]) is None


@pytest.mark.parametrize("last", [802.5, 900.0, 797.0])
def test_one_that_is_larger_is_a_beam_that_was_on_when_it_was_held(last: float) -> None:
    found = said([*BEAM, 800.0, last])
    assert found is not None
    assert found.startswith("the charge rose until el-1 was held")


def test_leakage_is_no_beam() -> None:
    leaking = [nc + 4.0 * (n + 1) for n, nc in enumerate([*BEAM, 800.0, 800.0])]
    assert said(leaking, Still(nc_per_s=2.0)) is None
    assert said(leaking) is not None


def test_scatter_is_no_beam() -> None:
    assert said([*BEAM, 800.0, 804.0], Still(scatter_nc=1.0)) is None
    assert said([*BEAM, 800.0, 806.0], Still(scatter_nc=1.0)) is not None


def test_a_beam_that_was_over_before_the_first_reading_began_before_the_start() -> None:
    found = said([100.0, 100.0, 100.0])
    assert found is not None
    assert found.startswith("the charge rose from the moment el-1 was started")


def test_what_a_reading_shows_at_the_very_start_took_no_time_and_is_no_rise() -> None:
    assert said([5.0, *[nc + 5.0 for nc in BEAM], 805.0, 805.0], first_s=0.0) is None


def test_what_the_first_reading_shows_is_held_against_the_time_until_then() -> None:
    found = said([3.0, *[nc + 3.0 for nc in BEAM], 803.0, 803.0])
    assert found is not None
    assert found.startswith("the charge rose from the moment")


@pytest.mark.parametrize(
    "other",
    [{"kind": "background"}, {"ended": False}, {"in_force": None}, {"in_force": SimpleNamespace(integrates="running")}],
)
def test_only_an_ended_beam_of_one_that_is_reset_and_held_is_looked_at(
    other: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    rising = [{"quantity": "charge", "unit": "nC", "value": nc, "elapsed_s": nc / 100} for nc in BEAM[1:]]
    view = SimpleNamespace(readings=[SimpleNamespace(body=each) for each in rising])
    monkeypatch.setattr(room, "measurement", lambda *_: view)
    monkeypatch.setattr(room, "without_beam", lambda *_: Still())
    of: tuple[Any, Any] = (None, SimpleNamespace(id="s-1"))
    measured = attempt("m1", in_force=SimpleNamespace(integrates="reset"))
    assert room.cut_off_in(*of, measured) is not None
    assert room.cut_off_in(*of, replace(measured, **other)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("charges", [[0.0, 0.0, 0.0], [5.0]])
def test_where_no_beam_is_seen_or_nothing_can_be_read_something_else_says_so(charges: list[float]) -> None:
    assert said(charges) is None
