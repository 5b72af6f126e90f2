"""A plan from a treatment plan's file, by commands: what is taken, what is asked for, what is refused."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import pytest
from cases import diode
from command_line import acquire
from followed_page import followed
from rt_plans import beam, electrons, high_dose_rate, plan, referenced, tangents, written
from test_plan_templates import CF, COMMON, DOSE
from worked import Case

from acquire.errors import Refused
from acquire.plan_templates import filled, templates
from acquire.plan_templates.filling import of_words
from acquire.procedure.documents.order import add_order
from acquire.procedure.documents.to_fill import places
from acquire.procedure.session.planning import get_plan
from acquire.procedure.session.rt_plan_seen import another_rt_plan
from acquire.store.database import connect

PAGE = Path(__file__).parents[3] / "docs" / "plans.md"
ORDER = Path(__file__).parents[3] / "config" / "demo" / "order-A-1.json"


@pytest.fixture
def there(tmp_path):
    """A folder with a store that has an order, and what is common to every command."""
    connection = connect(tmp_path / "store.db", create=True)
    add_order(connection, ORDER.read_bytes().replace(b"ORD-A-1", b"ORD-T-1"), "order.json", "MD-1")
    named = ORDER.read_bytes().replace(b"ORD-A-1", b"ORD-N-1")
    body = json.loads(named)
    number = {"type": {"coding": [{"code": "MR"}]}, "system": "urn:example:hospital", "value": "MRN-EXAMPLE-1"}
    body["subject"] = {"reference": "Patient/example-n", "identifier": number}
    add_order(connection, json.dumps(body).encode(), "named.json", "MD-1")
    connection.close()
    return tmp_path, f"--store=sqlite:///{tmp_path}/store.db"


def made(there, data, template, *more, order="ORD-T-1", out="plan.toml"):
    folder, store = there
    (folder / "rt.dcm").write_bytes(data if isinstance(data, bytes) else written(data))
    words = ("--order", order, "--template", template, "-o", str(folder / out), "--by", "MP-1", store)
    return acquire("plan", "from-dicom", str(folder / "rt.dcm"), *words, *more)


def test_ports_come_with_energy_mu_gantry_and_ssd_and_no_expected_dose(there):
    done = made(there, tangents(), "entrance", "--json")
    assert done.returncode == 0, done.stderr
    assert "Not compared" in done.stderr
    said = json.loads(done.stdout)
    text = (there[0] / "plan.toml").read_text()
    plan = tomllib.loads(text)
    assert [p["port"] for p in plan["point"]] == ["medial", "lateral", "arc"]
    assert [p["beam_number"] for p in plan["point"]] == [1, 2, 4]
    assert [p["id"] for p in plan["point"]] == ["P-1", "P-2", "P-3"]
    beams = [s for s in plan["step"] if s["kind"] == "irradiate"]
    assert [(s["id"], s["point"], s["mu"]) for s in beams] == [
        ("beam-1", "P-1", 122.0), ("beam-2", "P-2", 131.0), ("beam-3", "P-3", 210.5),
    ]  # fmt: skip
    assert (beams[0]["gantry_deg"], beams[0]["ssd_cm"]) == (308.0, 94.6)
    assert beams[2]["gantry_deg"].startswith("FILL gantry_deg number")  # it moves: there is no one angle
    assert {p["expected"]["dose_gy"][:16] for p in plan["point"]} == {"FILL expected_gy"}
    assert "Its beam dose is 1.02 Gy at its own point (10.0, -20.0, 5.5) mm, depth 5.2 cm" in text
    assert "Left out, no treatment: kV set-up." in text
    assert plan["rt_plan"]["uid"] == said["uid"]
    assert (plan["version"], plan["order"], plan["rt_plan"]["approval"]) == (1, "ORD-T-1", "APPROVED")
    assert {a["name"] for a in said["asks"]} >= {"expected_gy", "cf_ssd", "detector"}
    for secret in ("EXAMPLE", "MRN"):
        assert secret not in text + done.stdout + done.stderr


def test_brachytherapy_and_electrons(there):
    assert made(there, high_dose_rate(), "hdr").returncode == 0
    plan = tomllib.loads((there[0] / "plan.toml").read_text())
    assert (plan["source"]["planned_s"], plan["source"]["planned_strength_u"]) == (380.0, 40000.0)
    assert plan["source"]["half_life"]["value"] == 73.83
    assert plan["source"]["strength"]["value"].startswith("FILL strength_u")  # the certificate's, not the plan's
    assert "152.0 s at 1200 mm" in (there[0] / "plan.toml").read_text()
    assert made(there, electrons(), "iort", out="iort.toml").returncode == 0
    assert tomllib.loads((there[0] / "iort.toml").read_text())["point"][0]["beam"] == "9 MeV"
    crossed = made(there, electrons(), "hdr", out="x.toml")
    assert (crossed.returncode, crossed.stderr) == (
        1, "The file has no brachytherapy channels; template 'hdr' is for a source.\n",
    )  # fmt: skip
    assert made(there, high_dose_rate(), "entrance", out="x.toml").stderr.startswith("The file has no treatment beams")


def test_what_is_refused_leaves_nothing(there):
    folder, store = there
    refused = made(there, tangents(approval="UNAPPROVED"), "entrance")
    assert (refused.returncode, "only an APPROVED plan" in refused.stderr) == (2, True)
    assert made(there, b"no dicom", "entrance").stderr == "rt.dcm is no DICOM file.\n"
    assert "There is no order ORD-X" in made(there, tangents(), "entrance", order="ORD-X").stderr
    assert "There is no template 'tea'; there are batch-calibration, chamber" in made(there, tangents(), "tea").stderr
    assert "colour is no place" in made(there, tangents(), "entrance", "colour=red").stderr
    os.mkfifo(folder / "pipe")
    words = ("--order", "ORD-T-1", "--template", "entrance", "-o", str(folder / "plan.toml"), "--by", "MP-1", store)
    assert "is a pipe; only plain files are read" in acquire("plan", "from-dicom", str(folder / "pipe"), *words).stderr
    assert not (folder / "plan.toml").exists()
    connection = connect(folder / "store.db")
    assert connection.execute("SELECT count(*) FROM rt_plan_seen").fetchone()[0] == 0


def test_a_file_of_another_patient_is_refused_and_no_number_is_printed(there):
    assert "patient" in json.loads(made(there, tangents(), "entrance", "--json", order="ORD-N-1").stdout)
    other = made(there, tangents(PatientID="MRN-EXAMPLE-2"), "entrance", order="ORD-N-1", out="x.toml")
    assert other.returncode == 1
    assert other.stderr == "The file is of another patient than order ORD-N-1: it has another record number.\n"


def one_port(**more):
    """A treatment plan of one open field."""
    return plan([beam(1, "tumour bed")], [referenced(1, 92, 0.5)], **more)


class Completed(Case):
    """A case whose plan is a file that was completed."""

    body = b""

    @property
    def plan_file(self):
        return "plan.toml", self.body


def completed_file(there, data, *more):
    """The plan that a person completes from the file, added to the order."""
    folder, _ = there
    (folder / "plan.toml").unlink(missing_ok=True)
    assert made(there, data, "entrance", *more).returncode == 0
    case = Completed("T")
    case.instrument("electrometer-1", "keithley-6517b")
    diode(case, "D-11", 3.097, 0.25)
    values = {**COMMON, **DOSE, **CF, "detector": "D-11", "site": "tumour bed", "entered_by": "MP-1"}
    text = (folder / "plan.toml").read_text()
    words = {p.name: str(values.get(p.name, "1" if p.kind == "number" else "worked case")) for p in places(text)}
    case.body = filled(text, of_words(text, words)).encode()
    connection = connect(folder / "store.db")
    case.add_plan(connection)
    return connection, case


def test_a_plan_that_changed_since_has_its_expected_doses_to_be_confirmed(there):
    connection, case = completed_file(there, one_port())
    session = case.start(connection)
    assert another_rt_plan(connection, get_plan(connection, "ORD-T-1", 1)) is None
    again = made(there, one_port(), "entrance", out="same.toml")
    assert "to be confirmed" not in again.stderr
    changed = made(there, one_port(SOPInstanceUID="1.2.3.4"), "entrance", out="new.toml")
    assert "(other UID): its expected doses are to be confirmed. Add a new version" in changed.stderr
    assert tomllib.loads((there[0] / "new.toml").read_text())["version"] == 2
    with pytest.raises(Refused, match="was made from another RT Plan than MP-1 read"):
        case.start(connection, fraction=2)
    said = acquire("doctor", session, there[1])
    assert "to be confirmed" in " ".join((said.stdout + said.stderr).split())
    edited = made(there, one_port(RTPlanLabel="IORT edited"), "entrance", out="edited.toml")
    assert "same UID, other content" in edited.stderr
    assert acquire("store", "verify", there[1]).returncode == 0


def test_the_page_can_be_followed(there):
    folder, _ = there
    connection = connect(folder / "store.db")
    add_order(connection, ORDER.read_bytes(), "order.json", "MD-1")
    connection.close()
    (folder / "plan.dcm").write_bytes(written(tangents()))
    for line, done in followed(PAGE, folder, {"STORE": "sqlite:///store.db"}, "MP-1"):
        assert done.returncode == 0, (line, done.stderr)
    made_by_hand = tomllib.loads((folder / "entrance.toml").read_text())
    assert made_by_hand["step"][1]["mu"] == 92
    assert len(tomllib.loads((folder / "from-dicom.toml").read_text())["point"]) == 3
    assert all(f"| `{t.name}` |" in PAGE.read_text() for t in templates())
