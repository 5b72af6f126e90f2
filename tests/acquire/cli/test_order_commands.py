"""Orders and identities from the command line: what goes in, what is printed, and what never is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import acquire
from messages_v2 import merged, order
from people_known import logged_in, staffed
from test_detector_count import diodes
from test_order_versions import form

from acquire.orders import Site
from acquire.patients import PatientsFile, beside
from acquire.procedure.documents.messages import receive
from acquire.procedure.documents.order import add_order, get_order
from acquire.procedure.session.session import start_session
from acquire.record import build, html
from acquire.store.database import connect


@pytest.fixture
def store(tmp_path: Path) -> Any:
    connection = connect(tmp_path / "store.db", create=True)
    yield connection
    connection.close()


def said(tmp_path: Path, *words: str, env: Any = None) -> Any:
    done = acquire(*words, "--store", f"sqlite:///{tmp_path / 'store.db'}", cwd=tmp_path, env=env)
    assert "Traceback" not in done.stderr
    return done


def test_one_command_takes_every_kind_of_file_and_prints_no_identity(store: Any, tmp_path: Path) -> None:
    (tmp_path / "wish.toml").write_bytes(form(requester="MP-1", role="medical physicist"))
    (tmp_path / "messages.hl7").write_bytes(
        order() + order("NW", "ORD-V2-2", "M-2") + merged("MRN-EXAMPLE-9^^^HOSP^MR", "MRN-EXAMPLE-1^^^HOSP^MR")
    )
    by = ("--by", "MD-1", "--json")
    draft = json.loads(said(tmp_path, "order", "add", "wish.toml", *by).stdout)
    assert (draft["id"], draft["draft"]) == (
        "ORD-H-1",
        "its requester is 'medical physicist', not the treating physician",
    )
    taken = json.loads(said(tmp_path, "order", "add", "messages.hl7", *by).stdout)["messages"]
    assert [(each["control_id"], each["answer"], each["repeat"]) for each in taken] == [
        ("M-1", "AA", False), ("M-2", "AA", False), ("A-1", "AA", False),
    ]  # fmt: skip
    (tmp_path / "messages.hl7").write_bytes(order(control_id="M-7").replace(b"^MD", b"^PA") + order())
    again = said(tmp_path, "order", "add", "messages.hl7", "--by", "MD-1")
    assert again.returncode == 1
    assert "messages.hl7, message M-7: The ordering provider is 'PA'" in again.stderr
    assert "It was here before" in again.stdout + again.stderr
    for words in (("order", "list"), ("order", "show", "ORD-V2-1"), ("order", "messages"), ("store", "stats")):
        shown = said(tmp_path, *words)
        assert shown.returncode == 0, shown.stderr
        assert "MRN-EXAMPLE" not in shown.stdout + shown.stderr
    looked = json.loads(said(tmp_path, "patients", "show", "ORD-V2-1", *by).stdout)
    assert {each["value"] for each in looked["identifiers"]} == {"MRN-EXAMPLE-1", "MRN-EXAMPLE-9"}
    assert said(tmp_path, "patients", "original", "ORD-V2-1", "-o", "o.hl7", "--by", "MD-1").returncode == 0
    assert (tmp_path / "o.hl7").read_bytes() == order()
    looks = store.execute("SELECT who, subject FROM audit WHERE what = 'identity looked at'").fetchall()
    assert [tuple(row) for row in looks] == [("MD-1", "ORD-V2-1")] * 2


def test_the_time_out_compares_what_is_read_from_the_patient(store: Any, tmp_path: Path) -> None:
    case = diodes()
    number = f"ORD-{case.name}-1"
    add_order(store, form(id=number), "form.toml", "MD-1")
    case.add_plan(store)
    session = start_session(store, number, "MD-1", calibrations=case.calibration_file, inventory=case.inventory).id
    asked = ("session", "time-out", session, "--read-by", "MD-1", "--confirmed-by", "RT-1")
    wrong = said(tmp_path, *asked, "--identifier", "MRN-EXAMPLE-2", "--identifier", "1960-01-01")
    assert wrong.returncode == 1
    assert f"Not the patient of order {number}: identifier 1 is none of that patient. Do not go on." in wrong.stderr
    assert "MRN-EXAMPLE-1" not in wrong.stderr
    none = said(tmp_path, *asked, "--identifiers-agree")
    assert none.returncode == 1
    assert "Identifiers of the patient of order" in none.stderr
    assert "--identifiers-agree alone compares nothing" in none.stderr
    one = said(tmp_path, *asked, "--identifier", "MRN-EXAMPLE-1")
    assert (one.returncode, "Two identifiers of two kinds" in one.stderr) == (1, True)
    right = said(tmp_path, *asked, "--identifier", "MRN-EXAMPLE-1", "--identifier", "1960-01-01")
    assert right.returncode == 0, right.stderr
    assert store.execute("SELECT count(*) FROM time_out").fetchone()[0] == 1
    record = build(store, session)["session"]
    assert record["time_outs"][0]["stated"]["identifiers"] == ["record number", "birth date"]
    (kept,) = record["time_outs_refused"]  # the wrong wristband, without a value of it
    assert kept["why"] == (
        f"Not the patient of order {number}: identifier 1 is none of that patient. Do not go on."
        " Read by MD-1, with RT-1."
    )
    page = html(build(store, session))
    assert "compared with what is held of the patient: record number and birth date" in page
    assert "Time-out refused" in page


def test_where_nothing_of_a_patient_is_held_two_people_compare_and_the_record_says_so(
    store: Any, tmp_path: Path
) -> None:
    case = diodes()
    case.add(store)
    session = start_session(
        store, f"ORD-{case.name}-1", "MD-1", calibrations=case.calibration_file, inventory=case.inventory
    ).id
    asked = ("session", "time-out", session, "--read-by", "MD-1", "--confirmed-by", "RT-1")
    given = said(tmp_path, *asked, "--identifier", "MRN-EXAMPLE-1", "--identifier", "1960-01-01")
    assert (given.returncode, "No identifiers of the patient of order" in given.stderr) == (1, True)
    assert said(tmp_path, *asked).returncode == 1
    done = said(tmp_path, *asked, "--identifiers-agree")
    assert done.returncode == 0, done.stderr
    assert "identifiers compared by the two: none of the patient's are held here" in html(build(store, session))


def test_where_people_are_known_an_order_by_hand_is_a_physicians_of_theirs(store: Any, tmp_path: Path) -> None:
    staffed(store)
    dosimetrist, auditor = logged_in(store, "MD-1", tmp_path), logged_in(store, "AU-1", tmp_path)
    for name, requester, why in (
        ("A", "RO-1", None), ("B", "MP-1", "its requester MP-1 is a physicist here, not the treating physician"),
        ("C", "RO-9", "its requester RO-9 has no account here, and so is not known as a physician"),
    ):  # fmt: skip
        (tmp_path / "f.toml").write_bytes(form(id=name, requester=requester))
        done = said(tmp_path, "order", "add", "f.toml", env=dosimetrist)
        assert done.returncode == 0, done.stderr
        assert get_order(store, name).draft == why
    assert "may not" in said(tmp_path, "order", "add", "f.toml", env=auditor).stderr
    assert "may not" in said(tmp_path, "patients", "show", "A", env=auditor).stderr
    with PatientsFile(beside(tmp_path / "store.db")) as patients:
        assert receive(store, patients, order(), Site()).code == "AA", "a program that was let in is no person"
