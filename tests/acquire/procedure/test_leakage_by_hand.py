"""Which leakage is taken off which beam, and when it is the beam's own problem: asked beam by beam, without a store."""

from __future__ import annotations

from typing import Any

import pytest
from measured_by_hand import attempt, step
from test_select_charges_by_hand import BEAM, BEFORE, Charges, Inputs, charges

from acquire.procedure.records.selection import BoundDetector
from acquire.procedure.results.leakage_taken import Held, Leakage

__all__ = ["charges"]  # the fixture

SECOND = step("b2")
ENDED = "The leakage of B1 (bg) did not hold for b1: it is 300 min old."
LONGER = (
    "b1 was measured for 42.0 s, for longer than bg before it; that which was measured after it, with nothing changed"
    " in between, counts."
)


class Asked(Inputs):
    """The same, by the kinds that there are."""

    def made(self, kind: str, beam: Any) -> list[Any]:
        assert kind in ("zero", "background")
        return super().made(kind, beam)


def leakage(charges: Charges) -> Leakage:
    charges.store.steps = [BEFORE, BEAM, SECOND]
    return Leakage(charges.choosing(), BEAM, Asked(charges))  # type: ignore[arg-type]


def names(found: Leakage) -> list[str]:
    return [each.measurement for each in found.taken]


def test_each_beam_has_its_leakage_and_one_that_was_not_measured_only_where_it_is_the_first(charges: Charges) -> None:
    found = leakage(charges)
    assert found.of(SECOND, None, came_itself=True) == Held()
    assert names(found) == []
    assert found.of(BEAM, None, came_itself=True) == Held()
    assert names(found) == ["m0"]
    other = leakage(charges)
    charges.backgrounds = [attempt("m5", "bg")]
    assert other.of(SECOND, attempt("m2", "b2"), came_itself=True) == Held()
    assert names(other) == ["m5"]


def test_what_was_not_measured_came_elsewhere_or_across_is_held_against_nothing(charges: Charges) -> None:
    charges.ended = {"m0": "it is 300 min old"}
    found = leakage(charges)
    assert found.of(BEAM, attempt("m1"), came_itself=True).problem == ENDED
    assert found.of(BEAM, None, came_itself=True).problem is None
    assert found.of(BEAM, attempt("m1"), came_itself=False).problem is None
    found.choosing.bound["B1"] = BoundDetector(detector="D-11", instrument="el-1", stream="s", first_seq=1, last_seq=9)
    assert found.of(BEAM, attempt("m1"), came_itself=True).problem is None


def test_of_what_does_not_hold_that_before_the_beam_is_named_and_that_after_it_alone_is_said(charges: Charges) -> None:
    charges.backgrounds = [attempt("m0", "bg"), attempt("m9", "bg")]
    charges.after, charges.ended = [charges.backgrounds[1]], {"m0": "it is 300 min old"}
    found = leakage(charges)
    assert found.of(BEAM, attempt("m1"), came_itself=True) == Held(problem=ENDED)
    assert names(found) == ["m0"]
    charges.lasted = {"m0": 30.0, "m1": 42.0, "m9": 47.0}
    assert found.of(BEAM, attempt("m1"), came_itself=True).problem == ENDED, "nothing held when the beam began"
    assert found.choosing.remarks == []
    charges.backgrounds = charges.after
    alone = leakage(charges)
    why = "bg was measured after b1 alone: its leakage before the beam is not known."
    assert alone.of(BEAM, attempt("m1"), came_itself=True) == Held(problem=why)
    assert names(alone) == ["m9"]


def longer(charges: Charges, beam: str = "m1") -> Leakage:
    charges.backgrounds = [attempt("m0", "bg"), attempt("m9", "bg")]
    charges.after, charges.lasted = [charges.backgrounds[1]], {"m0": 30.0, beam: 42.0, "m9": 47.0}
    return leakage(charges)


def test_that_a_longer_beam_has_the_leakage_after_it_is_told_once(charges: Charges) -> None:
    found = longer(charges)
    for _ in range(2):
        assert found.of(BEAM, attempt("m1"), came_itself=True) == Held()
    assert (names(found), found.choosing.remarks) == (["m9"], [LONGER])
    neither = longer(charges)
    charges.lasted["m9"] = 41.0
    assert neither.of(BEAM, attempt("m1"), came_itself=True) == Held()
    assert (names(neither), neither.choosing.remarks) == (["m0"], [])


def test_a_beam_whose_length_nobody_knows_has_the_leakage_before_it(charges: Charges) -> None:
    found = longer(charges)
    charges.lasted["m1"] = None  # type: ignore[assignment]
    assert found.of(BEAM, attempt("m1"), came_itself=True) == Held()
    assert (names(found), found.choosing.remarks) == (["m0"], [])


def test_a_beam_that_does_not_count_by_itself_is_as_long_as_it_was(charges: Charges) -> None:
    found = longer(charges, "m7")
    assert found.of(BEAM, attempt("m7", abandoned="fault"), came_itself=True) == Held()
    assert names(found) == ["m9"]


@pytest.mark.parametrize("beams", [("m1",), ("m1", "m2")])
def test_what_was_chosen_of_several_is_told_once_for_all_beams(charges: Charges, beams: tuple[str, ...]) -> None:
    charges.backgrounds = [attempt("m0", "bg"), attempt("m3", "bg")]
    found = leakage(charges)
    for each in beams:
        assert found.of(BEAM, attempt(each), came_itself=True) == Held()
    assert names(found) == ["m3"]
    assert [each.startswith("bg was measured 2 times") for each in found.choosing.remarks] == [True]
