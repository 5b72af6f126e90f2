"""From a dose to its result: what is compared, what is only reported, and what has no number after all."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from elements_by_hand import dose_cgy, kept, result, why

from acquire.dosimetry import DosimetryError
from acquire.procedure.documents.asked import Asks
from acquire.procedure.methods import midline as midline_method
from acquire.procedure.methods import releases
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.methods.doses import dose_of, parsed_inputs
from acquire.procedure.methods.registry import method_of

EXPECTED = {"dose_gy": 1.0, "u_percent": 2.0, "source": "plan", "entered_by": "MP-1", "checked_by": "MP-2"}
LIMITS = {
    "tolerance_percent": 5.0, "action_percent": 10.0, "rule": "simple-acceptance", "u_form": "first-order",
    "source": "site",
}  # fmt: skip


def compared(deviation_percent: float, **changes: Any) -> dict[str, Any]:
    """A chip whose dose deviates so much from what was expected."""
    inputs = kept("neck-L") | {"plausible": None, "limits": LIMITS}
    expected = dose_cgy(kept("neck-L")) / 100 / (1 + deviation_percent / 100)
    return inputs | {"expected": {**EXPECTED, "dose_gy": expected}} | changes


@pytest.mark.parametrize(
    ("deviation", "decision"),
    [(4.9, "PASS"), (-4.9, "PASS"), (5.1, "OUT OF TOLERANCE"), (-9.9, "OUT OF TOLERANCE"), (10.1, "ACTION")],
)
def test_the_decision_is_of_the_deviation_from_what_was_expected(deviation: float, decision: str) -> None:
    found = result(compared(deviation))
    assert found.decision == decision
    assert found.dose is not None
    assert found.dose.deviation_percent == pytest.approx(deviation, rel=1e-9)


def test_without_limits_an_expected_dose_is_not_decided_on() -> None:
    within = {"low_gy": 0.5, "high_gy": 4.0}
    assert result(compared(20.0, limits=None, plausible=within)).decision == "REPORT ONLY"
    assert result(compared(20.0, expected=None, plausible=within)).decision == "REPORT ONLY"
    assert why(compared(20.0, limits=None)) == (
        "A point without expected dose needs the lowest and highest believable dose."
    )


def test_a_dose_outside_what_is_plausible_is_not_shown_even_as_expected() -> None:
    high = {"low_gy": 5.0, "high_gy": 9.0}
    assert "lies below the plausible 500 cGy" in why(compared(0.0, plausible=high))
    assert "lies below the plausible 500 cGy" in why(compared(0.0, plausible=high, expected=None))


def test_what_forbids_a_number_or_was_never_measured_has_none() -> None:
    inputs = kept("neck-L")
    assert why(inputs | {"invalid": ["The chip fell."]}) == "The chip fell."
    assert why({k: v for k, v in inputs.items() if k != "elements"}) == "Nothing was measured at neck-L."
    said = "The documents do not give what the dose of neck-L needs."
    assert why({k: v for k, v in inputs.items() if k != "components"}) == said
    with pytest.raises(Invalid, match="Nothing was measured at neck-L"):
        dose_of(parsed_inputs({k: v for k, v in inputs.items() if k != "elements"}))


def test_a_result_without_a_number_keeps_its_remarks_and_where_it_was_measured() -> None:
    found = result(kept("neck-L") | {"invalid": ["The chip fell."], "remarks": ["Read late."], "channel": "UVVIS"})
    assert (found.decision, found.remarks, found.channel) == ("INVALID", ("Read late.",), "UVVIS")
    assert found.reader_run is not None


# --- the mean of two sides ---


def midline() -> dict[str, Any]:
    return kept("neck", "PASS")


def test_a_side_that_may_show_no_dose_gives_none_to_the_mean() -> None:
    inputs = midline()
    side = inputs["parts"][0]
    side["plausible"] = {"low_gy": 5.0, "high_gy": 9.0}
    assert why(inputs).startswith(
        f"Point {side['point']}, of which this is the mean, has no dose: The result lies below"
    )
    inputs = midline()
    inputs["parts"][1]["invalid"] = ["It fell.", "It was not found."]
    other = inputs["parts"][1]["point"]
    assert why(inputs) == f"Point {other}, of which this is the mean, has no dose: It fell. It was not found."


def test_the_mean_is_that_of_its_sides_by_the_factor_between() -> None:
    inputs = midline()
    sides = [dose_cgy(part) for part in inputs["parts"]]
    wanted = sum(sides) / 2 * inputs["factors"]["f_mid"]["value"]
    assert dose_cgy(inputs) == pytest.approx(wanted, rel=1e-12)


def test_the_mean_of_two_points_is_measured_with_nothing_of_its_own() -> None:
    assert (midline_method.METHOD.name, midline_method.METHOD.asks) == ("midline", Asks(way="mean"))
    assert method_of("midline") is midline_method.METHOD


# --- two points that look exchanged ---


def two_ports(exchanged: bool) -> dict[str, Any]:
    """B1 beside a port that should have had 12 % more, each with its own charge or with the other's."""
    one = kept("B1")
    one["expected"]["dose_gy"] = dose_cgy(one) / 100
    other = copy.deepcopy(one) | {"point": "B2"}
    other["expected"]["dose_gy"] *= 1.12
    other["charge"]["nc"] *= 1.12
    if exchanged:
        one["charge"]["nc"], other["charge"]["nc"] = other["charge"]["nc"], one["charge"]["nc"]
    for each in (one, other):
        each["limits"] |= {"tolerance_percent": 15.0, "action_percent": 20.0}
        each["expected"]["u_percent"] = 0.5
        each["components"] = []
    return one | {"beside": [other]}


def test_two_ports_that_fit_each_other_s_expected_dose_are_held_since_the_release_that_looks_at_it() -> None:
    assert "look exchanged" in why(two_ports(exchanged=True))
    assert dose_cgy(two_ports(exchanged=False)) > 0
    before = result(two_ports(exchanged=True), releases.FIRST)
    assert before.dose_gy is not None


def test_a_release_or_a_method_that_is_not_here_gives_no_number() -> None:
    with pytest.raises(ValueError, match="in tuple"):
        result(kept("neck-L"), "dosimetry 99, procedure 1")
    with pytest.raises(LookupError, match="no method 'film'"):
        result(kept("neck-L") | {"method": "film"})
    with pytest.raises((Invalid, DosimetryError)):
        dose_of(parsed_inputs(kept("neck-L") | {"standards": []}))


# --- a beam that began in another session ---


def test_what_was_given_before_a_beam_was_interrupted_is_added_and_must_have_a_dose() -> None:
    inputs = kept("B1") | {"expected": None, "limits": None, "plausible": {"low_gy": 0.01, "high_gy": 9.0}}
    began = copy.deepcopy(inputs)
    assert dose_cgy(inputs | {"began": began}) == pytest.approx(2 * dose_cgy(inputs), rel=1e-12)
    said = "What was given of this beam at B1 before it was interrupted has no dose: "
    assert why(inputs | {"began": began | {"invalid": ["It broke.", "It was not found."]}}) == (
        f"{said}It broke. It was not found."
    )
    del began["charge"]
    assert why(inputs | {"began": began}) == f"{said}Nothing was measured at B1."
