"""A charge that was entered from a downtime form in place of a measurement, and what its electrometer kept."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from measured_by_hand import entry, ref

from acquire.procedure.records.selection import OfTranscribed, TotalTaken, TranscribedTaken
from acquire.procedure.results import select_transcribed as room
from acquire.procedure.results.choosing import Choosing
from acquire.procedure.session.transcribed import Total, Transcription
from acquire.store import entries
from acquire.store.entries import Damaged

ENTERED = Transcription(
    3, "S", "B1", "b1", 12, "15.67 nC", -15.67, "2027-02-05T10:00:00+01:00", "RT-1", "scan", "1234", 2.0, "no power",
    None, "MD-1", "2027-02-05T15:00:00Z", "MP-1",
)  # fmt: skip
KEPT = Total("B1", "s", 7, 15.8267, 1.0, None, "MD-1", None, "")


class Forms:
    """What was entered and read back in a session."""

    def __init__(self) -> None:
        self.entered: dict[str, Transcription] = {"B1": ENTERED, "B2": replace(ENTERED, point="B2")}
        self.totals: list[Total] = []
        self.entry: Any = entry(7)

    def choose(self, *, ambient: bool = False) -> tuple[OfTranscribed | None, Choosing]:
        point = SimpleNamespace(id="B1", instrument="el-1", asks=SimpleNamespace(ambient=ambient))
        made = Choosing(None, SimpleNamespace(id="S"), point, None, {})  # type: ignore[arg-type]
        return room.select_transcribed(made), made

    def total(self) -> TotalTaken | None:
        found, _ = self.choose()
        assert found is not None
        return found.transcribed.total


@pytest.fixture
def forms(monkeypatch: pytest.MonkeyPatch) -> Forms:
    made = Forms()
    monkeypatch.setattr(room, "in_force", lambda _, session: made.entered if session == "S" else {})
    monkeypatch.setattr(room, "totals", lambda _, session: made.totals if session == "S" else [])
    monkeypatch.setattr(room.ambient_conditions, "entries", lambda _, session: ["air of " + session])
    monkeypatch.setattr(entries, "entry_at", lambda _, stream, seq: made.entry)
    return made


def test_a_point_that_was_measured_as_usual_has_no_entry(forms: Forms) -> None:
    forms.entered = {"B2": ENTERED}
    found, choosing = forms.choose()
    assert (found, choosing.problems) == (None, [])


def test_the_entry_that_counts_is_kept_with_its_form_and_its_people(forms: Forms) -> None:
    found, choosing = forms.choose()
    assert found == OfTranscribed(
        transcribed=TranscribedTaken(
            n=3, form=12, step="b1", nc=-15.67, as_written="15.67 nC", read_at="2027-02-05T10:00:00+01:00",
            written_by="RT-1", entered_by="MD-1", entered_at="2027-02-05T15:00:00Z", checked_by="MP-1", scan="scan",
            says=f"{ENTERED.says}.", total=None,
        ),
        air=None,
    )  # fmt: skip
    assert (choosing.problems, choosing.remarks) == ([], [])
    chamber, _ = forms.choose(ambient=True)
    assert chamber is not None
    assert chamber.air == ("air of S",)


def test_an_entry_that_nobody_has_compared_with_the_form_gives_no_dose(forms: Forms) -> None:
    forms.entered["B1"] = replace(ENTERED, checked_by=None)
    found, choosing = forms.choose()
    assert found is not None
    assert choosing.problems == [
        f"{forms.entered['B1'].says}: a second person compares it first (acquire downtime check)."
    ]


def test_the_newest_total_of_the_point_is_held_against_the_entry_whatever_its_sign(forms: Forms) -> None:
    forms.totals = [replace(KEPT, nc=99.0), KEPT, replace(KEPT, point="B2", nc=1.0)]
    assert forms.total() == TotalTaken(
        reading=ref(7), nc=15.8267, difference_percent=pytest.approx(1.0, rel=1e-9), limit_percent=1.0
    )
    forms.totals = [replace(KEPT, point="B2")]
    assert forms.total() is None


@pytest.mark.parametrize("unknown", ["nc", "stream", "seq", "limit_percent"])
def test_a_total_that_two_people_set_aside_is_told_and_not_compared(forms: Forms, unknown: str) -> None:
    aside = {unknown: None, "reason": " It was reset at X. ", "confirmed_by": "MP-1"}
    forms.totals = [replace(KEPT, **aside)]  # type: ignore[arg-type]
    found, choosing = forms.choose()
    assert found is not None
    assert found.transcribed.total is None
    assert choosing.remarks == ["The total of el-1 is set aside: It was reset at X (MD-1, confirmed by MP-1)."]
    forms.totals = [replace(forms.totals[0], reason=None)]
    assert forms.choose()[1].remarks == ["The total of el-1 is set aside:  (MD-1, confirmed by MP-1)."]


@pytest.mark.parametrize("gone", [None, entry(7, "damaged")])
def test_a_total_whose_bytes_are_not_those_that_were_stored_stops_the_choice(forms: Forms, gone: Any) -> None:
    forms.totals, forms.entry = [KEPT], gone
    with pytest.raises(Damaged, match="Entry 7 of stream s is damaged"):
        forms.choose()
