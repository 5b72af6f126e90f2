"""The clinical scenarios of docs/scenarios, followed in a shell as they stand there, against the printed numbers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from brokers import free_port
from followed_page import follow, script

CHECKOUT = Path(__file__).parents[2]
GIVEN: dict[str, Any] = json.loads((Path(__file__).parents[1] / "acquire" / "dosimetry" / "scenarios.json").read_text())
LEVELS = ("head", "neck", "chest", "navel", "knee", "ankle")  # of case D, as its plan calls them
PORTS = ("18871", "18872", "18873", "18874")


def on_free_ports(text: str) -> str:
    """Somebody may be following a page on this machine."""
    ours = {port: str(free_port()) for port in PORTS}
    moved = f"sed -i {' '.join(f'-e s/{port}/{own}/' for port, own in ours.items())} clinic/*/service.toml"
    text = re.sub("|".join(PORTS), lambda found: ours[found[0]], text)
    return text.replace("cd clinic/", f"{moved}\ncd clinic/", 1)


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that says how far ahead the scenarios are; their commands are forked from a process that reads it."""
    return tmp_path_factory.mktemp("clock") / "hour"


@pytest.fixture
def desk(clock: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A shell's environment; given is that of the commands, which have the scenario's clock."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    assert library, "libfaketime is not installed; `make test` installs it"
    clock.write_text("+00000000000.00\n")
    for name, value in {"CHECKOUT": CHECKOUT, "FAKETIME_TIMESTAMP_FILE": clock, "FAKETIME_NO_CACHE": 1}.items():
        monkeypatch.setenv(name, str(value))
    return {"LD_PRELOAD": str(library), "TZ": "UTC", "FAKETIME_TIMESTAMP_FILE": str(clock)}


async def followed(name: str, folder: Path, desk: dict[str, str], paper: str = "none") -> str:
    """What the page said, after it was followed to its end."""
    page = f"export PAPER={paper}\n" + script(CHECKOUT / "docs" / "scenarios" / f"{name}.md")
    code, said = await follow(on_free_ports(page), folder, desk, within_s=900)
    log = folder / "clinic" / name / "service.log"
    assert code == 0, said + (log.read_text()[-2000:] if log.exists() else "")
    assert "Traceback" not in said
    return said


def results(folder: Path, name: str, record: str = "record.json") -> dict[str, Any]:
    """Results by point of a record that the page wrote."""
    found = json.loads((folder / "clinic" / name / record).read_text())
    return {each["id"]: each["result"] for each in found["points"] if each.get("result")}


def agrees(result: dict[str, Any], case: str, rel: float = 1e-9) -> None:
    """Dose and decision are those of the case."""
    assert 100 * result["dose_gy"] == pytest.approx(GIVEN[f"{case}_D"], rel=rel)
    assert result["decision"] == GIVEN[f"{case}_state"]


def proposal(folder: Path, name: str, claim: str = "claim.json") -> dict[str, Any]:
    """The charge of a claim that the page wrote."""
    return dict(json.loads((folder / "clinic" / name / claim).read_text())["charge"])


@pytest.mark.slow
async def test_f_a_chamber_is_measured_and_nothing_of_it_is_charged(tmp_path: Path, desk: dict[str, str]) -> None:
    said = await followed("f", tmp_path, desk)
    result = results(tmp_path, "f")["ref"]
    assert result["dose_gy"] == pytest.approx(GIVEN["F_D398"], rel=1e-5)
    assert result["u_percent"] == pytest.approx(GIVEN["F_uref"], abs=0.002)
    assert "el-1 says 300 V; polarity-1 is planned at -300 V: set that, and wait." in said
    assert re.search(r"el-1 says that its voltage has been -300 V for \d+ s; a reading counts only after 300 s", said)
    assert any("polarity-1" in remark and "45 s after the change" in remark for remark in result["remarks"])
    assert "and the audit chain hold" in said


@pytest.mark.slow
async def test_a_exchanged_diodes_and_a_mistyped_tray_list_cost_no_dose(tmp_path: Path, desk: dict[str, str]) -> None:
    said = await followed("a", tmp_path, desk, paper="all")
    found = results(tmp_path, "a")
    for point in ("B1", "B2", "B7"):
        of = f"A_{point.lower()}"
        assert 100 * found[point]["dose_gy"] == pytest.approx(GIVEN[f"{of}_D"], rel=1e-4)
        assert found[point]["decision"] == GIVEN[f"{of}_state"]
    for point in ("P4", "P5"):
        assert 100 * found[point]["dose_gy"] == pytest.approx(GIVEN[f"A_{point.lower()}_D"], rel=1e-9)
    assert "not fit for this tolerance: U of the deviation is 5.2 %" in said
    assert "The reader has T-017 as 71 (2); two people say that it was T-017" in " ".join(found["P5"]["remarks"])
    claim = json.loads((tmp_path / "clinic" / "a" / "claim.json").read_text())
    charge = claim["charge"]
    assert (charge["units"], charge["modifier"], charge["ports"]) == (3, "26", ["B1", "B2", "B7"])
    assert charge["volumes_of_interest"] == ["P4", "P5"]
    (missing,) = charge["missing"]  # no table was loaded
    assert "no unit limit table of the payer holds on 2027-02-03" in missing
    record = json.loads((tmp_path / "clinic" / "a" / "record.json").read_text())
    assert record["status"] == "SIGNED"


@pytest.mark.slow
async def test_c_an_overload_a_repeat_and_a_junction_that_is_adjusted(tmp_path: Path, desk: dict[str, str]) -> None:
    said = await followed("c", tmp_path, desk)
    fractions = {n: results(tmp_path, "c", f"fraction-{n}.json") for n in (1, 2, 3)}
    measured = {(1, "C1"): "c1", (2, "C2"): "c2", (3, "C2"): "c2r", (1, "C3"): "c3", (1, "C4"): "c4", (3, "C3"): "c3r"}
    for (n, point), name in measured.items():
        result = fractions[n][point]
        assert 100 * result["dose_gy"] == pytest.approx(
            GIVEN[f"C_{name}_D"], rel=2e-5
        )  # five digits come over the wire
        assert result["decision"] == GIVEN.get(f"C_{name}_state", "REPORT ONLY")
    assert fractions[1]["C2"]["decision"] == "INVALID"
    assert "dose_gy" not in fractions[1]["C2"]
    assert "read standards of known dose in the same session" in said
    assert "c2 had its beam in fraction 1" in said
    assert "Fraction 1 of ORD-C-1 was measured already" in said
    assert "above, even with U (229.7 to 262.2 cGy)" in said
    assert "(ORD-C-1, fraction 2) is out of tolerance: waits for physicist and physician" in said
    records = {n: json.loads((tmp_path / "clinic" / "c" / f"fraction-{n}.json").read_text()) for n in fractions}
    assert {each["status"] for each in records.values()} == {"SIGNED"}
    charge = json.loads((tmp_path / "clinic" / "c" / "claim.json").read_text())["charge"]
    assert (charge["units"], charge["modifier"], charge["place_of_service"]) == (3, None, "11")
    assert charge["ports"] == ["medial tangent", "junction", "lateral tangent"]
    (more,) = charge["additional"]
    assert "documented change v2 → v3 (junction gap +3 mm, decided by RO-1)" in str(more)


@pytest.mark.slow
async def test_b_a_late_order_bars_the_first_fraction_and_the_second_is_one_volume(
    tmp_path: Path, desk: dict[str, str]
) -> None:
    said = await followed("b", tmp_path, desk)
    first, second = (results(tmp_path, "b", f"fraction-{n}.json") for n in (1, 2))
    for result, name in ((first["R1"], "r1"), (first["R2"], "r2"), (first["R3"], "r3"), (second["R2"], "f2")):
        assert result["dose_gy"] == pytest.approx(
            GIVEN[f"B_{name}_D"], rel=2e-6
        )  # the standards of fraction 2 are ours
        assert result["decision"] == GIVEN[f"B_{name}_state"]
    assert first["bladder"]["dose_gy"] == pytest.approx(GIVEN["B_m_D"], rel=4e-4)  # 0.1 mV of 329.5
    assert first["bladder"]["decision"] == GIVEN["B_m_state"]
    assert "dwell time 440.6 s, expected 440.7 s (−0.02 %, limit 1 %)" in " ".join(first["R2"]["remarks"])
    spectrum = first["spectrum"]["spectrum"]
    for key, given in (("y_f", "B_yf"), ("y_d", "B_yd"), ("y_star", "B_ys")):
        assert spectrum[f"{key}_kev_um"] == pytest.approx(GIVEN[given], rel=1e-9)
    assert (first["spectrum"]["decision"], spectrum["events"]) == ("REPORT ONLY", GIVEN["B_tot"])
    assert "220 mV are left and 318 mV are needed" in said
    assert "R2 of session" in said
    assert "has no result, and its time has come: it was due before fraction 2" in said
    claim = json.loads((tmp_path / "clinic" / "b" / "claim.json").read_text())
    charge = claim["charge"]
    assert [each["why"] for each in charge["barred"]] == ["the order is later than its measurement"]
    assert (charge["units"], charge["volumes"], charge["ports"], charge["additional"]) == (1, ["rectum"], [], [])
    assert (charge["modifier"], charge["place_of_service"]) == ("26", "22")
    records = [json.loads((tmp_path / "clinic" / "b" / f"fraction-{n}.json").read_text()) for n in (1, 2)]
    assert [each["status"] for each in records] == ["SIGNED", "SIGNED"]


@pytest.mark.slow
async def test_d_levels_of_a_whole_body_a_fraction_on_paper_and_compensated_legs(
    tmp_path: Path, desk: dict[str, str]
) -> None:
    said = await followed("d", tmp_path, desk)
    found = results(tmp_path, "d")
    for point, of in zip(LEVELS, ("head", "neck", "med", "umb", "knee", "ankle"), strict=True):
        agrees(found[point], f"D_{of}")
        wanted = 2.686 if point == "neck" else GIVEN["D_umeas"]  # the case weighs its three chips alike: 2.661
        assert found[point]["u_percent"] == pytest.approx(wanted, abs=0.003)
    agrees(found["entrance"], "D_d1", rel=1e-4)
    remarks = {point: " ".join(each["remarks"]) for point, each in found.items()}
    assert "T-148 was left out: found in its tray: it was never on the patient (MD-2," in remarks["neck-L"]
    assert "T-141 was read 2 times; the first readout counts" in remarks["head-R"]
    on_paper = results(tmp_path, "d", "fraction-2.json")["entrance"]
    agrees(on_paper, "D_d2")
    assert on_paper["transcribed"].startswith("TRANSCRIBED: 36.02 nC at entrance from form 1, written by MD-2")
    agrees(results(tmp_path, "d", "fraction-3.json")["ankle"], "D_ankr")
    for sentence in (
        "No instrument measured a beam while T-143 lay at head-L: say first whether one was given",
        "The clock of LA-2 was 192 s behind this computer's",
        "T-147 and T-148 differ by 199",
        "MD-2 (dosimetrist) may not acknowledge notices",
        "Notice 2: acknowledged.",
        "30.62 nC is not what MD-2 entered",
        "The order is RO-1's; RO-2 may interpret and sign it when named as covering",
    ):
        assert sentence in said
    unsigned = "The radiation oncologist's interpretation is not written and signed."
    assert unsigned in proposal(tmp_path, "d", "draft-claim.json")["missing"]
    for claim in ("claim.json", "claim-of-the-order.json"):
        charge = proposal(tmp_path, "d", claim)
        assert (charge["units"], charge["modifier"], charge["additional"]) == (2, "26", [])
        assert charge["ports"] == ["right lateral", "left lateral"]


@pytest.mark.slow
async def test_e_a_scan_and_a_wrong_unit_give_no_dose_at_a_pacemaker_and_the_second_day_does(
    tmp_path: Path, desk: dict[str, str]
) -> None:
    said = await followed("e", tmp_path, desk)
    assert "ORD-E-0 is a draft: its requester is 'medical physicist', not the treating physician" in said
    assert "The result lies above the plausible 30 cGy of this point" in said
    assert "(mrad or mGy read as cGy or Gy" in said
    for result in results(tmp_path, "e", "day-1.json").values():
        assert result["decision"] == "INVALID"
        assert "Imaging was given while the elements" in " ".join(result["why"])
    for point, result in results(tmp_path, "e").items():
        of, course = f"E_{point.lower()}", result["course"]
        assert 100 * result["dose_gy"] == pytest.approx(GIVEN[f"{of}_D"], rel=1e-9)
        assert 100 * course["dose_gy"] == pytest.approx(GIVEN[f"{of}_C"], rel=1e-9)
        assert 100 * course["expanded_gy"] == pytest.approx(GIVEN[f"{of}_CU"], rel=1.5e-3)
    charge = proposal(tmp_path, "e")
    assert (charge["units"], charge["modifier"], charge["volumes"]) == (1, "26", ["pacemaker"])
    assert "often the better code" in next(n["says"] for n in charge["neighbours"] if n["code"] == "77370")
