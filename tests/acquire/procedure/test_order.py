"""The order: what is taken, and one plain sentence for each thing that is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scenario_a import DEMO, demo_file

from acquire.errors import FileProblem, Refused
from acquire.patients import PatientsFile, beside
from acquire.procedure.documents.order import add_order, get_order, list_orders, read_order


def demo() -> dict:
    return json.loads((DEMO / "order-A-1.json").read_text())


def problems(**changes: object) -> list[str]:
    request = demo() | changes
    request = {key: value for key, value in request.items() if value is not None}
    with pytest.raises(FileProblem) as caught:
        read_order(json.dumps(request).encode(), "order.json")
    return list(caught.value.sentences)


def test_the_example_is_a_whole_order():
    order = read_order((DEMO / "order-A-1.json").read_bytes(), "order-A-1.json")
    assert (order.id, order.requester, order.requester_role) == ("ORD-A-1", "RO-1", "treating radiation oncologist")
    assert order.necessity.startswith("a hip prosthesis")
    assert order.effect.startswith("monitor units or plan are changed")
    assert order.reasons == ("C61",)
    assert order.lacks == ()


def test_need_and_effect_in_one_note():
    note = [{"text": "Necessity: abutting fields. Result decides whether MU is rescaled."}]
    order = read_order(json.dumps(demo() | {"note": note}).encode(), "o")
    assert order.necessity == "abutting fields."
    assert order.effect == "whether MU is rescaled."


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"status": "draft"}, "'draft'"),
        ({"status": "revoked"}, "'revoked'"),
        ({"intent": "proposal"}, "'proposal'"),
        ({"code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "77300"}]}}, "asks for 77300"),
        ({"code": {"coding": [{"system": "http://snomed.info/sct", "code": "1699009"}]}}, "no CPT code"),
        ({"requester": None}, "no requester"),
        ({"authoredOn": None}, "no authoredOn"),
        ({"authoredOn": "2026-02-02"}, "no time of day"),
        ({"authoredOn": "2996-02-02T10:00:00Z"}, "future"),
        ({"note": None, "reasonCode": None}, "no need"),
        ({"identifier": [{"value": "Doe, Jane"}]}, "cannot be used"),
    ],
)
def test_each_thing_that_is_wrong_is_one_sentence(changes, word):
    found = problems(**changes)
    assert len(found) == 1
    assert word in found[0]
    assert found[0].startswith("order.json: ")


def test_a_physicist_cannot_order():
    request = demo()
    request["contained"][0]["code"] = [{"text": "medical physicist"}]
    with pytest.raises(FileProblem, match="only the treating physician"):
        read_order(json.dumps(request).encode(), "o")


def test_what_is_not_fhir_names_the_place():
    assert any("status" in sentence for sentence in problems(status=5))
    with pytest.raises(FileProblem, match="not as FHIR"):
        read_order(b"{nope", "o")


def test_nothing_is_stored_of_a_refused_order(connection):
    body = json.dumps(demo() | {"status": "draft"}).encode()
    with pytest.raises(FileProblem):
        add_order(connection, body, "o", "MD-1")
    assert connection.execute("SELECT count(*) FROM document").fetchone()[0] == 0
    assert list_orders(connection) == []


def test_an_order_is_kept_apart_from_its_bytes_and_cannot_change(connection):
    name, body = demo_file("order-A-1.json")
    order = add_order(connection, body, name, "MD-1")
    assert add_order(connection, body, name, "MD-1") == order
    assert get_order(connection, "ORD-A-1") == order
    kept = connection.execute("SELECT body FROM document").fetchone()[0]
    assert b"example-a" not in kept
    with PatientsFile(beside(Path(connection.execute("PRAGMA database_list").fetchone()["file"]))) as patients:
        mark = connection.execute("SELECT original FROM order_version").fetchone()[0]
        assert patients.original(mark) == (name, body)
    with pytest.raises(Refused, match="another content"):
        add_order(connection, body.replace(b"MR of", b"PET of"), name, "MD-1")
