"""session console-time, spectrum, exclude, imaging, pre-irradiated, read-at, results --explain: exit codes and words.

Each is the real program on a store of a worked case whose session the session engine has measured.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import Said, acquire

sys.path.insert(0, str(Path(__file__).parents[1] / "procedure"))  # the worked cases are told there

from cases import case_b, case_d, case_e, case_f, client_b, client_f
from test_spectra import COLUMNS, case_with_spectrum
from worked import GIVEN, WorkedClient, run

from acquire.errors import Refused
from acquire.procedure.session.closing import close_session
from acquire.procedure.session.session import list_sessions, time_out
from acquire.store.database import connect


class Desk:
    """The command line on one store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connection = connect(folder / "store.db", create=True)
        self.session = ""

    async def measure(self, case: Any, reads: Any = (), client: Any = None, unit: str = "nC") -> None:
        client = client or WorkedClient(self.connection)
        case.add(self.connection)
        self.session = case.start(self.connection)
        await run(self.connection, client, self.session)
        if reads:
            client.read_elements(reads, unit)
        close_session(self.connection, self.session, "MD-1")

    def run(self, *arguments: str) -> Said:
        return acquire(*arguments, "--store", f"sqlite:///{self.folder / 'store.db'}")

    def says(self, name: str, *arguments: str) -> str:
        done = self.run("session", name, self.session, *arguments)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout.strip().removeprefix(f"{self.session}: ")

    def refuses(self, code: int, sentence: str, name: str, *arguments: str) -> None:
        done = self.run("session", name, self.session, *arguments)
        said = re.sub(r"[\s│]+", " ", done.stderr)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert sentence in said
        assert "Traceback" not in said

    def results(self) -> dict[str, dict[str, Any]]:
        done = self.run("results", self.session, "--calculate", "--by", "MP-1", "--json")
        assert done.returncode == 0, done.stderr
        return {each["point"]: each for each in json.loads(done.stdout)["results"]}

    def asks(self) -> list[str]:
        return list(json.loads(self.run("session", "status", self.session, "--json").stdout)["asks"])


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    yield made
    made.connection.close()


async def test_console_time_is_asked_entered_and_held_against_the_decay(desk):
    await desk.measure(*case_b(), client=client_b(desk.connection))
    assert desk.asks()[1] == "What dwell time did the console show? Say so (acquire session console-time)."
    assert desk.results()["R1"]["decision"] == "INVALID"
    at = "2026-02-05T10:31:00+01:00"
    desk.refuses(
        1, "is no moment with an offset", "console-time", "--seconds", "440.6", "--at", at[:19], "--by", "MD-1"
    )
    desk.refuses(2, "--seconds: '4,40,6' is not one number", "console-time", "--seconds", "4,40,6", "--at", at)
    desk.refuses(2, "--seconds: 'nan' is not one number", "console-time", "--seconds", "nan", "--at", at)
    said = desk.says("console-time", "--seconds", "440,6", "--at", at, "--by", "MD-1")
    assert said == "440.6 s at the console."
    assert desk.results()["R1"]["dose_gy"] == pytest.approx(GIVEN["B_r1_D"], rel=1e-9)
    assert len(desk.asks()) == 1


async def test_an_element_is_left_out_by_two_people(desk):
    await desk.measure(*case_d())
    assert desk.results()["neck-L"]["decision"] == "INVALID"
    why = ("--reason", "It stayed in its tray.")
    two = "An element is left out with a reason, by one person and confirmed by another."
    desk.refuses(1, two, "exclude", "neck-L-b", "--by", "MD-1", "--confirmed-by", "MD-1", *why)
    desk.refuses(2, "Missing option '--confirmed-by'", "exclude", "neck-L-b", "--by", "MD-1", *why)
    desk.refuses(1, "S-1 has no placement", "exclude", "S-1", "--by", "MD-1", "--confirmed-by", "MP-1", *why)
    said = desk.says("exclude", "neck-L-b", "--by", "MD-1", "--confirmed-by", "MP-1", *why)
    assert said == "neck-L-b is left out."
    found = desk.results()["neck-L"]
    assert 100 * found["dose_gy"] == pytest.approx(GIVEN["D_neck_l"], rel=1e-9)
    assert found["remarks"] == ["neck-L-b was left out: It stayed in its tray (MD-1, confirmed by MP-1)."]


async def test_imaging_is_asked_for_and_either_answer_counts(desk):
    case, reads = case_e()
    await desk.measure(case, reads, unit="{counts}")
    desk.results()
    explained = desk.run("results", desk.session, "--explain").stdout
    assert "D = 5.98 ± 0.91 cGy (U, k = 2)" in explained
    assert "over the course 25 × 5.98 (therapy) + 25 × 0.20 (imaging) = 154 ± 23 cGy (U)" in explained
    assert re.search(r"upper end 177\.\d\d cGy, below the order's limit of 200.00 cGy", explained)
    (asked,) = desk.asks()
    assert asked.startswith("Was imaging given while the elements lay at E1, E2?")
    assert desk.results()["E1"]["imaging"] == "not stated"
    printed = desk.run("results", desk.session).stdout
    assert "Whether imaging was given while the elements lay at E1, E2 is not stated." in printed
    desk.refuses(2, "Say --what was given, or --none.", "imaging", "E1", "--by", "RT-1")
    desk.refuses(2, "Say --what was given, or --none.", "imaging", "E1", "--none", "--what", "CT", "--by", "RT-1")
    desk.refuses(1, "has no point 'E9'", "imaging", "E9", "--none", "--by", "RT-1")
    assert desk.says("imaging", "E2", "--none", "--by", "RT-1") == "no imaging at E2 is noted."
    said = desk.says("imaging", "E1", "--what", "cone-beam CT before the field", "--by", "RT-1")
    assert said == "imaging at E1 is noted."
    found = desk.results()
    assert (found["E1"]["decision"], found["E2"]["imaging"]) == ("INVALID", "none given")
    assert "cone-beam CT before the field" in found["E1"]["why"][0]
    assert desk.asks() == []


async def test_what_a_chamber_received_and_the_steps_of_its_dose(desk):
    case = case_f()
    case.points[0]["pre_irradiation_gy"] = 10.0
    await desk.measure(case, client=client_f(desk.connection))
    assert desk.asks() == ["What did CH-1 receive before its readings? Say so (acquire session pre-irradiated)."]
    assert "What CH-1 received before its readings is not stated" in desk.results()["ref"]["why"][0]
    beam = ("--beam", "LA-1, 6 MV", "--by", "MP-1")
    desk.refuses(1, "The inventory has no detector 'CH-2'.", "pre-irradiated", "CH-2", "--gy", "12", *beam)
    assert desk.says("pre-irradiated", "CH-1", "--gy", "12", *beam) == "CH-1 received 12 Gy."
    assert desk.results()["ref"]["decision"] == "REPORT ONLY"
    done = desk.run("results", desk.session, "--explain")
    assert done.returncode == 0
    assert followed(done.stdout) >= 6
    for part in (
        "CH-1 received 12 Gy before its readings (LA-1, 6 MV).",
        "together u = ",
        "formulas version 2, inputs ",
    ):
        assert part in done.stdout


async def test_two_people_state_when_a_reader_read(desk):
    await desk.measure(*case_d())
    at, why = ("--at", "2026-02-16T14:00:00+01:00"), ("--reason", "log book", "--by", "MP-1")
    desk.refuses(1, "confirmed by another", "read-at", "reader-1", *at, *why, "--confirmed-by", "MP-1")
    desk.refuses(1, "has no instrument 'tray'", "read-at", "tray", *at, *why, "--confirmed-by", "MD-1")
    said = desk.says("read-at", "reader-1", *at, *why, "--confirmed-by", "MD-1")
    assert said == "reader-1 read at 2026-02-16T14:00:00+01:00."


async def test_a_spectrum_is_given_and_reported(desk):
    case, reads = case_with_spectrum()
    case.plan.pop("source")
    await desk.measure(case, reads, client=client_b(desk.connection))
    assert desk.results()["spec"]["why"] == ["No spectrum file was given for spec."]
    file, commas = desk.folder / "B.txt", desk.folder / "commas.txt"
    file.write_text(COLUMNS)
    commas.write_text("0.126,61234,5 9\n")
    by = ("--by", "MP-1")
    desk.refuses(1, "none.txt cannot be read: No such file or directory.", "spectrum", "spec", "none.txt", *by)
    desk.refuses(1, "commas.txt: ", "spectrum", "spec", str(commas), *by)
    desk.refuses(1, "Point R1 has method 'tld'; it takes no spectrum file.", "spectrum", "R1", str(file), *by)
    assert desk.says("spectrum", "spec", str(file), *by) == "B.txt for spec."
    found = desk.results()["spec"]
    assert found["decision"] == "REPORT ONLY"
    assert found["spectrum"]["y_f_kev_um"] == pytest.approx(GIVEN["B_yf"], rel=1e-9)


async def test_humidity_is_entered_with_the_air_and_guards_the_chamber(desk):
    case = case_f()
    case.add(desk.connection)
    desk.session = case.start(desk.connection)
    air = ("--temperature", "21.8", "--pressure", "99.87", "--source", "room sensors", "--by", "MD-1")
    for humidity in ("0.45", "450", "0"):
        said = "is no relative humidity of a room; allowed is 1 to 100 %"
        desk.refuses(1, said, "environment", *air, "--humidity", humidity)
    desk.refuses(2, "--humidity: 'nan' is not one number", "environment", *air, "--humidity", "nan")
    said = desk.says("environment", *air, "--humidity", "88")
    assert said == "air 2: 21.8 °C, 99.87 kPa, 88 % relative humidity."
    await run(desk.connection, client_f(desk.connection), desk.session)
    close_session(desk.connection, desk.session, "MD-1")
    assert "relative humidity of 88 % lies outside 20 to 80 %" in desk.results()["ref"]["why"][0]


NUMBER = r"[0-9.]+(?:e[+−-]?[0-9]+)?"


def followed(text: str) -> int:
    """How many steps a pocket calculator can follow: the printed numbers give the printed result to 6 figures."""
    count = 0
    for line in text.splitlines():
        found = re.fullmatch(rf"\s+= (.+) = ({NUMBER}) (\S+)   \[.*\]", line)
        if found is None or not re.fullmatch(r"[0-9.eE+×/()\s−-]+", found[1]):
            continue
        sum_ = found[1].replace("×", "*").replace("−", "-")
        assert eval(sum_) == pytest.approx(float(found[2].replace("−", "-")), rel=2e-6), line
        count += 1
    return count


async def test_a_second_person_confirms_the_expected_doses_of_a_new_plan_version(desk):
    case, _ = case_d()
    case.add(desk.connection)
    case.plan["version"] = 2
    case.add_plan(desk.connection)
    waiting = [p["id"] for p in case.points if p.get("expected")]
    with pytest.raises(Refused, match=r"head.* in plan v2 waits for a second person \(acquire plan confirm\)"):
        case.start(desk.connection)
    done = desk.run("plan", "confirm", "ORD-D-1", "2", "head", "--by", "MP-1")
    assert (done.returncode, done.stdout) == (1, "")
    assert "MP-1 entered the expected dose of head; another person must confirm it" in done.stderr
    for point in waiting:
        done = desk.run("plan", "confirm", "ORD-D-1", "2", point, "--by", "MP-2")
        assert done.stdout == f"ORD-D-1 plan v2: the expected dose of {point} is confirmed by MP-2.\n"
    (desk.session,) = list_sessions(desk.connection)
    time_out(desk.connection, desk.session, "MD-1", "RT-1", identifiers_agree=True)


async def test_a_mistyped_placement_is_corrected_by_two_people_and_only_with_a_chip_that_can_have_been_there(desk):
    case, _ = case_d()
    spare = case.element("spare", 1.0, "tld")
    case.add(desk.connection)
    desk.session = case.start(desk.connection)
    await run(desk.connection, WorkedClient(desk.connection), desk.session)
    two = ("--by", "MD-1", "--confirmed-by", "MP-2", "--reason", "engraving read by two")
    alone = ("--by", "MD-1", "--confirmed-by", "MD-1", "--reason", "engraving")
    desk.refuses(1, "needs a reason and a second person", "correct", "head-R-a", spare, *alone)
    desk.refuses(1, "neck-L-a was placed at neck-L in this session; it cannot have been at", "correct", "head-R-a",
                 "neck-L-a", *two)  # fmt: skip
    desk.refuses(1, "S-1 is a standard, control or check element of this plan", "correct", "head-R-a", "S-1", *two)
    assert desk.says("correct", "head-R-a", spare, *two) == "spare was placed, not head-R-a."


async def test_the_table_names_what_measured_each_point(desk):
    await desk.measure(*case_d())
    desk.results()
    assert re.search(r"│ head-R +│ head-R-a,", desk.run("results", desk.session).stdout)
    said = json.loads(desk.run("results", desk.session, "--json").stdout)["results"]
    assert {each["point"]: each["detector"] for each in said}["head"] == "head-R, head-L"


async def test_the_reader_run_is_doubted_in_the_status_stated_by_two_people_and_shown_with_the_result(desk):
    case, reads = case_d()
    client = WorkedClient(desk.connection)
    case.add(desk.connection)
    desk.session = case.start(desk.connection)
    await run(desk.connection, client, desk.session)
    own = ("head-R-a", "head-R-b")
    client.read_elements([r for r in reads if r[0] not in own])
    client.read_elements([r for r in reads if r[0] in own], file="second tray")
    close_session(desk.connection, desk.session, "MD-1")
    doubts = json.loads(desk.run("session", "status", desk.session, "--json").stdout)["doubts"]
    assert [each.partition(":")[0] for each in doubts] == [f"The run of {chip} is not certain" for chip in own]
    assert doubts[0] in re.sub(r"\s+", " ", desk.run("session", "status", desk.session).stderr)
    assert desk.results()["head-R"]["decision"] == "INVALID"
    two = ("--by", "MD-1", "--confirmed-by", "MP-1", "--reason", "one load, exported in two")
    desk.refuses(1, "by one person and confirmed by another", "reader-run", *own, "--standards", "before", *two[:3],
                 "MD-1", *two[4:])  # fmt: skip
    desk.refuses(1, "None of the standards and controls of reader-1 stand after head-R-a", "reader-run", *own,
                 "--standards", "after", *two)  # fmt: skip
    said = desk.says("reader-run", *own, "--standards", "before", *two)
    assert said == "head-R-a, head-R-b were read with the standards before them."
    result = desk.results()["head-R"]
    assert 100 * result["dose_gy"] == pytest.approx(GIVEN["D_head_r"], rel=1e-9)
    assert result["decision"] == "REPORT ONLY"
    assert "one load, exported in two" in result["remarks"][0]
    shown = desk.run("results", desk.session).stdout
    assert "head-R: Read in the run of reader-1 that begins at tray" in shown
    assert json.loads(desk.run("session", "status", desk.session, "--json").stdout)["doubts"] == []
