"""A reader has an element under another name: its readings find their place by two people's word, with its own ECC."""

from __future__ import annotations

import pytest
from desk import BEFORE, Desk
from scenario_a import CHIPS

from acquire.errors import Refused
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.read_names import was_read_as
from acquire.procedure.session.unattached import unattached
from acquire.record import build, html

WHY = "engraving read by two"


def renamed(**names):
    """The tray of case A with other names: {"n17": "71"} is a chip 17 that the reader has as 71."""
    called = {of.removeprefix("n"): name for of, name in names.items()}
    return {called.get(element, element): charge for element, charge in CHIPS.items()}


@pytest.fixture
async def desk(connection, client):
    made = Desk(connection, client)
    await made.steps(*BEFORE)
    made.chips(on=True)
    await made.beams()
    made.chips(on=False)
    return made


def state(desk, names, reason=WHY, confirmed_by="MP-1"):
    was_read_as(desk.connection, desk.session, names, "MD-1", confirmed_by, reason)


async def test_a_mistyped_tray_list_costs_no_dose_and_brings_no_other_chip_s_sensitivity(desk):
    desk.read(renamed(n17="71"))
    assert [(u.element, u.why) for u in unattached(desk.connection, desk.session)] == [
        ("T-071", "has no placement in this session")
    ]
    state(desk, {"T-017": "T-071"})
    assert unattached(desk.connection, desk.session) == []
    output = desk.outputs()["P5"]
    assert output["dose_gy"] == pytest.approx(0.01320820990139898, rel=1e-9)  # with T-017's ECC of 1.013
    said = f"The reader has T-017 as 71 (2); two people say that it was T-017: {WHY} (MD-1, confirmed by MP-1)."
    assert said in output["remarks"]
    record = build(desk.connection, desk.id)
    assert [(each["dosimeter"], each["read_as"]) for each in record["read_as"]] == [("T-017", "71")]
    assert '<td data-label="Read as">71 (2)</td>' in html(record)
    assert verify_store(desk.connection) == []


async def test_two_chips_exchanged_in_the_tray_are_said_together(desk):
    desk.read(renamed(n14="17", n17="14"))
    with pytest.raises(Refused, match="T-017 was read under its own name"):
        state(desk, {"T-017": "T-014"})
    with pytest.raises(Refused, match="T-014 was read under its own name"):
        state(desk, {"T-014": "T-099 (2)"})
    state(desk, {"T-014": "T-017", "T-017": "T-014"})
    outputs = desk.outputs()
    assert outputs["P4"]["dose_gy"] == pytest.approx(0.03044790007441909, rel=1e-9)
    assert outputs["P5"]["dose_gy"] == pytest.approx(0.01320820990139898, rel=1e-9)


async def test_an_engraving_that_nobody_knows_is_named_as_the_reader_has_it(desk):
    desk.read(renamed(n17="99"))
    assert [u.element for u in unattached(desk.connection, desk.session)] == ["99 (2)"]
    state(desk, {"T-017": "99 (2)"})
    assert desk.outputs()["P5"]["dose_gy"] == pytest.approx(0.01320820990139898, rel=1e-9)


async def test_a_second_read_under_its_own_name_is_of_an_emptied_element(desk):
    desk.read(renamed(n17="71"))
    state(desk, {"T-017": "T-071"})
    desk.client.chips("later.asc", {"17": 70})
    output = desk.outputs()["P5"]
    assert output["dose_gy"] == pytest.approx(0.01320820990139898, rel=1e-9)
    assert any(remark.startswith("T-017 was read 2 times; the first readout counts") for remark in output["remarks"])


async def test_what_is_not_so_is_refused_and_changes_nothing(desk):
    desk.read(renamed(n17="71"))
    for names, confirmed_by, reason, says in (
        ({"T-017": "T-071"}, "md-1 ", WHY, "by one person and confirmed by another"),
        ({"T-017": "T-071"}, "MP-1", " ", "by one person and confirmed by another"),
        ({"T-020": "T-071"}, "MP-1", WHY, "T-020"),
        ({"T-017": "X-1"}, "MP-1", WHY, "X-1 is a tld of tld-reader-2; T-017 is a tld of tld-reader-1"),
        ({"T-017": "T-016"}, "MP-1", WHY, "T-016 lies at P4 in this session: say in the same command"),
        ({"T-017": "T-099"}, "MP-1", WHY, "T-099 has no reading on tld-reader-1 since T-017 was removed"),
        ({"T-014": "T-071"}, "MP-1", WHY, "T-014 was read under its own name"),
    ):
        with pytest.raises(Refused, match=says):
            state(desk, names, reason, confirmed_by)
    assert build(desk.connection, desk.id)["read_as"] == []
    state(desk, {"T-017": "T-071"})
    with pytest.raises(Refused, match=r"It is said already that T-017 was read as 71 \(2\)"):
        state(desk, {"T-017": "T-071"})


async def test_a_chip_that_is_still_out_was_not_read(connection, client):
    desk = Desk(connection, client)
    await desk.steps(*BEFORE)
    desk.chips(on=True)
    with pytest.raises(Refused, match="T-017 is still out at P5; write its removal first"):
        state(desk, {"T-017": "T-071"})
