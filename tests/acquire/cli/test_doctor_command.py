"""doctor, order cancel, and coefficients of files by the real program: lines, JSON, exit codes."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command_line import Said, acquire

sys.path.append(str(Path(__file__).parents[1] / "procedure"))

from scenario_a import demo_file

from acquire.store.database import connect

NAMES = ("order-A-1.json", "plan-A-v2.toml", "inventory.toml", "calibrations.toml")


class Desk:
    """The command line in a folder with the files of the demonstration and a store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in NAMES:
            (folder / name).write_bytes(demo_file(name)[1])
        connect(folder / "store.db", create=True).close()

    def run(self, *words: str) -> Said:
        return acquire(*words, "--store", f"sqlite:///{self.folder / 'store.db'}", cwd=self.folder)

    def says(self, code: int, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return " ".join((done.stdout + done.stderr).split())

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    @property
    def held(self) -> str:
        """SHA-256 of every row of the store."""
        connection = connect(self.folder / "store.db")
        try:
            return hashlib.sha256("\n".join(connection.iterdump()).encode()).hexdigest()
        finally:
            connection.close()


FILES = ("--inventory", "inventory.toml", "--calibrations", "calibrations.toml")
NOT_ASKED = "could not be asked: no service was named"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.says(0, "order", "add", "order-A-1.json", "--by", "MD-1")
    made.says(0, "plan", "add", "plan-A-v2.toml", *FILES, "--by", "MP-1")
    return made


def causes(desk: Desk, *words: str) -> list[tuple[str, str, str | None]]:
    done = desk.run("doctor", *words, "--json")
    told = json.loads(done.stdout)
    assert done.returncode == (0 if told["ready"] else 1)
    assert told["ready"] == (not told["stops"])
    return [(each["cause"], each["who"], each["takes"]) for each in told["stops"]]


OFFLINE = ("instrument-offline", "dosimetrist", None)


def test_an_order_is_held_against_the_files_its_plan_came_in_with_and_nothing_is_changed(desk: Desk) -> None:
    before = desk.held
    assert causes(desk, "ORD-A-1") == [OFFLINE]
    assert NOT_ASKED in desk.says(1, "doctor", "ORD-A-1")
    assert desk.held == before


def test_a_line_for_each_cause_with_who_mends_it_and_how_long_the_site_says_it_takes(desk: Desk) -> None:
    desk.edit("inventory.toml", 'schema = "inventory/1"', 'schema = "inventory/1"\nmending = { range = "two minutes" }')
    desk.edit("inventory.toml", 'serial = "4096271"', 'serial = "4096271"\nfull_scale_nc = 2.0')
    assert causes(desk, "ORD-A-1", *FILES) == [("range", "dosimetrist", "two minutes")] * 2 + [OFFLINE]
    said = desk.says(1, "doctor", "ORD-A-1", *FILES)
    assert "order ORD-A-1, plan v2, fraction 1: NOT READY, 3 cause(s)" in said
    assert (
        "range: B1: The expected 15.49 nC would overload the range of 2 nC: take the next one. [dosimetrist; two"
        in said
    )


def test_an_order_that_is_not_there_and_one_without_a_plan(desk: Desk) -> None:
    assert causes(desk, "ORD-Z-9") == [("order", "treating physician", None)]
    desk.edit("order-A-1.json", "ORD-A-1", "ORD-A-2")
    desk.says(0, "order", "add", "order-A-1.json", "--by", "MD-1")
    assert causes(desk, "ORD-A-2") == [("plan", "physicist", None)]


def test_a_session_and_an_order_that_is_cancelled_while_it_runs(desk: Desk) -> None:
    session = desk.says(0, "session", "start", "ORD-A-1", *FILES, "--by", "MD-1")
    found = causes(desk, session)
    assert [each[0] for each in found] == ["time-out", "zero", "zero", "instrument-offline"]
    desk.says(0, "order", "cancel", "ORD-A-1", "--reason", "treatment changed", "--by", "RO-1")
    assert causes(desk, session)[0] == ("order", "treating physician", None)
    said = desk.says(
        1, "session", "time-out", session, "--read-by", "MD-1", "--confirmed-by", "RT-1", "--identifiers-agree"
    )
    assert "Order ORD-A-1 was cancelled by RO-1 at" in said
    assert "was cancelled by RO-1" in desk.says(1, "session", "start", "ORD-A-1", *FILES, "--by", "MD-1")
    assert "was cancelled by RO-1" in desk.says(1, "order", "cancel", "ORD-A-1", "--reason", "again", "--by", "RO-1")
    assert "keeps its files" in desk.says(2, "doctor", session, "--fraction", "2")
    assert "both, or neither" in desk.says(2, "doctor", "ORD-A-1", "--inventory", "inventory.toml")


def test_a_new_coefficient_goes_through_two_people_and_a_bad_one_lists_what_it_touched(desk: Desk) -> None:
    desk.edit("calibrations.toml", "value = 3.097,", "value = 3.150,")
    assert causes(desk, "ORD-A-1", *FILES)[0] == ("second-person", "second person for coefficients", None)
    said = desk.says(1, "session", "start", "ORD-A-1", *FILES, "--by", "MD-1")
    assert "n_cal is 3.15 cGy/nC and was 3.097 cGy/nC (+1.71 %)" in said
    enter = ("calibration", "enter", "calibrations.toml", "--inventory", "inventory.toml", "--reason", "session F")
    assert "say by how much a new one may differ" in desk.says(1, *enter, "--by", "MP-1")
    assert "the limit is 1 %, so it is not issued" in desk.says(
        1, *enter, "--change-limit-percent", "1", "--by", "MP-1"
    )
    assert "Another person than MP-1 confirms it" in desk.says(0, *enter, "--change-limit-percent", "3", "--by", "MP-1")
    confirm = ("calibration", "confirm", "CAL-D-11-6MV")
    assert "another person must confirm it" in desk.says(1, *confirm, "--by", "MP-1")
    assert "CAL-D-11-6MV of D-11 is in force, confirmed by MP-2" in desk.says(0, *confirm, "--by", "MP-2")
    assert desk.says(0, "session", "start", "ORD-A-1", *FILES, "--by", "MD-1").startswith("s-")
    stated = json.loads(desk.run("calibration", "stated", "D-11", "--json").stdout)
    assert [each["what"] for each in stated] == ["first", "entered", "confirmed"]
    assert "Coefficients of files" in desk.says(0, "calibration", "stated")
    rejected = desk.says(0, "calibration", "reject", "CAL-D-11-6MV", "--reason", "mistyped", "--by", "MP-1")
    assert "CAL-D-11-6MV is withdrawn. It is in no result." in rejected
    assert "was withdrawn by MP-1 (mistyped)" in desk.says(1, "session", "start", "ORD-A-1", *FILES, "--by", "MD-1")


def test_an_event_names_what_it_ends_and_a_name_that_is_nowhere_is_said_to_be(desk: Desk) -> None:
    now = datetime.now(UTC).isoformat()
    ended = ("--at", now, "--reason", "fell off the couch", "--by", "MD-1")
    said = desk.says(0, "calibration", "ended", "D-11", "fall", *ended)
    assert "Ended: CAL-D-11-6MV." in said
    assert "CAL-D-11-6MV is in no result." in said
    assert "No inventory and no batch of this store names D11" in desk.says(
        0, "calibration", "ended", "D11", "fall", *ended
    )
    assert causes(desk, "ORD-A-1")[0] == ("calibration", "physicist", None)
