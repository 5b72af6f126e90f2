"""Beam on and off in a running charge: a steady beam is one part under noise, leakage, steps and modulation."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from acquire.dosimetry import OutsideValidity, beam_parts


def curve(
    shape: Sequence[tuple[float, float]], every_s: float = 0.25, leak: float = 0.0, noise: float = 0.0, digit: float = 0
) -> tuple[list[float], list[float]]:
    """(seconds, nC/s) of each stretch; leakage in nC/s, noise of a reading in nC, its last digit in nC."""
    chance = random.Random(7)
    times, charges, at, nc = [0.0], [0.0], 0.0, 0.0
    for seconds, rate in shape:
        for _ in range(round(seconds / every_s)):
            at += every_s
            nc += (rate + leak) * every_s
            shown = nc + chance.gauss(0.0, noise)
            times.append(at)
            charges.append(round(shown / digit) * digit if digit else shown)
    return times, charges


STEADY = [(2.0, 0.0), (10.0, 1.5), (2.0, 0.0)]


@pytest.mark.parametrize(
    ("every_s", "leak", "noise", "digit"),
    [
        (0.25, 0.0, 0.0, 0.0),
        (0.05, 0.0, 0.002, 0.0),
        (0.05, 0.0, 0.02, 0.0),
        (0.25, 0.005, 0.002, 0.0),
        (0.25, -0.005, 0.002, 0.0),
        (0.05, 0.0, 0.0, 0.1),
        (0.02, 0.0, 0.0, 0.1),
        (1.0, 0.0, 0.001, 0.001),
    ],
)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_steady_beam_is_one_part_and_two_are_two(
    every_s: float, leak: float, noise: float, digit: float, sign: float
) -> None:
    scatter = (noise**2 + digit**2) ** 0.5
    for shape, ncs in ((STEADY, [15.0]), ([*STEADY, *STEADY[1:]], [15.0, 15.0])):
        times, charges = curve([(s, sign * r) for s, r in shape], every_s, leak, noise, digit)
        seen = beam_parts(times, charges, leakage_nc_per_s=leak, scatter_nc=scatter)
        assert [p.nc for p in seen.parts] == [pytest.approx(sign * nc, abs=6 * scatter + 1e-9) for nc in ncs]
        assert seen.doubt is None
        for part in seen.parts:
            assert part.duration_s == pytest.approx(10.0, abs=2 * seen.interval_s + 1e-9)


def test_a_beam_whose_rate_steps_or_that_is_blocked_by_leaves_is_one_part() -> None:
    steps = [(1.0, 0.0), (3.0, 1.5), (2.0, 0.03), (3.0, 0.7), (2.0, 2.1), (1.0, 0.0)]
    assert len(beam_parts(*curve(steps)).parts) == 1


def test_a_pause_is_seen_from_twice_the_interval_on() -> None:
    for pause, parts in ((0.75, 2), (0.5, 2)):
        shape = [(1.0, 0.0), (3.1, 1.5), (pause, 0.0), (3.1, 1.5), (1.0, 0.0)]
        times, charges = curve(shape, every_s=0.05)
        seen = beam_parts(times[::5], charges[::5])
        assert seen.interval_s == pytest.approx(0.25)
        assert len(seen.parts) == parts
    times, charges = curve([(1.0, 0.0), (3.1, 1.5), (0.2, 0.0), (3.1, 1.5), (1.0, 0.0)], every_s=0.05)
    assert len(beam_parts(times[::5], charges[::5]).parts) == 1  # the limit that docs/procedure.md names
    assert len(beam_parts(times, charges).parts) == 2


def test_a_short_image_of_another_rate_is_a_part_of_its_own() -> None:
    for rate in (0.2, 0.05, 6.0):
        seen = beam_parts(*curve([(1.0, 0.0), (1.0, rate), (3.0, 0.0), (10.0, 1.5), (1.0, 0.0)]))
        assert [p.nc for p in seen.parts] == [pytest.approx(rate), pytest.approx(15.0)]


def test_what_is_less_than_a_thousandth_is_no_part() -> None:
    assert len(beam_parts(*curve([(1.0, 0.0), (0.25, 0.04), (3.0, 0.0), (10.0, 1.5), (1.0, 0.0)])).parts) == 1


def test_pauses_of_the_field_are_joined() -> None:
    shape = [(1.0, 0.0), (3.0, 1.5), (2.0, 0.0), (3.0, 1.5), (5.0, 0.0), (3.0, 1.5)]
    assert len(beam_parts(*curve(shape), pauses_up_to_s=2.5).parts) == 2


def test_a_charge_that_fell_and_a_gap_in_the_readings_are_doubts() -> None:
    times, charges = curve(STEADY)
    fell = [q if t < 8 else q - 9.0 for t, q in zip(times, charges, strict=True)]
    assert str(beam_parts(times, fell).doubt).startswith("the charge fell by 8.6")
    pause = curve([(2.0, 0.0), (3.0, 1.5), (2.0, 0.0), (5.0, 1.5), (2.0, 0.0)])
    for (times, charges), says in (
        (pause, "nothing was read from 4.0 s to 10.0 s, while charge"),
        (curve(STEADY), "None"),
    ):
        kept = [(t, q) for t, q in zip(times, charges, strict=True) if not 4 < t < 10]
        seen = beam_parts([t for t, _ in kept], [q for _, q in kept])
        assert str(seen.doubt).startswith(says), "a steady beam whose readings are missing hides no pause"
    alone = [(t, q) for t, q in zip(times, charges, strict=True) if not 1 < t < 10]
    assert str(beam_parts([t for t, _ in alone], [q for _, q in alone]).doubt).startswith("nothing was read from 1.0 s")


def test_without_a_beam_there_is_no_part() -> None:
    assert beam_parts(*curve([(10.0, 0.0)])).parts == ()
    assert beam_parts(*curve([(10.0, 0.0)], noise=0.01), scatter_nc=0.01).parts == ()
    assert beam_parts([0.0, 1.0], [0.0, 0.0]).parts == ()


def test_times_of_one_moment_count_as_one() -> None:
    seen = beam_parts([0.0, 0.0, 1.0, 1.0, 2.0, 3.0], [0.0, 0.0, 2.0, 2.0, 4.0, 4.0])
    assert [(p.begin_s, p.end_s, p.nc) for p in seen.parts] == [(0.0, 2.0, 4.0)]


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(OutsideValidity):
        beam_parts([0.0, 1.0], [0.0, float("nan")])
