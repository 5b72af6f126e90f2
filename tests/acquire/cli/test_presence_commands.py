"""session beam-given, was-there, was-removed, results without results, plan check: exit codes and words."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from command_line import acquire
from test_session_statements import Desk

sys.path.insert(0, str(Path(__file__).parents[1] / "procedure"))

from cases import case_c, case_e
from worked import READER, Case, WorkedClient

from acquire.procedure.session.placement import place
from acquire.procedure.session.session import get_session

DOTS = {"E1": ("e1-1", "e1-2"), "E2": ("e2-1", "e2-2")}


@pytest.fixture
def desk(tmp_path):
    """Worked case E with its dots on the patient: no instrument measures its beam."""
    made = Desk(tmp_path)
    made.case, made.reads = case_e()
    made.case.add(made.connection)
    made.session = made.case.start(made.connection)
    for point, dots in DOTS.items():
        for dot in dots:
            place(made.connection, get_session(made.connection, made.session), point, dot, "MD-1")
    yield made
    made.connection.close()


def test_the_beam_is_stated_before_the_dots_come_off(desk):
    assert desk.asks()[0].startswith("No instrument measures the beam of E1, E2. When it is off")
    desk.refuses(1, "No instrument measured a beam while e1-1 lay at E1: say first", "remove", "e1-1", "--by", "MD-1")
    said = desk.says("beam-given", "--by", "RT-1")
    assert said == "the beam was given while elements lay at E1, E2."
    assert desk.says("remove", "e1-1", "--by", "MD-1") == "e1-1 is back."
    assert not any("No instrument measures" in each for each in desk.asks())


def test_no_beam_is_said_with_a_reason(desk):
    desk.refuses(2, "--reason belongs to --none, and --none needs it.", "beam-given", "--none", "--by", "RT-1")
    desk.refuses(2, "--reason belongs to --none", "beam-given", "--reason", "x", "--by", "RT-1")
    said = desk.says("beam-given", "E1", "--none", "--reason", "the patient was taken ill", "--by", "RT-1")
    assert said == "no beam was given while elements lay at E1."


def test_a_doubt_is_said_at_once_and_two_people_settle_it(desk):
    desk.says("beam-given", "E1", "--by", "RT-1")
    desk.says("beam-given", "E2", "--none", "--reason", "field left out", "--by", "RT-1")
    for dot in ("e1-1", "e1-2", "e2-1"):
        desk.says("remove", dot, "--by", "MD-1")
    client = WorkedClient(desk.connection)
    client.read_elements([("e2-2", 40010.0)], "{counts}")
    done = desk.run("session", "remove", desk.session, "e2-2", "--by", "MD-1")
    assert done.returncode == 0
    two = ("--reason", "it was there", "--by", "MD-1", "--confirmed-by", "RT-1")
    desk.refuses(1, "It is written already that e1-1 lay at E1 during the beam", "was-there", "e1-1", *two)
    assert desk.says("was-there", "e2-2", *two) == "e2-2 lay there during the beam."
    assert desk.says("was-removed", "e2-2", *two) == "e2-2 was off before it was read."
    found = json.loads(desk.run("session", "status", desk.session, "--json").stdout)
    assert "e1-1 of E1 has not been read." in str(found["steps"])


def test_a_dot_that_was_read_under_another_name_is_said_by_two(desk):
    desk.says("beam-given", "--by", "RT-1")
    desk.says("remove", "e1-1", "--by", "MD-1")
    WorkedClient(desk.connection).read_elements([("e9-9", 64310.0)], "{counts}")
    two = ("--reason", "engraving read", "--by", "MD-1", "--confirmed-by", "RT-1")
    desk.refuses(2, "'e1-1' is no ELEMENT=NAME, such as T-017=T-071.", "was-read-as", "e1-1", *two)
    assert desk.says("was-read-as", "e1-1=e9-9", *two) == "e1-1 was read as e9-9."
    desk.refuses(1, "It is said already that e1-1 was read as e9-9.", "was-read-as", "e1-1=e9-9", *two)


def test_a_file_that_was_taken_again_counts_by_two_people(desk):
    for value in (64310.0, 643.1):
        origin = {"file": "dots.csv", "sha256": "ab" * 32, "offset": 20, "length": 20}
        said = {"quantity": "counts", "unit": "{counts}", "origin": origin}
        WorkedClient(desk.connection).read_records("e9-9", value, said)
    two = ("--reason", "the column is of mrad", "--by", "MD-1", "--confirmed-by", "RT-1")
    desk.refuses(
        1, f"Nothing of x.csv was taken again on {READER}: correct its settings", "read-anew", READER, "x.csv", *two
    )
    assert desk.says("read-anew", READER, "dots.csv", *two) == "1 readings of dots.csv count as they were taken again."


def test_a_chip_placed_after_its_beam_is_named_as_it_is_placed(desk):
    desk.says("beam-given", "--by", "RT-1")
    late = case_e()[0]
    late.name = "E9"
    late.add(desk.connection)
    desk.says("remove", "e1-1", "--by", "MD-1")
    WorkedClient(desk.connection).read_elements([("e1-1", 64310.0)], "{counts}")
    done = desk.run("session", "place", desk.session, "E1", "e1-1", "--by", "MD-1")
    assert (done.returncode, done.stdout) == (0, f"{desk.session}: e1-1 at E1.\n")
    assert "e1-1 was placed after the beam of E1: it is not shown to have lain there" in done.stderr


def test_results_of_an_open_session_say_why_there_are_none(desk):
    done = desk.run("results", desk.session)
    assert done.stdout == (
        f"Session {desk.session} is READY: results are calculated once it is closed. Now step remove (remove) is next;"
        f" acquire session status {desk.session} tells the rest.\n"
    )
    assert json.loads(desk.run("results", desk.session, "--json").stdout)["says"].startswith("Session ")


def files_of(case: Case, folder: Path) -> tuple[str, ...]:
    for name, body in (case.plan_file, case.inventory, case.calibration_file):
        (folder / name).write_bytes(body)
    files = ("--inventory", "inventory.toml", "--calibrations", "calibrations.toml")
    return ("plan", "check", "plan.toml", *files, "--store", f"sqlite:///{folder / 'store.db'}")


def test_plan_check_says_everything_and_changes_nothing(desk, tmp_path):
    case, _ = case_c()
    arguments = files_of(case, tmp_path)
    done = acquire(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "Plan v1 of ORD-C-1 can be measured.\n")
    assert "C2: no zero step of electrometer-1 with D-14 stands before background-c2" in done.stderr
    case.steps = [s for s in case.steps if s["id"] != "background-c2"]
    case.plan["approved_on"] = "date:2099-01-01"
    files_of(case, tmp_path)
    done = acquire(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "The plan is stated as approved on 2099-01-01, which lies in the future.",
        "C2: no background step with D-14 on electrometer-1 stands before c2 as the last one of that instrument; add"
        " one, at least as long as the beam.",
    ]
    assert "Plan v1 of ORD-C-1 cannot be measured as it stands: 2 reason(s)." in done.stderr
    found = json.loads(acquire(*arguments, "--json", cwd=tmp_path).stdout)
    assert len(found["stops"]) == 2
    assert desk.connection.execute("SELECT count(*) FROM plan WHERE order_id = 'ORD-C-1'").fetchone()[0] == 0
