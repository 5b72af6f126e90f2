"""How long is waited: it grows, it is bounded on both sides, and what failed together does not come back together."""

from __future__ import annotations

import random

import pytest

from acquire.backoff import BackOff, pause_s
from acquire.instruments.runner import REOPEN_CEILING_S, REOPEN_FLOOR_S

MANY = 200  # instruments behind one dead switch


@pytest.mark.parametrize(
    ("failures", "shortest", "longest"),
    [(0, 0.25, 0.5), (1, 0.5, 1.0), (3, 2.0, 4.0), (4, 2.0, 4.0), (10**9, 2.0, 4.0)],
)
def test_the_pause_doubles_between_floor_and_ceiling(failures: int, shortest: float, longest: float) -> None:
    assert pause_s(failures, 0.25, 4.0, lambda: 0.0) == shortest
    assert pause_s(failures, 0.25, 4.0, lambda: 1.0) == longest


def test_the_floor_holds_where_the_ceiling_is_below_its_double() -> None:
    assert pause_s(5, 1.0, 1.5, lambda: 0.0) == 1.0


def test_what_worked_is_tried_again_soon() -> None:
    again = BackOff(0.25, 4.0, chance=lambda: 1.0)
    assert [again.next_s() for _ in range(5)] == [0.5, 1.0, 2.0, 4.0, 4.0]
    again.worked()
    assert again.next_s() == 0.5


@pytest.mark.parametrize("failures", [0, 1, 2, 3, 10])
def test_two_hundred_that_fell_together_do_not_come_back_in_lockstep(failures: int) -> None:
    chance = random.Random(7).random
    pauses = sorted(pause_s(failures, REOPEN_FLOOR_S, REOPEN_CEILING_S, chance) for _ in range(MANY))
    tenth = (pauses[-1] - pauses[0]) / 10
    most = max(sum(start <= each < start + tenth for each in pauses) for start in pauses)
    assert most <= MANY / 5, "more than twice the even share in a tenth of the time"
    assert pauses[-1] - pauses[0] > 0.9 * (pauses[-1] / 2)


def test_after_ten_failures_the_openings_of_two_hundred_are_spread_over_seconds() -> None:
    chance = random.Random(8).random
    at = [0.0] * MANY
    for failures in range(10):
        at = [each + pause_s(failures, REOPEN_FLOOR_S, REOPEN_CEILING_S, chance) for each in at]
    most = max(sum(start <= each < start + 0.1 for each in at) for start in at)
    assert most <= MANY / 10, f"{most} of {MANY} open within a tenth of a second"
