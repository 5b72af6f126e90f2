"""A dose method is a file: a formula that nobody knew works from plan to record, and no other room asks for a name."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from worked import Case, WorkedClient, calibration, closed_results, expected, factor, limits, ranged, run

import acquire.dosimetry
from acquire.errors import FileProblem, Refused
from acquire.procedure import methods
from acquire.procedure.documents import asked
from acquire.procedure.documents.inventory import read_inventory
from acquire.procedure.documents.plan import read_plan
from acquire.procedure.methods import registry
from acquire.procedure.results.trends import observations
from acquire.procedure.results.verify import verify_store
from acquire.record import build, html

MADE_UP = Path(__file__).parent / "made_up"
ACQUIRE = Path(acquire.dosimetry.__file__).parents[1]
NAMES = ("chamber", "diode", "midline", "mosfet", "osl", "spectrum", "tld")


@pytest.fixture
def scintillator(monkeypatch):
    """The two made-up files, as if they lay in their folders; nothing else is touched."""
    monkeypatch.setattr(registry, "_KNOWN", dict(registry._KNOWN))
    monkeypatch.setattr(asked, "_KNOWN", dict(asked._KNOWN))
    folder = str(MADE_UP / "method")
    monkeypatch.setattr(acquire.dosimetry, "__path__", [*acquire.dosimetry.__path__, str(MADE_UP / "formula")])
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, folder])
    registry.discover([folder], methods.__name__)
    yield
    for name in ("acquire.dosimetry.scintillator", "acquire.procedure.methods.scintillator"):
        del sys.modules[name]


def a_scintillator() -> Case:
    case = Case("SC")
    case.instrument("electrometer-1", "keithley-6517b", full_scale_nc=200.0)
    case.detector("SC-1", "scintillator")
    case.calibrations.append(calibration("SC-1", "6 MV", {"n_sc": ranged(2.5, "cGy/nC", 1.0)}))
    case.point(
        "P", "scintillator", "6 MV", detector="SC-1", instrument="electrometer-1",
        factors={"k_stem": factor(0.99, u=0.5)}, expected=expected(100.0, 1.0), limits=limits(7, 10),
    )  # fmt: skip
    case.step("background", "background", "electrometer-1", point="P", duration_s=30.0)
    case.step("beam", "irradiate", "electrometer-1", point="P", duration_s=10.0)
    return case


async def test_a_formula_is_two_files(connection, scintillator):
    case, client = a_scintillator(), WorkedClient(connection)
    client.beam = {"beam": 40.4}
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    output = closed_results(connection, session)["P"]
    assert (output["decision"], output["formula"]) == ("PASS", "Scintillator dose")
    assert 100 * output["dose_gy"] == pytest.approx(40.4 * 2.5 * 0.99)
    assert [row["name"] for row in output["budget"]][:2] == ["n_sc", "k_stem"]
    assert verify_store(connection) == []
    (seen,) = observations(connection)
    assert seen.key == ("SC-1", "scintillator, in-field", "LA-1")
    record = build(connection, session)
    said = {rule["id"]: rule["says"] for rule in record["rules_77331"]}
    assert said["method"] == "Measured with plastic scintillator."
    assert said["equipment"].startswith("P SC-1. ")
    assert "Plastic scintillator" in html(record)


def test_what_it_asks_is_asked_while_planning(connection, scintillator):
    case = a_scintillator()
    del case.points[0]["factors"]["k_stem"]
    with pytest.raises(Refused, match="P has no k_stem; method 'scintillator' needs it"):
        case.add(connection)


def test_without_its_file_neither_plan_nor_inventory_can_name_it():
    case = a_scintillator()
    for read in (read_plan, read_inventory):
        read.cache_clear()  # a method that was there when a file was read does not go while a program runs
    with pytest.raises(FileProblem, match="'scintillator' is no method; the methods are chamber, diode"):
        read_plan(case.plan_file[1], "plan.toml")
    with pytest.raises(FileProblem, match="'scintillator' is no kind of detector; the kinds are chamber, diode"):
        read_inventory(case.inventory[1], "inventory.toml")


def test_every_method_that_was_here_is_a_file_of_its_own():
    for name in NAMES:
        assert registry.method_of(name).needs.__module__ == f"acquire.procedure.methods.{name}"


def rooms() -> list[Path]:
    """What knows of methods only what they ask: the procedure's other rooms, the record, the command line."""
    every = [*ACQUIRE.glob("procedure/**/*.py"), *ACQUIRE.glob("record/*.py"), *ACQUIRE.glob("cli/*.py")]
    return [each for each in every if "methods" not in each.relative_to(ACQUIRE).parts]


def test_no_other_room_asks_for_a_method_by_name():
    named = re.compile(rf"""(==|!=|\bin\b|\bcase\b|Literal\[|\{{).*["']({"|".join(NAMES)})["']""")
    of_keys = ('"spectrum" in flat', 'data["kind"] == "spectrum"')  # a key of the JSON and a kind of picture, no method
    found = [
        f"{path.relative_to(ACQUIRE)}: {line.strip()}"
        for path in rooms()
        for line in path.read_text(encoding="utf-8").splitlines()
        if named.search(line) and not any(key in line for key in of_keys)
    ]
    assert len(rooms()) > 80
    assert found == []
