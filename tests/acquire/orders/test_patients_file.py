"""Identities lie apart: encrypted where a key is, readable with that key alone, and no measurement depends on them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from messages_v2 import order
from scenario_a import DEMO

from acquire.orders import Site
from acquire.patients import Identifier, Identity, PatientsError, PatientsFile, beside, make_key, read_key
from acquire.procedure.documents.identities import look_up, must_be_patient_of, verify_identities
from acquire.procedure.documents.messages import receive
from acquire.procedure.documents.order import add_order, get_order
from acquire.procedure.results.verify import verify_store
from acquire.store.database import connect

ANNA = Identity((Identifier("HOSP", "MRN-EXAMPLE-1", "MR"),), "Anna Example", "1960-01-01", "F")
TOLD = (b"MRN-EXAMPLE-1", b"Anna", b"ANNA", b"1960-01-01", b"19600101")


def key(folder: Path, name: str) -> bytes:
    make_key(folder / name)
    return read_key(folder / name)


def test_with_a_key_nothing_of_an_identity_lies_in_either_file(tmp_path: Path) -> None:
    connection = connect(tmp_path / "store.db", create=True)
    with PatientsFile(beside(tmp_path / "store.db"), key(tmp_path, "k")) as patients:
        assert receive(connection, patients, order(), Site()).code == "AA"
        assert verify_identities(connection, patients) == (1, [])
        _, found = look_up(connection, patients, "ORD-V2-1", "MD-1")
        assert (found.name, found.birth_date) == ("ANNA EXAMPLE", "1960-01-01")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    for file in ("store.db", "store.patients.db"):
        content = (tmp_path / file).read_bytes()
        assert [each for each in TOLD if each in content] == []
    assert (tmp_path / "store.patients.db").stat().st_mode & 0o077 == 0


def test_without_a_key_the_identity_is_in_the_patients_file_alone(tmp_path: Path) -> None:
    connection = connect(tmp_path / "store.db", create=True)
    with PatientsFile(beside(tmp_path / "store.db")) as patients:
        receive(connection, patients, order(), Site())
        assert patients.original(connection.execute("SELECT original FROM order_version").fetchone()[0]) == (
            "M-1.hl7", order(),
        )  # fmt: skip
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    assert b"MRN-EXAMPLE-1" in (tmp_path / "store.patients.db").read_bytes()
    assert [each for each in TOLD if each in (tmp_path / "store.db").read_bytes()] == []


def test_a_key_is_changed_and_what_was_plain_is_wiped(tmp_path: Path) -> None:
    path, first, second = tmp_path / "p.db", key(tmp_path, "k1"), key(tmp_path, "k2")
    with PatientsFile(path) as patients:
        patients.enter("p-1", ANNA)
        mark = patients.keep_original("o.json", b"MRN-EXAMPLE-1 as it came")
    with pytest.raises(PatientsError, match="is not encrypted yet"):
        PatientsFile(path, first)
    for before, after in ((None, first), (first, second)):
        with PatientsFile(path, before) as patients:
            assert patients.change_key(after) == 3
        assert b"MRN-EXAMPLE-1" not in path.read_bytes()
        with PatientsFile(path, after) as patients:
            assert patients.identity("p-1") == (1, ANNA)
            assert patients.known(ANNA.identifiers) == ["p-1"]
            assert patients.original(mark) == ("o.json", b"MRN-EXAMPLE-1 as it came")
    with pytest.raises(PatientsError, match="encrypted with another key"):
        PatientsFile(path, first)
    with pytest.raises(PatientsError, match=r"is encrypted; .* Measurements are read without it"):
        PatientsFile(path)


def test_a_lost_key_loses_identities_and_no_order(tmp_path: Path) -> None:
    connection = connect(tmp_path / "store.db", create=True)
    with PatientsFile(beside(tmp_path / "store.db"), key(tmp_path, "k")) as patients:
        receive(connection, patients, order(), Site())
    with pytest.raises(PatientsError):
        add_order(connection, (DEMO / "order-A-1.json").read_bytes(), "o.json", "MD-1")
    assert get_order(connection, "ORD-V2-1").requester == "RO-1"
    assert verify_store(connection) == []
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda path: path.chmod(0o640), "can be used by other accounts"),
        (lambda path: path.write_bytes(b"too short"), "holds no key"),
    ],
)
def test_a_key_file_that_is_none_is_refused(tmp_path: Path, spoil: object, word: str) -> None:
    make_key(tmp_path / "k")
    spoil(tmp_path / "k")  # type: ignore[operator]
    with pytest.raises(PatientsError, match=word):
        read_key(tmp_path / "k")
    with pytest.raises(PatientsError, match="name a new file"):
        make_key(tmp_path / "k")


def test_an_edit_of_an_identity_is_found_with_a_key_and_without(tmp_path: Path) -> None:
    for used in (None, key(tmp_path, "k")):
        name = f"{used is None}.db"
        connection = connect(tmp_path / name, create=True)
        path = beside(tmp_path / name)
        with PatientsFile(path, used) as patients:
            receive(connection, patients, order(), Site())
        with sqlite3.connect(path) as file:
            (body,) = file.execute("SELECT body FROM identity").fetchone()
            file.execute("UPDATE identity SET body = ?", (body.replace(b"1960-01-01", b"1960-01-02")[:-1] + body[-1:],))
            if used is not None:
                file.execute("UPDATE identity SET body = ?", (body[:-1] + bytes([body[-1] ^ 1]),))
        file.close()
        with PatientsFile(path, used) as patients:
            assert "was changed in the patients' file" in verify_identities(connection, patients)[1][0]
        connection.close()


@pytest.mark.parametrize(
    ("said", "word"),
    [
        (["MRN-EXAMPLE-1", "1960-01-01"], None),
        (["mrn example 1", "Example, ANNA"], None),
        (["MRN-EXAMPLE-2", "1960-01-01"], "identifier 1 is none of that patient"),
        (["MRN-EXAMPLE-1", "1970-01-01"], "identifier 2 is none of that patient"),
        (["MRN-EXAMPLE-1", "MRN-EXAMPLE-1"], "of two kinds"),
        (["1960-01-01"], "of two kinds"),
        (["", "-"], "identifier 1 and identifier 2"),
    ],
)
def test_a_wrong_wristband_is_refused_and_the_sentence_tells_no_identity(
    tmp_path: Path, said: list[str], word: str | None
) -> None:
    connection = connect(tmp_path / "store.db", create=True)
    with PatientsFile(None) as patients:
        receive(connection, patients, order(), Site())
        if word is None:
            assert len(must_be_patient_of(connection, patients, "ORD-V2-1", said)) == 2
        else:
            with pytest.raises(PatientsError.__mro__[1], match=word) as caught:
                must_be_patient_of(connection, patients, "ORD-V2-1", said)
            assert not [each for each in TOLD if each.decode() in str(caught.value)]
    connection.close()


def test_a_kill_between_the_two_files_is_named_by_the_next_order(tmp_path: Path) -> None:
    connection = connect(tmp_path / "store.db", create=True)
    with PatientsFile(None) as patients:
        patients.enter("p-1", Identity((Identifier("HOSP", "MRN-EXAMPLE-1", "MR"),), "ANNA EXAMPLE", "1960-01-01", "F"))
        assert "is not named in the store" in verify_identities(connection, patients)[1][0]
        assert receive(connection, patients, order(), Site()).code == "AA"
        assert get_order(connection, "ORD-V2-1").patient == "p-1"
        assert verify_identities(connection, patients) == (1, [])
    connection.close()
