"""What was taken of a measurement, and what is wrong with it: attempts, markers and channels by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from measured_by_hand import Store, attempt, entry, given_up, in_place, ref, step, view

from acquire.errors import Refused
from acquire.procedure.records.selection import BoundDetector, OfSpectrumFile, OfThresholds, PartTaken, Ref
from acquire.procedure.results import choosing as room
from acquire.procedure.results import select_spectrum, select_thresholds
from acquire.procedure.results.choosing import Choosing
from acquire.procedure.session.attempts import Attempt
from acquire.procedure.session.beam_statements import BeamStatement, PartSaid
from acquire.store.attribution import MeasurementView
from acquire.store.entries import Damaged


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    unchanged = SimpleNamespace(changed_between=lambda first, last, point: None)
    monkeypatch.setattr(select_thresholds, "Inputs", lambda _, session: unchanged)
    yield from in_place(monkeypatch)


def done(store: Store, *found: Attempt) -> dict[tuple[str | None, str], list[str]]:
    store.attempts = list(found)
    return {key: [a.measurement for a in made] for key, made in store.choosing().done().items()}


def rest(of: str) -> BeamStatement:
    return BeamStatement("rest", "b1", of, "Door opened.", "MD-1", "MP-1", "")


# --- which attempts count ---


def test_the_last_attempt_that_was_ended_counts_of_each_step_and_instrument(store: Store) -> None:
    found = done(store, attempt("m1"), attempt("m2"), attempt("m3", "b2"), attempt("m4", on="el-2"))
    assert found == {("b1", "el-1"): ["m2"], ("b2", "el-1"): ["m3"], ("b1", "el-2"): ["m4"]}


@pytest.mark.parametrize(
    "other",
    [attempt("m2", begun=False, ended=False), attempt("m2", ended=False), given_up("m2", beam=False),
     attempt("m2", abandoned="fault", beam_given=False)],
)  # fmt: skip
def test_what_was_not_begun_or_ended_or_was_given_up_without_a_beam_takes_nothing_from_what_was(
    store: Store, other: Attempt
) -> None:
    assert done(store, attempt("m1"), other) == {("b1", "el-1"): ["m1"]}
    assert done(store, other) == {}


def test_what_was_given_up_without_a_beam_counts_where_the_signal_shows_one(store: Store) -> None:
    store.rests, store.shown = {"m2": rest("m2")}, {"m1": "in which el-1 collected 8 nC"}
    assert done(store, given_up("m1", beam=False), attempt("m2")) == {("b1", "el-1"): ["m1", "m2"]}
    assert done(store, replace(given_up("m1", beam=False), kind="background"), attempt("m2")) == {
        ("b1", "el-1"): ["m2"]
    }
    assert done(store, replace(given_up("m1", beam=False), begun=False), attempt("m2")) == {("b1", "el-1"): ["m2"]}


def test_a_beam_that_was_interrupted_counts_with_its_rest_and_never_alone(store: Store) -> None:
    assert done(store, given_up("m1", beam=True)) == {}
    assert done(store, attempt("m1", abandoned="fault", beam_given=True)) == {}
    store.rests = {"m2": rest("m2"), "m3": rest("m3")}
    assert done(store, given_up("m1", beam=True), attempt("m2")) == {("b1", "el-1"): ["m1", "m2"]}
    assert done(store, given_up("m1", beam=True), given_up("m2", beam=True), attempt("m3")) == {
        ("b1", "el-1"): ["m1", "m2", "m3"]
    }
    assert done(store, attempt("m1"), given_up("m9", beam=True)) == {}, "the last beam is not whole"
    assert done(store, attempt("m2")) == {("b1", "el-1"): ["m2"]}


# --- where and on which channel ---


def test_a_step_names_its_instrument_or_it_is_that_of_the_point_as_it_was_planned(store: Store) -> None:
    choosing = store.choosing()
    assert choosing.instrument_of(step(instrument="el-2")) == "el-2"
    assert choosing.instrument_of(step()) == "el-1"
    choosing.point.instrument = None
    assert choosing.instrument_of(step()) == ""


def test_the_diode_of_another_instrument_is_across_and_that_of_another_channel_is_not(store: Store) -> None:
    assert store.choosing().across is None
    store.bound = {"B1": BoundDetector(detector="D-14", channel="2"), "B2": BoundDetector(detector="D-1", stream="s")}
    assert store.choosing().across is None
    store.bound["B1"] = BoundDetector(detector="D-14", instrument="el-2", stream="s2", first_seq=1, last_seq=9)
    assert store.choosing().across == store.bound["B1"]


@pytest.mark.parametrize(
    ("beside", "came", "shared"),
    [
        (("B1",), None, None), (("B1", "B2"), None, "3"), (("B1",), "b1", None), (("B1",), "b2", "3"),
        ((), None, None), (("B1", "B2"), "b1", "3"),
    ],
)  # fmt: skip
def test_the_point_s_channel_is_asked_for_where_the_markers_may_name_another_s(
    store: Store, beside: tuple[str, ...], came: str | None, shared: str | None
) -> None:
    store.channel, store.beside = "3", {"el-1": beside}
    assert store.choosing().shared_channel(step(), came) == shared
    store.beside = {"el-2": ("B1", "B2")}
    assert store.choosing().shared_channel(step()) is None


# --- what is taken ---


def test_a_measurement_gives_its_readings_and_both_its_markers(store: Store) -> None:
    choosing = store.choosing()
    assert choosing.take(attempt("m1"), "measurement") is None
    assert choosing.readings == {"measurement": (ref(11), ref(12))}
    assert choosing.marks == {"measurement": (ref(10), ref(20))}
    assert choosing.measurements == {"measurement": "m1"}
    assert (choosing.remarks, choosing.channel, choosing.told) == ([], None, True)
    assert choosing.take(attempt("m2"), "measurement") is None
    assert choosing.measurements == {"measurement": "m1"}, "what a name was given to first stays its own"


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (view("m1", state="broken", reason="entry 12 is lost"), "The beam of b1 is broken: entry 12 is lost."),
        (view("m1", state="open", end_seq=None), "The beam of b1 is open: no end yet."),
        (view("m1", end=None), "The beam of b1 is ended: no end yet."),
        (view("m1", begin=None), "The beam of b1 is ended: no end yet."),
        (view("m1", stream=None), "The beam of b1 is ended: no end yet."),
    ],
)
def test_what_did_not_end_as_it_should_is_said_and_has_no_markers(
    store: Store, seen: MeasurementView, says: str
) -> None:
    store.views = {"m1": seen}
    choosing = store.choosing()
    assert choosing.take(attempt("m1"), "beam") == says
    assert (choosing.marks, list(choosing.readings)) == ({}, ["beam"])


def test_replies_that_could_not_be_read_are_remarked(store: Store) -> None:
    store.views = {"m1": view("m1", refused=2)}
    choosing = store.choosing()
    choosing.take(attempt("m1"), "beam")
    assert choosing.remarks == ["2 reply(ies) during b1 could not be read and were kept apart."]


def test_the_first_measurement_tells_the_channel_and_the_next_must_be_of_it(store: Store) -> None:
    store.views = {"m1": view("m1", channel="1"), "m2": view("m2", channel="1"), "m3": view("m3", channel="2")}
    choosing = store.choosing()
    assert choosing.take(attempt("m1"), "background") is None
    assert choosing.channel == "1"
    assert choosing.take(attempt("m2"), "beam") is None
    assert choosing.take(attempt("m3"), "other") == "The other of b1 is of channel 2, not of channel 1."
    assert set(choosing.marks) == {"background", "beam"}
    one_input = store.choosing()
    store.views = {"m1": view("m1"), "m2": view("m2", channel="2")}
    one_input.take(attempt("m1"), "background")
    assert one_input.take(attempt("m2"), "beam") == "The beam of b1 is of channel 2, not of channel None."


def test_of_a_step_that_measures_several_points_the_point_s_own_channel_is_taken(store: Store) -> None:
    store.views = {"m1": view("m1", channel="1")}
    choosing = store.choosing()
    assert choosing.take(attempt("m1"), "beam", shared="3") is None
    assert choosing.readings["beam"] == (Ref(stream="s 3", seq=10, digest="20"),)
    assert choosing.channel == "3"
    own = store.choosing()
    assert own.take(attempt("m1"), "beam", shared="1") is None
    assert own.readings["beam"] == (ref(11), ref(12)), "the markers name it: their readings are its own"
    for missing in (view("m1", begin=None), view("m1", end=None), view("m1", stream=None)):
        store.views = {"m1": replace(missing, channel="1")}
        choosing = store.choosing()
        assert choosing.take(attempt("m1"), "beam", shared="3") is not None
        assert [r.stream for r in choosing.readings["beam"]] == ["s", "s"]


def test_a_diode_bound_to_the_point_is_read_on_its_own_channel_whatever_the_markers_say(store: Store) -> None:
    store.views = {"m1": view("m1", channel="1"), "m2": view("m2", channel="2")}
    store.bound = {"B1": BoundDetector(detector="D-14", channel="4")}
    choosing = store.choosing()
    for name in ("m1", "m2"):
        assert choosing.take(attempt(name), name) is None
        assert choosing.readings[name][0].stream == "s 4"
    assert (choosing.channel, choosing.told) == (None, False)
    store.bound = {"B1": BoundDetector(detector="D-14"), "B2": BoundDetector(detector="D-1", channel="9")}
    choosing = store.choosing()
    assert choosing.take(attempt("m1"), "beam") is None
    assert choosing.take(attempt("m2"), "again") == "The again of b1 is of channel 2, not of channel 1."


@pytest.mark.parametrize("at", [10, 20])
@pytest.mark.parametrize("gone", [None, entry(10, "damaged")])
def test_a_marker_that_is_not_what_was_stored_stops_the_choice(store: Store, at: int, gone: Any) -> None:
    store.entries = {("s", at): gone}
    with pytest.raises(Damaged, match=f"Entry {at} of stream s is damaged"):
        store.choosing().take(attempt("m1"), "beam")


def test_a_beam_with_its_rest_is_marked_from_its_first_begin_to_its_last_end(store: Store) -> None:
    store.views = {"m1": view("m1", 3, None, state="interrupted"), "m2": view("m2", 10, 20)}
    choosing = store.choosing()
    choosing.take(attempt("m2"), "beam")
    choosing.marked_from(attempt("m1"), "beam")
    assert choosing.marks == {"beam": (ref(3), ref(20))}
    for unknown in (view("m1", None), view("m1", 3, stream=None)):
        store.views["m1"] = unknown
        choosing.marked_from(attempt("m1"), "beam")
        assert choosing.marks == {"beam": (ref(3), ref(20))}


def test_across_instruments_the_markers_are_the_port_s_and_the_readings_those_of_the_diode_that_lay_there(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.bound = {"B1": BoundDetector(detector="D-14", instrument="el-2", stream="s2", first_seq=1, last_seq=9)}
    monkeypatch.setattr(room, "readings_of", lambda _, lay: (ref(lay.first_seq, lay.stream),))
    choosing = store.choosing()
    assert choosing.take_across(attempt("m1"), "beam") is None
    assert (choosing.readings, choosing.marks) == ({"beam": (ref(1, "s2"),)}, {"beam": (ref(10), ref(20))})
    store.views = {"m1": view("m1", state="broken", reason="lost")}
    assert choosing.take_across(attempt("m1"), "beam") == "The beam of b1 is broken: lost."

    def lost(*_: Any) -> Any:
        raise Refused("Entry 4 of el-2 is lost or in doubt.")

    monkeypatch.setattr(room, "readings_of", lost)
    assert choosing.take_across(attempt("m1"), "beam") == "Entry 4 of el-2 is lost or in doubt."


# --- what people said ---


def said_part(point: str, measured: str, begin: float, what: str, reason: str = "Seen.") -> PartSaid:
    return PartSaid(point, measured, begin, begin + 5, 3.0, what, reason, "MD-1", "MP-1")


def test_the_newest_word_of_each_part_of_these_beams_at_this_point_is_kept_and_told(store: Store) -> None:
    store.parts = [
        said_part("B1", "m1", 0.0, "port image"), said_part("B1", "m1", 9.0, "irradiation"),
        said_part("B1", "m1", 0.0, "irradiation", "Looked again."), said_part("B2", "m1", 0.0, "irradiation"),
        said_part("B1", "m9", 0.0, "irradiation"),
    ]  # fmt: skip
    choosing = store.choosing()
    assert choosing.note_of_beams([attempt("m1")]) == (
        PartTaken(measurement="m1", begin_s=0.0, end_s=5.0, what="irradiation"),
        PartTaken(measurement="m1", begin_s=9.0, end_s=14.0, what="irradiation"),
    )
    assert [r.split(":")[1] for r in choosing.remarks] == [
        " Looked again (MD-1, confirmed by MP-1).", " Seen (MD-1, confirmed by MP-1).",
    ]  # fmt: skip


def test_that_a_beam_is_the_rest_of_another_is_told_where_it_is_of_these(store: Store) -> None:
    store.rests = {"m2": rest("m2"), "m9": rest("m9")}
    choosing = store.choosing()
    assert choosing.note_of_beams([attempt("m1"), attempt("m2")]) is None
    assert choosing.remarks == [
        "b1 was interrupted and its rest measured after it: Door opened (MD-1, confirmed by MP-1); its parts are"
        " summed."
    ]


def test_a_step_that_was_not_measured_is_said_with_its_reason_where_there_is_one(store: Store) -> None:
    store.connection.execute("INSERT INTO not_measured VALUES ('S', 'b2', 'the cable came off.')")
    store.connection.execute("INSERT INTO not_measured VALUES ('other', 'b1', 'no time')")
    choosing = store.choosing()
    assert choosing.not_measured("b1") == "Step b1 was not measured."
    assert choosing.not_measured("b2") == "Step b2 was not measured: the cable came off."


# --- a MOSFET's three steps, and the file of a spectrum ---


THREE = [step("v0", "threshold"), step("dwell", "irradiate"), step("v1", "threshold")]


def thresholds(store: Store, *found: Attempt) -> Choosing:
    store.steps = [step("other", "threshold", None, "B9"), step("zero", "zero"), *THREE]
    store.attempts = list(found)
    choosing = store.choosing()
    assert select_thresholds.select_thresholds(choosing) == OfThresholds()
    return choosing


def test_a_mosfet_is_read_before_and_after_its_irradiation(store: Store) -> None:
    store.views = {name: view(name, at, at + 9) for name, at in (("m1", 10), ("m2", 20), ("m3", 30))}
    choosing = thresholds(store, attempt("m1", "v0"), attempt("m2", "dwell"), attempt("m3", "v1"))
    assert choosing.marks == {
        "before": (ref(10), ref(19)), "measurement": (ref(20), ref(29)), "after": (ref(30), ref(39)),
    }  # fmt: skip
    assert (choosing.problems, choosing.remarks) == ([], [])


def test_each_of_the_three_that_was_not_measured_or_broke_is_said(store: Store) -> None:
    store.views = {"m2": view("m2", state="broken", reason="lost")}
    choosing = thresholds(store, attempt("m2", "dwell"), attempt("m3", "v1"))
    assert choosing.problems == ["Step v0 was not measured.", "The measurement of dwell is broken: lost."]
    assert set(choosing.marks) == {"after"}


def test_an_irradiation_with_its_rest_lasts_from_the_begin_to_the_end_of_the_rest(store: Store) -> None:
    store.rests = {"m3": rest("m3")}
    store.views = {"m2": view("m2", 20, 25), "m3": view("m3", 40, 49)}
    beam = [given_up("m2", beam=True, step="dwell"), attempt("m3", "dwell")]
    choosing = thresholds(store, attempt("m1", "v0"), *beam, attempt("m4", "v1"))
    assert choosing.marks["measurement"] == (ref(20), ref(49))
    assert (choosing.problems, len(choosing.remarks)) == ([], 1)
    store.views["m3"] = view("m3", 40, None, state="broken", reason="lost")
    choosing = thresholds(store, attempt("m1", "v0"), *beam, attempt("m4", "v1"))
    assert choosing.problems == ["The measurement of dwell is broken: lost."]
    assert (choosing.marks["measurement"], choosing.remarks) == ((ref(20), ref(25)), [])


def test_a_sensor_of_a_reader_with_several_is_read_on_its_own_channel(store: Store) -> None:
    store.channel, store.beside = "2", {"el-1": ("B1", "B2")}
    choosing = thresholds(store, attempt("m1", "v0"), attempt("m2", "dwell"), attempt("m3", "v1"))
    assert {r.stream for refs in choosing.readings.values() for r in refs} == {"s 2"}


def test_a_plan_with_other_than_three_steps_of_a_mosfet_is_no_plan(store: Store) -> None:
    store.steps = THREE[:2]
    with pytest.raises(ValueError, match="shorter"):
        select_thresholds.select_thresholds(store.choosing())


def test_the_file_of_a_spectrum_is_the_one_that_counts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {("S", "B1"): "ab12"}
    monkeypatch.setattr(select_spectrum, "spectrum_file", lambda _, session, point: files.get((session, point)))
    choosing = store.choosing()
    assert (select_spectrum.select_spectrum(choosing), choosing.problems) == (OfSpectrumFile(spectrum="ab12"), [])
    files.clear()
    assert select_spectrum.select_spectrum(choosing) == OfSpectrumFile(spectrum=None)
    assert choosing.problems == ["No spectrum file was given for B1."]
