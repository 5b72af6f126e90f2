"""elements and calibration: the real program on a store, its JSON, its sentences and exit codes, its progress bar."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import Said, acquire
from stocked import NEXT_YEAR, Stock, chips, hours_ago
from worked import READER

from acquire.store.database import connect

HEADER = "element,batch,barcode,reader,read_as,ecc [1],u_ecc [%]\n"


class Desk:
    """The command line on one store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connection = connect(folder / "store.db", create=True)
        self.url = f"sqlite:///{folder / 'store.db'}"

    def run(self, *words: str) -> Said:
        return acquire(*words, "--store", self.url)

    def says(self, *words: str) -> str:
        done = self.run(*words)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout.strip()

    def gives(self, *words: str) -> Any:
        return json.loads(self.says(*words, "--json"))

    def refuses(self, code: int, sentence: str, *words: str) -> None:
        done = self.run(*words)
        said = re.sub(r"[\s│]+", " ", done.stderr)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert sentence in said
        assert "Traceback" not in said

    def file(self, *lines: str) -> str:
        path = self.folder / "chips.csv"
        path.write_text(HEADER + "\n".join(lines) + "\n")
        return str(path)


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    yield made
    made.connection.close()


BATCH = ("elements", "batch", "B-1", "--kind", "tld", "--material", "LiF", "--background", "after-sensitivity")
ADD = ("elements", "add", "T-1", "--batch", "B-1", "--barcode", "4711", "--reader", READER, "--read-as", "1")
BY = ("--by", "MD-1")
BEGIN = (
    "calibration", "begin", "B-1", "--reader", READER, "--dose-gy", "2", "--u-percent", "0,8", "--source", "Co-60",
    "--rule", "grubbs", "--rule-limit", "0.05", "--outside", "withdrawn", "--ecc-range", "0.7", "1.4",
    "--valid-until", NEXT_YEAR.isoformat(), *BY,
)  # fmt: skip


def test_batch_and_elements_are_entered_and_changed_by_two_people(desk):
    assert desk.gives(*BATCH, *BY) == {"batch": "B-1", "version": 1}
    assert desk.says(*BATCH, *BY) == "Batch B-1 v1."
    two = ("--reason", "site limit", "--confirmed-by", "MP-1")
    desk.refuses(1, "is changed with a reason, by one person and confirmed by another", *BATCH, "--limit-gy", "20", *BY)
    assert desk.gives(*BATCH, "--limit-gy", "20", *two, *BY)["version"] == 2
    assert desk.gives(*ADD, *BY) == {"element": "T-1", "version": 1}
    desk.refuses(
        1, "T-1 is in the store otherwise; it is changed with a reason", *ADD, "--expires-on", "2099-01-01", *BY
    )
    assert desk.gives(*ADD, "--expires-on", "2099-01-01", *two, *BY)["version"] == 2
    assert desk.says(*ADD, "--expires-on", "2099-01-01", *BY) == "Element T-1 v2 of batch B-1."
    (listed,) = desk.gives("elements", "list")
    assert (listed["element"], listed["expires_on"], listed["status"]) == ("T-1", "2099-01-01", "in use")
    desk.refuses(2, "'1.2.2027' is no date; write it as 2027-12-31", *ADD, "--expires-on", "1.2.2027", *BY)
    desk.refuses(2, "--kind: 'film' is none of osl, tld", *(w.replace("tld", "film") for w in BATCH), *BY)
    desk.refuses(1, "no batch 'B-9'; it has B-1", *(w.replace("B-1", "B-9") for w in ADD), *BY)
    desk.refuses(1, "Barcode 4711 of T-2 is that of T-1 already", *(w.replace("T-1", "T-2") for w in ADD), *BY)


def test_a_table_is_imported_whole_or_not_at_all(desk):
    desk.says(*BATCH, *BY)
    bad = desk.file("T-1,B-1,1,reader-1,1,0.98,1", "T-2,B-1,2,reader-1,2,0,1")
    stated = ("--certificate", "maker", "--ecc-range", "0.7", "1.4", "--valid-until", NEXT_YEAR.isoformat(), *BY)
    desk.refuses(2, "chips.csv, line 3, column ecc: 0 is no element correction", "elements", "import", bad, *stated)
    assert desk.gives("elements", "list") == []
    done = desk.run("elements", "import", bad, *stated, "--skip-bad", "--json")
    found = json.loads(done.stdout)
    assert (found["added"], len(found["left_out"]), done.returncode) == (["T-1"], 1, 0)
    assert desk.gives("elements", "list")[0]["ecc"] is None, "nobody has confirmed it"
    (name,) = found["calibrations"]
    assert desk.gives("calibration", "confirm", name, "--by", "MP-1")["state"] == "confirmed"
    assert desk.gives("elements", "list")[0]["ecc"] == 0.98
    out = desk.folder / "out.csv"
    assert desk.gives("elements", "export", "-o", str(out)) == {"file": str(out), "elements": 1}
    assert out.read_bytes().startswith(
        b"element,batch,barcode,reader,read_as,element_index,expires_on,ecc [1],u_ecc [%],"
    )
    desk.refuses(1, "is left as it is", "elements", "export", "-o", str(out))
    desk.says("elements", "export", "-o", str(desk.folder / "semi.csv"), "--semicolons", "--batch", "B-1")
    assert b"element;batch;" in (desk.folder / "semi.csv").read_bytes()
    desk.refuses(1, "no batch 'B-9'", "elements", "export", "-o", str(desk.folder / "none.csv"), "--batch", "B-9")
    assert not (desk.folder / "none.csv").exists()


def test_events_are_appended_and_an_element_shows_its_life(desk):
    stock = Stock(desk.connection)
    event = ("elements", "event")
    desk.says(*event, "annealed", "--batch", "B-1", "--at", hours_ago(3), "--source", "400 °C", "--reason", "use", *BY)
    given = ("--at", hours_ago(2), "--dose-gy", "1,5", "--source", "6 MV", "--reason", "linearity", *BY)
    assert desk.says(*event, "irradiated", "T-001", "T-002", *given) == "irradiated: 2 elements."
    stock.read({"T-001": 120.0})
    shown = desk.gives("elements", "show", "T-001")
    assert (shown["accumulated_gy"], shown["readings"], shown["readings_since_emptied"]) == (1.5, 1, 1)
    assert [e["what"] for e in shown["events"]] == ["annealed", "irradiated"]
    assert [(r["value"], r["unit"], r["file"]) for r in shown["readouts"]] == [(120.0, "nC", "tray")]
    assert shown["days_since_irradiation"] == pytest.approx(2 / 24, abs=0.02)
    assert shown["not_usable"][0].startswith("T-001 has no element correction in force on reader-1")
    assert "Irradiations" in desk.run("elements", "show", "T-001").stdout
    desk.refuses(1, "Say how much in Gy", *event, "irradiated", "T-001", "--at", hours_ago(1), "--dose-gy", "0",
                 "--source", "x", "--reason", "y", *BY)  # fmt: skip
    desk.refuses(1, "'melted' is no event that people enter of an element; allowed are taken-over, annealed",
                 *event, "melted", "T-001", "--reason", "y", *BY)  # fmt: skip
    desk.refuses(1, "Say when it was annealed", *event, "annealed", "T-001", "--reason", "y", *BY)
    desk.refuses(2, "Name elements, or a whole batch", *event, "withdrawn", "--reason", "lost", *BY)
    desk.refuses(1, "The store has no element 'T-999'", *event, "withdrawn", "T-001", "T-999", "--reason", "lost", *BY)
    assert [e["what"] for e in desk.gives("elements", "show", "T-001")["events"]] == ["annealed", "irradiated"]


def test_a_calibration_from_begin_to_the_results_it_touched(desk):
    stock = Stock(desk.connection)
    name = desk.says(*BEGIN, "--issues", "ecc")
    for cycle in (1, 2):
        at = ("--at", hours_ago(2), "--cycle", str(cycle), *BY)
        assert desk.gives("calibration", "add", name, "irradiated", "--batch", "B-1", *at)["elements"] == chips()
        shown = desk.gives("calibration", "show", name)
        assert shown["unread"] == [f"{c}, irradiated: was not read in cycle {cycle}" for c in chips()]
        odd = {"T-005": 1.3}
        stock.read({c: stock.signal(i) * odd.get(c, 1 + 0.002 * ((i + cycle) % 3)) for i, c in enumerate(chips())},
                   f"c{cycle}")  # fmt: skip
    printed = desk.says("calibration", "compute", name, *BY)
    assert "may be issued" in printed
    assert "withdrawn" in printed
    desk.refuses(1, "MD-1 began or computed", "calibration", "confirm", name, *BY)
    assert desk.says("calibration", "confirm", name, "--by", "MP-1") == f"{name} v1 is in force, confirmed by MP-1."
    words = desk.says("calibration", "show", name)
    assert "state: confirmed" in words
    assert "rule_limit: 0.05" in words
    assert "Element corrections of" in words
    (listed,) = desk.gives("calibration", "list")
    assert (listed["state"], listed["confirmed_by"], listed["ended"]) == ("confirmed", "MP-1", None)
    assert desk.gives("calibration", "touched", name) == {"calibration": name, "touched": []}
    done = desk.gives("calibration", "reject", name, "--reason", "wrong dose", "--by", "MP-1")
    assert (done["state"], done["touched"]) == ("withdrawn", [])
    desk.refuses(1, "is withdrawn already", "calibration", "reject", name, "--reason", "again", *BY)
    desk.refuses(1, "There is no calibration cal-none", "calibration", "show", "cal-none")
    desk.refuses(1, "grubbs and modified-z need a limit",
                 *(w for w in BEGIN if w not in ("--rule-limit", "0.05")), "--issues", "ecc")  # fmt: skip
    desk.refuses(2, "'recordType' is no key=value", *BEGIN, "--issues", "ecc", "--readout", "recordType")
    ended = desk.gives("calibration", "ended", READER, "lamp", "--at", hours_ago(1), "--reason", "burnt out", *BY)
    assert (ended["what"], ended["ended"]) == ("lamp", [])


def test_a_terminal_is_shown_a_bar_and_a_pipe_is_not(desk):
    desk.says(*BATCH, *BY)
    path = desk.file(*(f"T-{i},B-1,{i},reader-1,{i},," for i in range(1, 501)))
    main, other = pty.openpty()
    code = "from acquire.cli.main import main; main()"
    words = ["elements", "import", path, "--by", "MD-1", "--store", desk.url]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
    done = subprocess.run([sys.executable, "-c", code, *words], stdout=subprocess.PIPE, stderr=other, check=True,
                          env=environment)  # fmt: skip
    os.close(other)
    shown = os.read(main, 65536).decode()
    os.close(main)
    assert done.stdout == b"500 elements added, 0 were there as they are.\n"
    assert "Importing chips.csv" in shown
    assert "500/500" in shown
    assert "━" in shown
    assert desk.run("elements", "import", path, *BY).stderr == ""
