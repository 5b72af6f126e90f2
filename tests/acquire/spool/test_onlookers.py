"""What went to the store in batches is told to onlookers once, in order, about once a second."""

from __future__ import annotations

import pytest

from acquire.spool.onlookers import LEAST_S, MOST_PER_S, Copy, Onlookers


def test_what_joins_on_is_told_together_when_it_is_due() -> None:
    onlookers = Onlookers()
    onlookers.keep("s", 1, [b"1", b"2"], now=10.0)
    onlookers.keep("s", 3, [b"3"], now=10.2)
    assert onlookers.due(10.0 + LEAST_S - 0.01) is None
    assert onlookers.wait_s(10.2) == pytest.approx(LEAST_S - 0.2)
    assert onlookers.due(10.0 + LEAST_S) == "s"
    assert onlookers.take("s") == Copy(1, [b"1", b"2", b"3"])
    assert (onlookers.take("s"), onlookers.wait_s(99.0)) == (None, None), "once"


def test_what_does_not_join_on_was_sent_again_by_itself() -> None:
    onlookers = Onlookers()
    onlookers.keep("s", 1, [b"1"], now=10.0)
    onlookers.keep("s", 5, [b"5"], now=11.0)
    assert onlookers.take("s") == Copy(5, [b"5"])


def test_many_instruments_are_told_of_more_seldom() -> None:
    onlookers = Onlookers()
    for n in range(4 * MOST_PER_S):
        onlookers.keep(str(n), 1, [b"1"], now=10.0)
    assert onlookers.due(10.0 + 3.9) is None
    assert onlookers.due(10.0 + 4.0) == "0"


def test_what_is_told_comes_in_pieces_that_the_broker_takes() -> None:
    copy = Copy(7, [b"aaa", b"bbb", b"cccccc", b"d", b"e"])
    assert list(copy.pieces(8)) == [(7, [b"aaa", b"bbb"]), (9, [b"cccccc"]), (10, [b"d", b"e"])]
    assert list(copy.pieces(1)) == [(7 + n, [body]) for n, body in enumerate(copy.bodies)], "one always goes"
    assert list(copy.pieces(1000)) == [(7, copy.bodies)]
