"""Which standards belong to which chips: those of the reader's run, whatever files and clocks say."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from winrems_runs import CHIP_NC, CONTROL, MORNING, QC, SIGNAL, TRAVELLING, Folder, chips_case, run_of
from worked import WorkedClient, closed_results, run

from acquire.errors import Refused
from acquire.procedure.methods.doses import calculate
from acquire.procedure.readouts import reader_records
from acquire.procedure.records.selection import selection_of
from acquire.procedure.results.inputs import prepare
from acquire.procedure.results.result import calculate_session, latest
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.run_of_point import run_doubts, state_run
from acquire.procedure.session.session import get_session
from acquire.record import build, html

TRUE = pytest.approx(3.07, abs=0.001)
NOT_CERTAIN = "is not certain"


class Measured:
    """Chips that lay on a patient and came back, before anything was read."""

    def __init__(self, connection: Any, tmp_path: Path) -> None:
        self.connection = connection
        self.client = WorkedClient(connection)
        self.folder = Folder(tmp_path, self.client)
        self.session = ""

    async def of(self, *chips: str, name: str = "W", **batch: Any) -> str:
        case = chips_case(*chips, name=name, **batch)
        case.add(self.connection)
        self.session = case.start(self.connection)
        await run(self.connection, self.client, self.session)
        return self.session

    def results(self, session: str | None = None) -> dict[str, Any]:
        return closed_results(self.connection, session or self.session, over="the reader gave no more")

    def again(self) -> dict[str, Any]:
        return {r.point: r.output.plain() for r in calculate_session(self.connection, self.session, "MP-1")}

    def found(self) -> Any:
        return get_session(self.connection, self.session)

    def state(self, *chips: str, side: Any = "before", who: str = "MD-1", by: str = "MP-1") -> None:
        state_run(self.connection, self.found(), chips, side, who, by, "the log book of the reader")


@pytest.fixture
def measured(connection: Any, tmp_path: Path) -> Measured:
    return Measured(connection, tmp_path)


def cgy(outputs: dict[str, Any], chip: str) -> float:
    output = outputs[f"at-{chip}"]
    assert "dose_gy" in output, output["why"]
    return float(100 * output["dose_gy"])


def why(outputs: dict[str, Any], chip: str) -> str:
    output = outputs[f"at-{chip}"]
    assert output["decision"] == "INVALID", output
    return " ".join(output["why"])


# --- the fault: two runs of one day in one export file ---------------------------------------------------------------


@pytest.mark.parametrize("begins", [QC, ()])
async def test_two_runs_of_a_day_in_one_file_have_each_their_own_standards(measured: Measured, begins: Any) -> None:
    await measured.of("T-1", "T-2")
    first = run_of(*begins, *TRAVELLING, "T-1")
    second = run_of(*begins, *TRAVELLING, "T-2", sensitivity=2.0, begin=MORNING + timedelta(hours=1))
    await measured.folder.put("tray.asc", first + second)
    outputs = measured.results()
    assert cgy(outputs, "T-1") == TRUE
    assert cgy(outputs, "T-2") == TRUE  # the first run's standards would give 6.15
    runs = [outputs[f"at-{chip}"]["reader_run"] for chip in ("T-1", "T-2")]
    assert [each["offset"] for each in runs] == [0, len(first)]
    assert [each["standards"] for each in runs] == [["S-1", "S-2", "S-3"]] * 2
    assert verify_store(measured.connection) == []


@pytest.mark.parametrize(("light", "said"), [(9_500.0, True), (10_300.0, False)])
async def test_reference_light_that_fell_before_a_chip_was_read_is_a_doubt_of_its_dose(
    measured: Measured, light: float, said: bool
) -> None:
    await measured.of("T-1", "T-2")
    others = [f"X-{n}" for n in range(1, 6)]  # with T-1, standards and control ten dosimeters
    begin, then = run_of(*QC, *TRAVELLING, "T-1", *others), MORNING + timedelta(seconds=12 * 46)
    await measured.folder.put("tray.asc", begin + run_of(*QC, "T-2", begin=then, light=light))
    outputs = measured.results()
    warned = [text for text in outputs["at-T-2"]["warnings"] if "Reference light" in text]
    assert bool(warned) is said
    if said:
        assert "-10.4 % from its running mean at the reading of 2027-02-05T09:09:58; the limit is 5 %" in warned[0]
        (found,) = [each for each in outputs["at-T-2"]["quality"] if each["check"] == "Reference light"]
        assert found["severity"] == "doubt"
    assert not any("Reference light" in text for text in outputs["at-T-1"]["warnings"]), "it was read before"
    assert cgy(outputs, "T-2") == TRUE


async def test_the_result_and_the_record_say_which_run_and_its_quality_control(measured: Measured) -> None:
    await measured.of("T-1")
    await measured.folder.put("tray.asc", run_of(*QC, *TRAVELLING, "T-1", "T-9"))
    run_told = measured.results()["at-T-1"]["reader_run"]
    assert run_told["is"] == "M6600 1"
    assert run_told["pmt-noise"] == {"unit": "C", "values": [pytest.approx(0.12e-9)]}
    assert run_told["reference-light"] == {"unit": "C", "values": [pytest.approx(10_600e-9)]}
    assert "tray.asc, byte 0" in run_told["says"]
    assert "standards S-1, S-2, S-3; controls C-1; 1 of PMT noise; 1 of reference light" in run_told["says"]
    record = build(measured.connection, measured.session)
    assert run_told["says"] in html(record).replace("&#39;", "'")
    assert record["reader_runs_stated"] == []


# --- files are no runs ------------------------------------------------------------------------------------------------


async def test_two_files_of_one_run(measured: Measured) -> None:
    await measured.of("T-1", "T-2")
    await measured.folder.put("a.asc", run_of(*QC, *TRAVELLING, "T-1"))
    await measured.folder.put("b.asc", run_of("T-2", begin=MORNING + timedelta(minutes=6)))
    outputs = measured.results()
    assert (cgy(outputs, "T-1"), cgy(outputs, "T-2")) == (TRUE, TRUE)


@pytest.mark.parametrize("later", [timedelta(days=-1), timedelta(days=1)])
async def test_a_file_of_another_day_without_quality_control_is_no_end_of_todays_run(
    measured: Measured, later: timedelta
) -> None:
    """Somebody forgot it yesterday, or exported tomorrow's chips alone."""
    await measured.of("T-1", "T-2")
    await measured.folder.put("a.asc", run_of(*QC, *TRAVELLING, "T-1"))
    await measured.folder.put("b.asc", run_of("T-2", begin=MORNING + later, sensitivity=2.0))
    outputs = measured.results()
    assert cgy(outputs, "T-1") == TRUE
    assert "nothing in the records tells whether the run goes on in it" in why(outputs, "T-2")


async def test_a_file_that_grows_during_a_run_while_the_service_runs(measured: Measured) -> None:
    await measured.of("T-1", "T-2", "T-3")
    for n, cards in enumerate([(*QC, "S-1", "S-2"), ("S-3", CONTROL, "T-1"), ("T-2",), ("T-3",)]):
        assert await measured.folder.put("tray.asc", run_of(*cards), append=n > 0) == len(cards)
    outputs = measured.results()
    assert [cgy(outputs, chip) for chip in ("T-1", "T-2", "T-3")] == [TRUE] * 3
    assert len({str(outputs[f"at-{chip}"]["reader_run"]["first"]) for chip in ("T-1", "T-2", "T-3")}) == 1


async def test_another_run_that_is_dropped_while_a_file_grows_takes_nothing_of_it(measured: Measured) -> None:
    await measured.of("T-1", "T-2")
    await measured.folder.put("today.asc", run_of(*QC, *TRAVELLING, "T-1"))
    old = run_of(*QC, *TRAVELLING, "T-8", sensitivity=2.0, begin=MORNING - timedelta(days=1))
    await measured.folder.put("yesterday.asc", old)
    await measured.folder.put("today.asc", run_of("T-2"), append=True)
    outputs = measured.results()
    assert (cgy(outputs, "T-1"), cgy(outputs, "T-2")) == (TRUE, TRUE)


async def test_a_renamed_file_that_is_dropped_again_gives_nothing_twice_and_goes_on_where_it_ended(
    measured: Measured,
) -> None:
    await measured.of("T-1", "T-2")
    text = run_of(*QC, *TRAVELLING, "T-1")
    assert await measured.folder.put("tray.asc", text) == 7
    assert await measured.folder.put("tray (1).asc", text) == 0
    assert await measured.folder.put("tray (2).asc", text + run_of("T-2")) == 1
    outputs = measured.results()
    assert (cgy(outputs, "T-1"), cgy(outputs, "T-2")) == (TRUE, TRUE)
    assert [outputs[f"at-{chip}"]["remarks"] for chip in ("T-1", "T-2")] == [[], []]


async def test_files_that_wait_together_come_as_they_were_written_not_by_name(measured: Measured) -> None:
    await measured.of("T-1", "T-2")
    measured.folder.write("run_9.asc", run_of(*QC, *TRAVELLING, "T-1"))
    measured.folder.write("run_10.asc", run_of("T-2", begin=MORNING + timedelta(minutes=6)))
    assert await measured.folder.take() == 8
    outputs = measured.results()
    assert (cgy(outputs, "T-1"), cgy(outputs, "T-2")) == (TRUE, TRUE)


# --- clocks tell nothing ----------------------------------------------------------------------------------------------


async def test_one_file_with_two_days(measured: Measured) -> None:
    await measured.of("T-1", "T-2")
    second = run_of(*QC, *TRAVELLING, "T-2", sensitivity=2.0, begin=MORNING + timedelta(days=1))
    await measured.folder.put("tray.asc", run_of(*QC, *TRAVELLING, "T-1") + second)
    outputs = measured.results()
    assert (cgy(outputs, "T-1"), cgy(outputs, "T-2")) == (TRUE, TRUE)


async def test_a_second_day_without_standards_or_quality_control_has_no_result(measured: Measured) -> None:
    await measured.of("T-1", "T-2")
    second = run_of("T-2", sensitivity=2.0, begin=MORNING + timedelta(days=1))
    await measured.folder.put("tray.asc", run_of(*TRAVELLING, "T-1") + second)
    outputs = measured.results()
    assert cgy(outputs, "T-1") == TRUE
    assert "the reader's clock stands at another time there" in why(outputs, "T-2")


@pytest.mark.parametrize("later", [timedelta(minutes=15), timedelta(hours=3)])
async def test_a_run_of_just_ten_dosimeters_goes_on_after_a_pause_only_where_two_people_say_so(
    measured: Measured, later: timedelta
) -> None:
    others = [f"X-{n}" for n in range(5)]
    await measured.of("T-1", "T-2")
    then = run_of(*QC, "T-2", begin=MORNING + later)
    await measured.folder.put("tray.asc", run_of(*QC, *TRAVELLING, *others, "T-1") + then)
    outputs = measured.results()
    assert cgy(outputs, "T-1") == TRUE
    said = why(outputs, "T-2")
    assert NOT_CERTAIN in said
    assert "quality control stands between them after just ten dosimeters" in said
    measured.state("T-2", side="before")
    assert cgy(measured.again(), "T-2") == TRUE


async def test_a_run_over_midnight(measured: Measured) -> None:
    await measured.of("T-1")
    late = datetime(2027, 2, 5, 23, 57, 30)
    await measured.folder.put("tray.asc", run_of(*QC, *TRAVELLING, "T-1", begin=late))
    assert cgy(measured.results(), "T-1") == TRUE


@pytest.mark.parametrize(
    ("begins", "back"), [(QC, timedelta(hours=1)), (QC, timedelta(days=9000)), ((), timedelta(hours=1))]
)
async def test_a_readers_clock_that_jumps_back_inside_a_run(measured: Measured, begins: Any, back: timedelta) -> None:
    await measured.of("T-1", "T-2")
    text = run_of(*begins, "S-1", "S-2", "T-1") + run_of("S-3", CONTROL, "T-2", begin=MORNING - back)
    await measured.folder.put("tray.asc", text)
    outputs = measured.results()
    assert (cgy(outputs, "T-1"), cgy(outputs, "T-2")) == (TRUE, TRUE)


# --- how runs are made up ---------------------------------------------------------------------------------------------


async def test_chips_of_two_patients_in_one_run(measured: Measured) -> None:
    first = await measured.of("T-1")
    second = await measured.of("T-2", name="V")
    await measured.folder.put("tray.asc", run_of(*QC, *TRAVELLING, "T-1", "T-2"))
    assert cgy(measured.results(first), "T-1") == TRUE
    assert cgy(measured.results(second), "T-2") == TRUE


@pytest.mark.parametrize("begins", [QC, ()])
async def test_standards_read_at_the_end_of_each_run(measured: Measured, begins: Any) -> None:
    await measured.of("T-1", "T-2")
    text = run_of(*begins, "T-1", *TRAVELLING) + run_of(*begins, "T-2", *TRAVELLING, sensitivity=2.0)
    await measured.folder.put("tray.asc", text)
    outputs = measured.results()
    assert (cgy(outputs, "T-1"), cgy(outputs, "T-2")) == (TRUE, TRUE)


async def test_quality_control_after_ten_dosimeters_is_of_the_run_under_way(measured: Measured) -> None:
    others = [f"X-{n}" for n in range(5)]
    await measured.of("T-1", "T-2")
    await measured.folder.put("tray.asc", run_of(*QC, *TRAVELLING, *others, "T-1", *QC, "T-2"))
    outputs = measured.results()
    assert (cgy(outputs, "T-1"), cgy(outputs, "T-2")) == (TRUE, TRUE)
    assert [len(outputs[f"at-{t}"]["reader_run"]["pmt-noise"]["values"]) for t in ("T-1", "T-2")] == [1, 2]


async def test_a_second_run_after_just_ten_dosimeters_is_known_by_its_standards(measured: Measured) -> None:
    others = [f"X-{n}" for n in range(5)]
    await measured.of("T-1", "T-2")
    second = run_of(*QC, *TRAVELLING, "T-2", sensitivity=2.0)
    await measured.folder.put("tray.asc", run_of(*QC, *TRAVELLING, *others, "T-1") + second)
    outputs = measured.results()
    assert (cgy(outputs, "T-1"), cgy(outputs, "T-2")) == (TRUE, TRUE)


async def test_a_second_run_without_standards_has_no_result_and_says_so(measured: Measured) -> None:
    await measured.of("T-1", "T-2")
    second = run_of(*QC, "T-2", sensitivity=2.0)
    await measured.folder.put("tray.asc", run_of(*QC, *TRAVELLING, "T-1") + second)
    outputs = measured.results()
    assert cgy(outputs, "T-1") == TRUE
    assert outputs["at-T-2"]["why"] == [
        "No result, standards missing in this reader session: S-1, S-2, S-3.",
        "No result, controls missing in this reader session: C-1.",
        "S-1, S-2, S-3, C-1 stand in another run of reader-1 than T-2, since a run begins in between with its quality"
        " control records; if that is wrong, two people state with which standards it was read (acquire session"
        " reader-run).",
    ]


async def test_a_standard_that_was_forgotten_is_not_taken_from_the_next_run(measured: Measured) -> None:
    await measured.of("T-1", "T-2")
    text = run_of("S-1", "S-2", CONTROL, "T-1") + run_of("S-3", CONTROL, "T-2", sensitivity=2.0)
    await measured.folder.put("tray.asc", text)
    outputs = measured.results()
    assert "standards missing in this reader session: S-3." in why(outputs, "T-1")
    assert "standards missing in this reader session: S-1, S-2." in why(outputs, "T-2")


async def test_a_chip_that_is_read_once_more_counts_with_its_first_run(measured: Measured) -> None:
    await measured.of("T-1", "T-2")
    await measured.folder.put("tray.asc", run_of(*QC, *TRAVELLING, "T-1", "T-2") + run_of(*QC, "T-1", sensitivity=0.1))
    outputs = measured.results()
    assert (cgy(outputs, "T-1"), cgy(outputs, "T-2")) == (TRUE, TRUE)
    assert outputs["at-T-1"]["remarks"][0].startswith("T-1 was read 2 times; the first readout counts")


async def test_what_follows_a_chip_that_stands_twice_is_of_another_run(measured: Measured) -> None:
    await measured.of("T-1", "T-2", "T-3")
    await measured.folder.put("tray.asc", run_of(*TRAVELLING, "T-1", "T-2", "T-1", "T-3"))
    outputs = measured.results()
    assert (cgy(outputs, "T-1"), cgy(outputs, "T-2")) == (TRUE, TRUE)
    assert "since an element was read once more in between" in why(outputs, "T-3")


async def test_a_journal_that_was_lost_gives_the_file_again_and_repeats_no_run(
    measured: Measured, tmp_path: Path
) -> None:
    await measured.of("T-1", "T-2")
    await measured.folder.put("tray.asc", run_of(*QC, *TRAVELLING, "T-1"))
    (tmp_path / "taken").unlink()
    measured.folder = Folder(tmp_path, measured.client)
    assert await measured.folder.put("tray.asc", run_of("T-2"), append=True) == 8
    outputs = measured.results()
    assert (cgy(outputs, "T-1"), cgy(outputs, "T-2")) == (TRUE, TRUE)
    assert outputs["at-T-1"]["remarks"] == []


async def test_a_reader_that_states_its_runs_is_believed_whatever_it_says_in_between(measured: Measured) -> None:
    """As the Risø driver gives them: progress while it heats is no record, and two sequences are two runs."""
    await measured.of("T-1", "T-2", "T-3")
    progress = {"kind": "scalar", "quantity": "counts", "unit": "{counts}", "flags": ["incomplete"], "raw": "heating"}
    for name, sensitivity, chip in (("first", 1.0, "T-1"), ("second", 2.0, "T-2")):
        for element, nc in (*SIGNAL.items(), (chip, CHIP_NC)):
            now = {"time": measured.client.now(), "monotonic_s": 1.0}
            measured.client.put("reader-1", [{**progress, **now}])
            measured.client.read_records(element, nc * sensitivity, {"run": name, "origin": {}})
    measured.client.read_records("T-3", CHIP_NC, {"run": "third", "origin": {}})
    outputs = measured.results()
    assert (cgy(outputs, "T-1"), cgy(outputs, "T-2")) == (TRUE, TRUE)
    assert outputs["at-T-2"]["reader_run"]["says"].startswith("Read in the run 'second' of reader-1 that begins at")
    assert "since the reader states another run" in why(outputs, "T-3")


# --- what the records leave open, and the way out ---------------------------------------------------------------------


async def test_a_file_without_quality_control_leaves_open_whether_the_run_goes_on(measured: Measured) -> None:
    await measured.of("T-1", "T-2")
    await measured.folder.put("a.asc", run_of(*TRAVELLING, "T-1"))
    await measured.folder.put("b.asc", run_of("T-2"))
    assert run_doubts(measured.connection, measured.found()) == [
        "The run of T-2 is not certain: S-1, S-2, S-3, C-1 stand beside it, a file begins between them, and nothing in"
        " the records tells whether the run goes on in it; two people state with which standards it was read (acquire"
        " session reader-run)."
    ]
    outputs = measured.results()
    assert cgy(outputs, "T-1") == TRUE
    assert NOT_CERTAIN in why(outputs, "T-2")
    measured.state("T-2")
    output = measured.again()["at-T-2"]
    assert 100 * output["dose_gy"] == TRUE
    assert output["remarks"] == [
        "MD-1, confirmed by MP-1, state that T-2 was read with the standards that stand before it: the log book of the"
        " reader."
    ]
    assert output["reader_run"]["begins"] == "two people state it"
    assert run_doubts(measured.connection, measured.found()) == []
    assert verify_store(measured.connection) == []
    assert build(measured.connection, measured.session)["reader_runs_stated"][0]["dosimeter"] == "T-2"


async def test_standards_before_and_after_in_one_file_leave_open_which_are_the_chips(measured: Measured) -> None:
    """The second run has begun: whether its standards come first, nobody can tell before its chips are read."""
    await measured.of("T-1")
    text = run_of(*TRAVELLING, "T-1") + run_of(*TRAVELLING, sensitivity=2.0)
    await measured.folder.put("tray.asc", text)
    assert "nothing in the records tells where between them the second run began" in why(measured.results(), "T-1")
    measured.state("T-1", side="after")
    assert 100 * measured.again()["at-T-1"]["dose_gy"] == pytest.approx((CHIP_NC - 1.0) / 6.4)
    measured.state("T-1", side="before")
    assert 100 * measured.again()["at-T-1"]["dose_gy"] == TRUE
    await measured.folder.put("tray.asc", run_of("T-8", sensitivity=2.0), append=True)
    assert 100 * measured.again()["at-T-1"]["dose_gy"] == TRUE


async def test_a_run_that_was_resumed_after_a_jam_is_put_together_by_two_people(measured: Measured) -> None:
    await measured.of("T-1", "T-2")
    await measured.folder.put("tray.asc", run_of(*QC, *TRAVELLING, "T-1", *QC, "T-2"))
    assert "a run begins in between" in why(measured.results(), "T-2")
    measured.state("T-2")
    assert 100 * measured.again()["at-T-2"]["dose_gy"] == TRUE


async def test_a_loss_that_may_have_been_the_beginning_of_a_run_gives_no_number(measured: Measured) -> None:
    await measured.of("T-1", "T-2")
    await measured.folder.put("tray.asc", run_of(*QC, *TRAVELLING, "T-1"))
    gap = {"kind": "gap", "reason": "the disk was full", "count": 2, "since": "2027-02-05T09:00:00Z"}
    measured.client.put("reader-1", [{**gap, "time": measured.client.now(), "monotonic_s": 1.0}])
    await measured.folder.put("tray.asc", run_of("T-2"), append=True)
    outputs = measured.results()
    assert cgy(outputs, "T-1") == TRUE
    assert "something between them was lost" in why(outputs, "T-2")


async def test_the_chips_of_one_point_are_of_one_run(measured: Measured) -> None:
    case = chips_case("T-1")
    case.element("T-2", 1.0, "tld")
    case.points[0] |= {"elements": ["T-1", "T-2"], "pair_limit_percent": 5.0}
    case.add(measured.connection)
    measured.session = case.start(measured.connection)
    await run(measured.connection, measured.client, measured.session)
    second = run_of(*QC, *TRAVELLING, "T-2", sensitivity=2.0)
    await measured.folder.put("tray.asc", run_of(*QC, *TRAVELLING, "T-1") + second)
    assert why(measured.results(), "T-1") == "The elements of at-T-1 were read in different reader sessions."


async def test_a_run_is_stated_by_two_people_of_what_was_read(measured: Measured) -> None:
    await measured.of("T-1", "T-2")
    await measured.folder.put("tray.asc", run_of(*QC, *TRAVELLING, "T-1"))
    with pytest.raises(Refused, match="with a reason, by one person and confirmed by another"):
        measured.state("T-1", by="md-1")
    with pytest.raises(Refused, match="T-2 has no readout in session"):
        measured.state("T-2")
    with pytest.raises(Refused, match="None of the standards and controls of reader-1 stand after T-1"):
        measured.state("T-1", side="after")
    assert measured.results()["at-T-1"]["remarks"] == []


async def test_a_result_is_not_made_anew_because_the_run_goes_on(measured: Measured) -> None:
    await measured.of("T-1")
    await measured.folder.put("tray.asc", run_of(*QC, *TRAVELLING, "T-1"))
    measured.results()
    await measured.folder.put("tray.asc", run_of("T-8", "T-9"), append=True)
    (result,) = calculate_session(measured.connection, measured.session, "MP-1")
    assert result.version == 1


async def test_a_result_of_before_there_were_runs_is_computed_again_as_it_was(measured: Measured) -> None:
    await measured.of("T-1")
    await measured.folder.put("tray.asc", run_of(*QC, *TRAVELLING, "T-1"))
    measured.results()
    result = latest(measured.connection, measured.session, "at-T-1")
    earlier = selection_of({key: value for key, value in result.selection.plain().items() if key != "run"})
    output = calculate(prepare(measured.connection, earlier))
    assert output == replace(result.output, reader_run=None)


async def test_a_run_that_begins_further_away_than_is_looked_is_not_taken_for_the_next_one(
    measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    await measured.of("T-1")
    others = [f"X-{n}" for n in range(4)]
    await measured.folder.put("tray.asc", run_of(*TRAVELLING, *others, "T-1") + run_of(*TRAVELLING, sensitivity=2.0))
    monkeypatch.setattr(reader_records, "LOOKED_AT", 4)
    assert "too far away to be looked at" in why(measured.results(), "T-1")
