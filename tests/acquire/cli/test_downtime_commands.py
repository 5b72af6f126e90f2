"""The page of a day without the computer is followed by the real program, from the form to the record."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest
from command_line import acquire

sys.path.append(str(Path(__file__).parents[1] / "procedure"))

from worked import WorkedClient
from written_down import navel

from acquire.store.database import connect

PAGE = (Path(__file__).parents[3] / "docs" / "downtime.md").read_text()
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.strip().splitlines()]


class Desk:
    """A folder with case D's diode in a store, and the environment of a shell."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.session = folder, ""
        case = navel()
        connection = connect(folder / "store.db", create=True)
        case.add(connection)
        connection.close()
        (folder / "inventory.toml").write_bytes(case.inventory[1])
        (folder / "calibrations.toml").write_bytes(case.calibration_file[1])
        (folder / "form.pdf").write_bytes(b"%PDF-1.7 scan")

    def follow(self, line: str, code: int = 0) -> str:
        """A line of the page; `SESSION=$(...)` is kept."""
        assigned = re.fullmatch(r"SESSION=\$\((.*)\)", line)
        words = shlex.split((assigned[1] if assigned else line).replace("$SESSION", self.session))[1:]
        done = acquire(*words, "--store", f"sqlite:///{self.folder / 'store.db'}", cwd=self.folder)
        assert done.returncode == code, (line, done.stderr)
        assert "Traceback" not in done.stderr
        if assigned:
            self.session = done.stdout.strip()
        return " ".join((done.stdout + done.stderr).split())

    def kept(self, nc: float) -> None:
        """The electrometer is read again by the service."""
        connection = connect(self.folder / "store.db")
        client = WorkedClient(connection)
        client.of("electrometer-1").charge_nc = nc
        client.idle("electrometer-1")
        connection.close()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_the_page_of_a_day_without_the_computer_is_followed(desk: Desk) -> None:
    said = {}
    for line in COMMANDS:
        if line.startswith("acquire downtime total"):
            desk.kept(36.05)
        said[" ".join(shlex.split(line)[1:3])] = desk.follow(line)
    assert said["downtime form"] == "form.html: form 1."
    assert "Downtime form 1" in (desk.folder / "form.html").read_text()
    assert said["downtime enter"].endswith("TRANSCRIBED from form 1; a second person compares it (downtime check).")
    assert said["downtime total"] == "navel: the electrometer kept 36.05 nC, +0.08 %."
    assert "192 s behind this computer's" in said["session clock"]
    assert said["session take-over"].endswith("MD-1 has taken it over from MD-2.")
    desk.follow("acquire session close $SESSION --by MD-1")
    assert "112.2" in desk.follow("acquire results $SESSION --calculate --by MP-1")
    assert "TRANSCRIBED" in desk.follow("acquire session status $SESSION")
    desk.follow("acquire report $SESSION --format json -o record.json")
    assert "no raw bytes: re-derivation from the entered value only" in (desk.folder / "record.json").read_text()
    assert "and the audit chain hold" in desk.follow("acquire store verify")


def test_a_total_beyond_the_limit_is_told_and_set_aside_by_two_people(desk: Desk) -> None:
    for line in COMMANDS[:6]:
        desk.follow(line)
    desk.kept(30.62)
    held = desk.follow("acquire downtime total $SESSION navel --limit-percent 1 --by MP-2")
    assert held == "navel: the electrometer kept 30.62 nC, -14.99 %. Held: no dose."
    aside = "acquire downtime set-aside $SESSION navel --reason 'reset since' --by MP-1 --confirmed-by"
    assert "confirmed by another" in desk.follow(f"{aside} MP-1", code=1)
    assert "is set aside" in desk.follow(f"{aside} MP-2")
    assert "There is a file form.html already" in desk.follow(COMMANDS[0], code=1)
    assert "no scan of a form" in desk.follow(COMMANDS[5].replace("form.pdf", "inventory.toml") + " --correct", code=1)
