"""Where a point's beam began whose rest was measured here, and what is said where it goes on elsewhere; by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from acquire.procedure.results import rest_taken as room
from acquire.procedure.session.beam_statements import BeamStatement

WHO = {"step": "b1", "reason": "interlock. ", "who": "MD-2", "confirmed_by": "RT-2"}


def said(session: str | None = "s-1", step: str | None = "b0") -> BeamStatement:
    return SimpleNamespace(of_session=session, of_step=step, **WHO)  # type: ignore[return-value]


def point(name: str = "B1", dose_gy: float | None = 0.468, by_element: bool = False) -> Any:
    expected = None if dose_gy is None else SimpleNamespace(dose_gy=dose_gy)
    return SimpleNamespace(id=name, expected=expected, by_element=by_element)


class Choosing:
    """What is chosen for a point of a session whose plan has the steps b1 and b2."""

    def __init__(self, of: Any) -> None:
        self.connection, self.point = None, of
        self.measurements = {"b1": "m1"}
        steps = [SimpleNamespace(id=each, measured=["B1"]) for each in ("b1", "b2")]
        steps.append(SimpleNamespace(id="zero-b3", measured=["B3"]))
        self.session = SimpleNamespace(id="s-2", plan=SimpleNamespace(step=steps))
        self.problems: list[str] = []
        self.remarks: list[str] = []


@pytest.fixture
def began(monkeypatch: pytest.MonkeyPatch) -> Any:
    def at(rests: dict[str, BeamStatement], there: list[Any], of: Any) -> tuple[Any, Choosing]:
        plan = SimpleNamespace(
            step_named=lambda name: SimpleNamespace(measured=[each.id for each in there] if name == "b0" else []),
            point_named={each.id: each for each in there}.__getitem__,
        )
        monkeypatch.setattr(room, "rests", lambda _, session: rests if session == "s-2" else {})
        monkeypatch.setattr(
            room, "get_session", lambda _, name: SimpleNamespace(id=name, order_id="ORD-A-1", plan=plan)
        )
        monkeypatch.setattr(room, "same_place", lambda a, b: a.id.lower() == b.id.lower())
        choosing = Choosing(of)
        return room.began_in(choosing), choosing  # type: ignore[arg-type]

    return at


def test_it_began_where_the_word_of_two_people_says_at_the_point_of_the_same_name(began: Any) -> None:
    found, choosing = began({"m9": said("s-9"), "m1": said()}, [point("b1"), point("B1")], point())
    assert (found.session.id, found.point) == ("s-1", "B1")
    assert choosing.problems == []
    assert choosing.remarks == [
        "b1 is the rest of b0 of session s-1 (ORD-A-1), which was interrupted: interlock (MD-2, confirmed by RT-2); the"
        " doses of both are summed."
    ]


def test_under_another_name_it_is_the_point_of_the_same_place(began: Any) -> None:
    found, _ = began({"m1": said()}, [point("P2"), point("b1")], point())
    assert found.point == "b1"


def test_where_no_point_there_is_the_same_there_is_no_number(began: Any) -> None:
    found, choosing = began({"m1": said()}, [point("P2")], point())
    assert found is None
    assert choosing.problems == ["session s-1 (ORD-A-1) measured the beam of b0 at no point that is B1."]
    assert choosing.remarks == []


@pytest.mark.parametrize("rests", [{}, {"m9": said()}, {"m1": said(None)}, {"m1": said("s-1", None)}])
def test_a_beam_that_began_here_has_no_other_session(began: Any, rests: dict[str, BeamStatement]) -> None:
    found, choosing = began(rests, [point()], point())
    assert (found, choosing.problems, choosing.remarks) == (None, [], [])


@pytest.mark.parametrize("other", [0.5, None])
def test_both_sessions_expect_the_dose_of_the_whole_beam(began: Any, other: float | None) -> None:
    found, choosing = began({"m1": said()}, [point(dose_gy=other)], point())
    assert found is not None
    assert choosing.problems == [
        "session s-1 (ORD-A-1) expects another dose at B1 than B1 has here: both are to be of the whole beam."
    ]


def test_a_point_whose_beam_goes_on_elsewhere_names_where_once(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = {"b1": [("s-3", "b7")], "b2": [("s-3", "b7"), ("s-4", "b8")], "zero-b3": [("s-5", "b9")]}
    monkeypatch.setattr(room, "measured_elsewhere", lambda _, __, step: elsewhere[step])
    assert room.goes_on_elsewhere(Choosing(point())) == [  # type: ignore[arg-type]
        "The rest of this beam was measured in session s-3 (step b7): the dose of the whole stands there.",
        "The rest of this beam was measured in session s-4 (step b8): the dose of the whole stands there.",
    ]


@pytest.mark.parametrize(("rest", "unsaid"), [(True, ["T-2"]), (True, []), (False, ["T-1"])])
def test_chips_that_lay_for_the_first_part_count_by_two_people_for_the_rest(
    monkeypatch: pytest.MonkeyPatch, rest: bool, unsaid: list[str]
) -> None:
    lay = [SimpleNamespace(id=n, point=at, dosimeter=f"T-{n}") for n, at in ((1, "P1"), (2, "P1"), (3, "P2"))]
    monkeypatch.setattr(room, "beam_steps", lambda *_: [SimpleNamespace(id="b1")])
    monkeypatch.setattr(room, "measured_elsewhere", lambda *_: [("s-3", "b7"), ("s-3", "b8")] if rest else [])
    monkeypatch.setattr(room, "placements", lambda *_: lay)
    monkeypatch.setattr(
        room, "stated_of", lambda _, __, placed, what: what == "was-there" and f"T-{placed}" not in unsaid
    )
    found = room.goes_on_elsewhere(Choosing(point("P1", None, by_element=True)))  # type: ignore[arg-type]
    assert found == (
        [
            "The rest of b1 was given in session s-3, and nothing says that T-2 lay there then; if so, two people"
            " say it (acquire session was-there)."
        ]
        if rest and unsaid
        else []
    )
