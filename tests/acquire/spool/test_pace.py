"""Appends of many instruments share a commit; one alone, or one that is quick, never waits for others."""

from __future__ import annotations

from acquire.spool.pace import LONGEST_S, Pace


def waits(pace: Pace, appends: list[tuple[float, int]]) -> dict[int, list[float]]:
    """How long each append (moment, stream) waits, by stream, where it is handed over when it is due."""
    found: dict[int, list[float]] = {}
    for now, stream in sorted(appends):
        due = pace.due(now, stream)
        found.setdefault(stream, []).append(due - now)
        if due <= now:
            pace.handed_over(now)
    return found


def at_rate(stream: int, per_s: float, seconds: float, phase: float = 0.0) -> list[tuple[float, int]]:
    return [(100.0 + phase + n / per_s, stream) for n in range(int(per_s * seconds))]


def test_an_instrument_alone_never_waits_however_quick() -> None:
    for per_s in (1, 10, 80, 1000):
        assert set(waits(Pace(), at_rate(1, per_s, 2.0))[1]) == {0.0}


def test_two_hundred_instruments_share_their_commits_and_none_waits_longer_than_the_longest() -> None:
    pace = Pace()
    appends = [each for n in range(200) for each in at_rate(n, 10, 2.0, phase=n / 2000)]
    found = [wait for each in waits(pace, appends).values() for wait in each[3:]]
    assert max(found) <= LONGEST_S
    assert sum(wait > 0 for wait in found) > 0.8 * len(found)


def test_a_quick_instrument_among_many_slow_ones_is_not_held_up() -> None:
    slow = [each for n in range(50) for each in at_rate(n, 10, 2.0, phase=n / 500)]
    found = waits(Pace(), slow + at_rate(77, 100, 2.0, phase=0.0003))
    assert max(found[77]) == 0.0
    assert max(max(each[3:]) for n, each in found.items() if n != 77) > 0.0


def test_a_few_instruments_do_not_wait_for_each_other() -> None:
    appends = [each for n in range(5) for each in at_rate(n, 10, 2.0, phase=n / 50)]
    assert {wait for each in waits(Pace(), appends).values() for wait in each} == {0.0}


def test_a_stream_that_has_ended_is_forgotten() -> None:
    pace = Pace()
    pace.due(1.0, 1)
    pace.ended(1)
    assert pace._last == {}
