"""Identities that change: updates of a registration, patients that are two again, a mistyped one put right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import acquire
from messages_v2 import merged, order, separated, updated

from acquire.errors import Refused
from acquire.orders import Site
from acquire.patients import Identifier, Identity, PatientsFile, beside
from acquire.procedure.documents.identities import must_be_patient_of, patient_now, verify_identities
from acquire.procedure.documents.messages import Answered, receive
from acquire.procedure.documents.patient_changes import correct, versions_of
from acquire.procedure.documents.patients import orders_of_patient
from acquire.procedure.results.verify import verify_store
from acquire.store.database import connect

ONE, TWO = "MRN-EXAMPLE-1^^^HOSP^MR", "MRN-EXAMPLE-2^^^HOSP^MR"


@pytest.fixture
def room(tmp_path: Path) -> Iterator[tuple[Any, PatientsFile]]:
    connection = connect(tmp_path / "store.db", create=True)
    with PatientsFile(beside(tmp_path / "store.db")) as patients:
        yield connection, patients
        assert verify_store(connection) == []
        assert verify_identities(connection, patients)[1] == []
    connection.close()


def answered(room: Any, body: bytes) -> Answered:
    return receive(room[0], room[1], body, Site())


def two_patients(room: Any) -> None:
    answered(room, order(number="O-1", control_id="M-1", number_of=ONE))
    answered(room, order(number="O-2", control_id="M-2", number_of=TWO, born="19550505"))


def known(room: Any, number: str) -> Identity:
    return room[1].identity(patient_now(room[0], number))[1]


def test_patients_that_were_merged_by_mistake_are_two_again(room: Any) -> None:
    two_patients(room)
    answered(room, merged(ONE, TWO))
    answered(room, order(number="O-3", control_id="M-3", number_of=TWO))
    assert orders_of_patient(room[0], "O-1") == ["O-1", "O-2", "O-3"]
    done = answered(room, separated(ONE, TWO))
    assert done.code == "AA"
    assert "O-3 came while they were one and stay with" in done.says
    assert (orders_of_patient(room[0], "O-1"), orders_of_patient(room[0], "O-2")) == (["O-1", "O-3"], ["O-2"])
    assert [each.value for each in known(room, "O-1").identifiers] == ["MRN-EXAMPLE-1"]
    with pytest.raises(Refused, match="Not the patient of order O-1"):
        must_be_patient_of(room[0], room[1], "O-1", ["MRN-EXAMPLE-2", "1960-01-01"])
    assert len(must_be_patient_of(room[0], room[1], "O-2", ["MRN-EXAMPLE-2", "1955-05-05"])) == 2
    for n, (number, born, of) in enumerate(((TWO, "19550505", "O-2"), (ONE, "19600101", "O-1"))):
        answered(room, order(number=f"O-{n + 4}", control_id=f"M-{n + 4}", number_of=number, born=born))
        assert f"O-{n + 4}" in orders_of_patient(room[0], of), "a later order finds whose it is"
    answered(room, merged(ONE, TWO, "A-2"))
    assert orders_of_patient(room[0], "O-2") == ["O-1", "O-2", "O-3", "O-4", "O-5"]


def test_it_is_the_same_whichever_of_the_two_is_named_first(room: Any) -> None:
    two_patients(room)
    answered(room, merged(ONE, TWO))
    answered(room, separated(TWO, ONE))
    assert (orders_of_patient(room[0], "O-1"), orders_of_patient(room[0], "O-2")) == (["O-1"], ["O-2"])
    assert [each.value for each in known(room, "O-2").identifiers] == ["MRN-EXAMPLE-2"]


def test_a_number_that_was_only_a_further_one_is_somebody_of_its_own_again(room: Any) -> None:
    answered(room, order(number="O-1", number_of=ONE))
    answered(room, merged(ONE, TWO))
    assert "is p-" in answered(room, separated(ONE, TWO)).says
    answered(room, order(number="O-2", control_id="M-2", number_of=TWO, born="19550505"))
    assert orders_of_patient(room[0], "O-1") == ["O-1"]


def test_an_unlink_of_those_who_are_not_one_changes_nothing(room: Any) -> None:
    two_patients(room)
    for n, (one, other) in enumerate(((ONE, TWO), (ONE, "MRN-EXAMPLE-9^^^HOSP^MR"))):
        assert "there is nothing to separate" in answered(room, separated(one, other, f"U-{n}")).says
    same = answered(room, separated(ONE, ONE, "U-8"))
    assert (same.code, "have an identifier in common" in same.says) == ("AE", True)
    short = answered(room, updated(control_id="U-9", event="A37"))
    assert (short.code, "an unlink is of two" in short.says) == ("AE", True)


def test_an_update_is_a_version_and_only_of_those_who_are_known(room: Any) -> None:
    answered(room, order(number="O-1"))
    assert "is v2 now" in answered(room, updated(name="EXAMPLE-OTHER^ANNA")).says
    assert known(room, "O-1") == Identity(
        (Identifier("HOSP", "MRN-EXAMPLE-1", "MR"),), "ANNA EXAMPLE-OTHER", "1960-01-01", "F"
    )
    assert "is known like that already" in answered(room, updated(name="EXAMPLE-OTHER^ANNA", control_id="U-2")).says
    assert "is v3 now" in answered(room, updated(name="EXAMPLE-OTHER^ANNA", born="19600102", control_id="U-3",
                                                 event="A31")).says  # fmt: skip
    other = answered(room, updated(name="DIFFERENT^BERTA", born="19700101", control_id="U-4"))
    assert (other.code, "is it the same person?" in other.says) == ("AE", True)
    nobody = answered(room, updated(TWO, control_id="U-5"))
    assert (nobody.code, "there is nothing to update" in nobody.says) == ("AA", True)
    assert room[1].known([Identifier("HOSP", "MRN-EXAMPLE-2", "MR")]) == []
    for row in room[0].execute("SELECT who, what, subject, old, new, reason FROM audit"):
        assert not any(word in str(tuple(row)) for word in ("ANNA", "1960", "MRN-EXAMPLE")), tuple(row)


def test_a_mistyped_identity_is_put_right_by_two_and_its_history_stays(room: Any, tmp_path: Path) -> None:
    connection, patients = room
    two_patients(room)
    patient = patient_now(connection, "O-1")
    right = Identity((Identifier("HOSP", "MRN-EXAMPLE-11", "MR"),), "", "1960-01-10")
    for who, by, why, sentence in (
        ("MD-1", "md-1", "x", "put right by two people"), ("MD-1", "RT-1", " ", "Say why"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=sentence):
            correct(connection, patients, patient, right, who, by, why)
    with pytest.raises(Refused, match="That number is of patient p-"):
        correct(connection, patients, patient, Identity((Identifier("HOSP", "MRN-EXAMPLE-2"),)), "MD-1", "RT-1", "x")
    (tmp_path / "right.toml").write_text(
        'schema = "patient-form/1"\n[patient]\nnumber = "MRN-EXAMPLE-11"\nauthority = "HOSP"\nbirth_date = 1960-01-10\n'
    )
    asked = (
        "patients",
        "correct",
        "O-1",
        "right.toml",
        "--by",
        "MD-1",
        "--confirmed-by",
        "RT-1",
        "--reason",
        "mistyped",
    )
    done = acquire(*asked, "--store", "sqlite:///store.db", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"What is known of patient {patient} is v2 now.\n"), done.stderr
    assert len(must_be_patient_of(connection, patients, "O-1", ["MRN-EXAMPLE-11", "1960-01-10"])) == 2
    with pytest.raises(Refused, match="Not the patient"):
        must_be_patient_of(connection, patients, "O-1", ["MRN-EXAMPLE-1", "1960-01-01"])
    first, second = versions_of(connection, patients, patient)
    assert (first.identity.birth_date, second.identity.birth_date) == ("1960-01-01", "1960-01-10")
    assert (first.why, second.who, second.why) == ("", "MD-1", "identity put right: mistyped (with RT-1)")
    shown = acquire(
        "patients", "show", "O-1", "--history", "--by", "MD-1", "--store", "sqlite:///store.db", cwd=tmp_path
    )
    assert "identity put right: mistyped (with RT-1)" in shown.stdout
    as_json = acquire("patients", "show", "O-1", "--history", "--json", "--by", "MD-1", "--store", "sqlite:///store.db",
                      cwd=tmp_path)  # fmt: skip
    assert [each["version"] for each in json.loads(as_json.stdout)["versions"]] == [1, 2]
