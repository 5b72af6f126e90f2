"""Charge between the markers: what may not become a number."""

from __future__ import annotations

import pytest

from acquire.procedure.methods.collected_charge import BLOCKING, Invalid, collected


def readings(*pairs, unit="nC", **more):
    return [{"quantity": "charge", "unit": unit, "elapsed_s": t, "value": q, **more} for t, q in pairs]


def test_running_is_last_minus_first_signed_and_reset_is_the_last():
    found = collected(readings((10, 3.0), (11, 2.5), (13, 1.0)), "running")
    assert (found.nc, found.time_s) == (-2.0, 3)
    found = collected(readings((0.25, 0.0), (2, 4e-9), unit="C"), "reset")
    assert (round(found.nc, 12), found.time_s) == (4.0, 2)


@pytest.mark.parametrize("flag", sorted(BLOCKING))
def test_a_blocking_flag_anywhere_forbids_the_number(flag):
    middle = {"quantity": "charge", "unit": "nC", "elapsed_s": 1.5, "flags": [flag]}
    bodies = readings((1, 0.0), (2, 5.0))
    with pytest.raises(Invalid, match=flag):
        collected([bodies[0], middle, bodies[1]], "running")


@pytest.mark.parametrize(
    ("bodies", "integrates", "words"),
    [
        ([], "running", "0 charge reading"),
        (readings((1, 5.0)), "running", "at least two"),
        (readings((30, 5.0), (33, 9.0)), "reset", "was not reset"),
        (readings((5, 5.0), (0.1, 0.0), (3, 9.0)), "running", "clock went back"),
        (readings((None, 5.0), (2, 9.0)), "running", "no time of the instrument's own clock"),
        (readings((1, 5.0), (2, 9.0), unit="Gy"), "running", "is no charge"),
        (readings((1, 5.0), (2, 9.0), quantity="current"), "running", "0 charge reading"),
    ],
)
def test_each_refusal_says_why(bodies, integrates, words):
    with pytest.raises(Invalid, match=words):
        collected(bodies, integrates)
