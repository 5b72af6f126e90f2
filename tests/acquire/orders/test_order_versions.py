"""Orders by hand, drafts, changes in mid-session, copied texts: what stops, and what is said."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from scenario_a import DEMO
from test_detector_count import diodes
from worked import WorkedClient, run

from acquire.errors import FileProblem, Refused
from acquire.procedure.documents.order import (
    add_order,
    change_order,
    copied_need,
    get_order,
    list_orders,
    version_at_start,
)
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.order_holds import still_holds
from acquire.procedure.session.steps import begin_step
from acquire.record import build
from acquire.store.database import connect

RO = "radiation oncologist"


@pytest.fixture
def connection(tmp_path: Any) -> Any:
    made = connect(tmp_path / "store.db", create=True)
    yield made
    made.close()


def form(**changes: Any) -> bytes:
    """An order form of now; a table is given as TOML behind the keys."""
    now = datetime.now(UTC).replace(microsecond=0)
    keys = {
        "schema": "order-form/1", "id": "ORD-H-1", "requester": "RO-1", "role": RO, "authored_on": now,
        "necessity": "The field edge lies beside the pacemaker.", "decides": "relocation or re-plan", **changes,
    }  # fmt: skip
    tables = keys.pop("tables", "")
    lines = [
        f"{k} = {v.isoformat() if isinstance(v, datetime) else json.dumps(v)}" for k, v in keys.items() if v is not None
    ]
    patient = '[patient]\nnumber = "MRN-EXAMPLE-1"\nauthority = "HOSP"\nbirth_date = 1960-01-01\n'
    return "\n".join([*lines, tables, patient]).encode()


def demo_order(number: str, **changes: Any) -> bytes:
    document = json.loads((DEMO / "order-A-1.json").read_bytes()) | changes
    document["identifier"][0]["value"] = number
    return json.dumps(document).encode()


def refused(connection: Any, body: bytes) -> str:
    with pytest.raises(FileProblem) as caught:
        add_order(connection, body, "form.toml", "MD-1")
    return " ".join(caught.value.sentences)


def test_an_order_by_hand_is_entered_as_such(connection: Any) -> None:
    order = add_order(connection, form(covering_for="RO-2"), "form.toml", "MD-1")
    assert (order.source, order.requester_role, order.covering_for, order.draft) == ("hand", RO, "RO-2", None)
    assert get_order(connection, "ORD-H-1") == order
    assert add_order(connection, form(covering_for="RO-2", authored_on=order.authored_on), "f", "MD-1") == order


def test_what_is_entered_late_says_so(connection: Any) -> None:
    before = datetime.now(UTC) - timedelta(hours=3)
    assert "say in entered_late why" in refused(connection, form(authored_on=before))
    order = add_order(connection, form(authored_on=before, entered_late="paper, network down"), "f", "MD-1")
    assert order.entered_late == "paper, network down"


def test_a_telephone_order_is_one_and_is_left_to_billing(connection: Any) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    phoned = f'[telephone]\ntaken_by = "MD-1"\ntaken_at = {now.isoformat()}\nread_back = %s\n'
    assert "read back to the physician" in refused(connection, form(tables=phoned % "false"))
    order = add_order(connection, form(tables=phoned % "true"), "f", "MD-1")
    assert order.telephone is not None
    assert (order.telephone.taken_by, order.telephone.read_back) == ("MD-1", True)
    assert order.lacks == ("The order was taken by telephone: whether it supports a charge is settled by billing.",)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"necessity": "n/a"}, "says nothing"), ({"authored_on": "yesterday"}, "authored_on"), ({"id": "a b"}, "id"),
        ({"wish": "x"}, "wish"), ({"authored_on": datetime(2096, 1, 1, tzinfo=UTC)}, "in the future"),
    ],
)  # fmt: skip
def test_a_form_is_refused_in_plain_words(connection: Any, changes: dict[str, Any], word: str) -> None:
    assert word in refused(connection, form(**changes))
    assert list_orders(connection) == []


def test_a_physicists_wish_is_a_draft_on_which_nothing_is_planned(connection: Any) -> None:
    case = diodes()
    draft = add_order(
        connection, form(id=f"ORD-{case.name}-1", requester="MP-1", role="medical physicist"), "f", "MP-1"
    )
    assert draft.draft == "its requester is 'medical physicist', not the treating physician"
    with pytest.raises(Refused, match="is a draft"):
        case.add_plan(connection)
    order = change_order(connection, form(id=draft.id), "f", "MD-1", "ordered by the physician")
    assert (order.version, order.draft) == (2, None)
    case.add_plan(connection)
    with pytest.raises(Refused, match="is a physician's, and the change is none"):
        change_order(connection, form(id=draft.id, role="medical physicist"), "f", "MP-1", "other wish")


async def test_a_change_in_mid_session_stops_it_at_the_next_step_until_the_plan_holds(connection: Any) -> None:
    case = diodes()
    case.add(connection)
    session = case.start(connection)
    client = WorkedClient(connection)
    number = f"ORD-{case.name}-1"
    changed = change_order(
        connection, demo_order(number, note=[{"text": "Necessity: bolus added. Result decides: MU"}]), "o.json",
        "RO-1", "bolus was added",
    )  # fmt: skip
    assert changed.version == 2
    first = next(s.id for s in case_steps(connection, session))
    with pytest.raises(
        Refused, match=r"was changed by RO-1 .*: bolus was added\. Plan v1 was made for v1 of the order"
    ):
        await begin_step(connection, client, session, first, "MD-1")
    assert still_holds(connection, number, 1, "MP-1", "the fields are the same") == 2
    with pytest.raises(Refused, match="already"):
        still_holds(connection, number, 1, "MP-1", "again")
    await run(connection, client, session)
    record = build(connection, session)
    assert record["order"]["version"] == version_at_start(connection, session) == 1
    assert [v["reason"] for v in record["order_versions"]] == [None, "bolus was added"]
    assert verify_store(connection) == []
    assert verify_store(connection, session=session) == []


def case_steps(connection: Any, session: str) -> Any:
    from acquire.procedure.session.session import get_session  # noqa: PLC0415

    return get_session(connection, session).plan.step


def test_the_same_number_is_never_of_another_patient(connection: Any) -> None:
    add_order(connection, demo_order("ORD-X-1"), "o.json", "MD-1")
    other = demo_order("ORD-X-1", subject={"reference": "Patient/example-b"})
    with pytest.raises(Refused, match="is here for another patient"):
        add_order(connection, other, "o.json", "MD-1")
    with pytest.raises(Refused, match="is here for another patient"):
        change_order(connection, other, "o.json", "MD-1", "mistyped")


def test_one_wording_in_ten_orders_is_pointed_out(connection: Any) -> None:
    for n in range(10):
        text = f"Necessity:  a hip prosthesis, {n} beams!" if n % 2 else "Necessity: A hip prosthesis; beams."
        order = add_order(connection, demo_order(f"ORD-{n}", note=[{"text": text}]), "o.json", "MD-1")
        said = copied_need(connection, order)
        assert (said is not None) is (n == 9)
    assert said is not None
    assert "word for word that of 10 orders here" in said


def test_an_order_of_an_earlier_release_is_read_as_it_was(connection: Any) -> None:
    body = (DEMO / "order-A-1.json").read_bytes()
    from acquire.procedure.documents import kept  # noqa: PLC0415
    from acquire.store import audit  # noqa: PLC0415
    from acquire.store.database import transaction  # noqa: PLC0415

    with transaction(connection):
        sha256, file = kept.to_keep(connection, "order", "o.json", body)
        row = audit.row(
            "orders", id="ORD-A-1", sha256=sha256, patient="Patient/example-a", added_at="2026", added_by="M"
        )
        audit.keep(connection, "MD-1", "order added", "ORD-A-1", rows=[*file, row], new=sha256)
    before = get_order(connection, "ORD-A-1")
    assert (before.requester, before.requester_role, before.version) == ("RO-1", "treating radiation oncologist", 1)
    assert add_order(connection, body, "o.json", "MD-1") == before, "the same file again changes nothing"
    new = add_order(connection, demo_order("ORD-A-2"), "o.json", "MD-1")
    assert new.patient == "Patient/example-a", "and a new order of the same subject is of the same patient"
