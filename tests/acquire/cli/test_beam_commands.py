"""session parts, assign-parts, no-beam, as-planned, beam-order: what a person at the desk reads and says of beams."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "procedure"))  # the worked cases are told there

from beams import PORTS, ShapedClient, case_a, charges
from test_session_statements import Desk

TWO = ("--by", "MD-1", "--confirmed-by", "RT-1", "--reason", "console read by two")
ALONE = ("--by", "MD-1", "--confirmed-by", "MD-1", "--reason", "console read by two")


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    made = Desk(tmp_path)
    yield made
    made.connection.close()


def words(table: str) -> str:
    """A table without its lines."""
    return " ".join(re.sub(r"[\u2500-\u257f]", " ", table).split())


async def measured(desk: Desk, shapes: dict[str, Any], *ports: str, **plan: Any) -> None:
    await desk.measure(case_a(*ports, **plan), client=ShapedClient(desk.connection, charges(*ports) | shapes))


async def test_parts_are_listed_shown_in_the_status_and_assigned(desk: Desk) -> None:
    two = [(1.0, 0.5), (4.0, 0.0), (4.0, 6.27), (4.0, 0.0), (6.0, 9.40)]
    await measured(desk, {"b1": two}, "B1", rate=600.0)
    status = desk.run("session", "status", desk.session)
    assert "3 parts: 0.5 nC in 1.0 s, 6.27 nC in 4.0 s, 9.4 nC in 6.0 s" in words(status.stdout)
    assert "The beam of b1 came in 3 parts; two people say" in " ".join(status.stderr.split())
    assert len(json.loads(desk.run("session", "status", desk.session, "--json").stdout)["beams"]) == 3
    assert desk.results()["B1"]["decision"] == "INVALID"
    listed = desk.run("session", "parts", desk.session, "b1")
    assert words(listed.stdout).endswith(
        "B1 1 134.0 1.0 0.5 not said B1 2 139.0 4.0 6.27 not said B1 3 147.0 6.0 9.4 not said"
    )
    assert "Pauses shorter than 0.5 s are not seen." in listed.stderr
    assert "By MU and dose rate the beam is on for 9.2 s." in listed.stderr
    desk.refuses(2, "'2' is no PART=WHAT, such as 2=irradiation.", "assign-parts", "b1", "2", *TWO)
    desk.refuses(2, "Name each part once.", "assign-parts", "b1", "1=image", "1=irradiation", *TWO)
    parts = ("b1", "1=port image", "2=irradiation", "3=irradiation")
    mu = ("--mu", "2=36,8", "--mu", "3=55.2")
    desk.refuses(1, "Parts of a beam are assigned with a reason, by one person", "assign-parts", *parts, *mu, *ALONE)
    desk.refuses(1, "Say how many MU part 2 of b1 had, as the console shows it (--mu).", "assign-parts", *parts, *TWO)
    desk.refuses(2, "'2=all' is no PART=MU, such as 2=92.", "assign-parts", *parts, "--mu", "2=all", *TWO)
    said = desk.says("assign-parts", *parts, *mu, *TWO)
    assert said == "b1: part 1 was port image, part 2 was irradiation, part 3 was irradiation."
    assert 100 * desk.results()["B1"]["dose_gy"] == pytest.approx(PORTS["B1"][5], abs=0.006)
    parts_said = json.loads(desk.run("session", "parts", desk.session, "b1", "--json").stdout)["parts"]
    assert [p["what"] for p in parts_said] == ["port image", "irradiation", "irradiation"]
    page = desk.folder / "record.html"
    assert desk.run("report", desk.session, "-o", str(page)).returncode == 0
    assert "Beams as the signal shows them" in page.read_text()


async def test_no_beam_is_stated_by_two_and_not_against_the_signal(desk: Desk) -> None:
    await measured(desk, {}, "B1")
    assert "Not held against MU." in desk.run("session", "parts", desk.session, "b1").stderr
    desk.refuses(1, "The signal does not agree that no beam was given in b1", "no-beam", "b1", *TWO)
    desk.refuses(1, "no beam belongs to it", "no-beam", "background-b1", *TWO)
    desk.refuses(1, "That no beam was given is stated with a reason, by one person", "no-beam", "b1", *ALONE)


async def test_a_step_without_any_beam_is_stated_as_such(desk: Desk) -> None:
    await measured(desk, {"b1": [(10.0, 0.0)]}, "B1")
    assert "No beam is seen in b1." in desk.run("session", "parts", desk.session, "b1").stderr
    assert desk.says("no-beam", "b1", *TWO) == "no beam was given in b1."


async def test_an_order_of_beams_and_that_all_was_as_planned(desk: Desk) -> None:
    came = {"b2": [(10.0, PORTS["B7"][1])], "b7": [(10.0, PORTS["B2"][1])]}
    await measured(desk, came, "B2", "B7")
    assert "look exchanged" in desk.results()["B2"]["why"][0]
    assert desk.says("as-planned", "B2", "B7", *TWO) == "B2 and B7 were measured as planned."
    assert desk.results()["B2"]["decision"] != "INVALID"
    desk.refuses(2, "'b2' is no STEP=STEP, such as b2=b7.", "beam-order", "b2", *TWO)
    desk.refuses(2, "Name each step once.", "beam-order", "b2=b7", "b2=b7", *TWO)
    said = desk.says("beam-order", "b2=b7", "b7=b2", *TWO)
    assert said == "the beam of b2 came during b7, the beam of b7 came during b2."
    assert 100 * desk.results()["B2"]["dose_gy"] == pytest.approx(PORTS["B2"][5], abs=0.006)


async def test_a_rest_is_begun_or_run(desk: Desk) -> None:
    await measured(desk, {}, "B1")
    done = desk.run("session", "step", desk.session, "b1", "skip", "--rest", "--reason", "x", "--by", "MD-1")
    assert (done.returncode, "--rest goes with begin or run." in done.stderr) == (2, True)


async def test_a_step_is_done_again_or_its_rest_measured_with_begin_or_run_alone(desk: Desk) -> None:
    await measured(desk, {}, "B1")
    by = ("--by", "MD-1")
    desk.refuses(2, "--again goes with begin or run.", "step", "background-b1", "end", "--again", *by)
    desk.refuses(2, "--rest goes with begin or run.", "step", "b1", "skip", "--rest", "--reason", "x", *by)
    desk.refuses(2, "--rest is of a beam, --again of a zero", "step", "b1", "run", "--rest", "--again", *by)
