"""A file that was read with a wrong description of its columns counts as it was taken again, by two people's word."""

from __future__ import annotations

import hashlib

import pytest
from desk import BEFORE, Desk
from scenario_a import CHIPS

from acquire.errors import Refused
from acquire.procedure.readouts.read_anew import in_place_of
from acquire.procedure.results.result import calculate_session
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.read_anew import read_anew
from acquire.procedure.session.unattached import unattached
from acquire.record import build, html

WHY = "the column is of nC, not of pC"
READER = "tld-reader-1"
RIGHT_GY = 0.01320820990139898


@pytest.fixture
async def desk(connection, client):
    made = Desk(connection, client)
    await made.steps(*BEFORE)
    made.chips(on=True)
    await made.beams()
    made.chips(on=False)
    return made


def took(desk, factor=1.0, file="tray.csv", chips=None):
    """The tray, each value as the description makes it of the same bytes."""
    put = []
    for n, (element, value) in enumerate((chips or CHIPS).items()):
        digest = hashlib.sha256(f"{n} {element} {value}".encode()).hexdigest()
        origin = {"file": file, "sha256": digest, "offset": 20 * n, "length": 20}
        put.append(desk.client.chip(element, value * factor, origin))
    desk.client.put(READER, put)


def state(desk, file="tray.csv", confirmed_by="MP-1", reason=WHY, reader=READER):
    return read_anew(desk.connection, desk.session, reader, file, "MD-1", confirmed_by, reason)


def again(desk):
    return {each.point: each.output.plain() for each in calculate_session(desk.connection, desk.id, "MP-1")}


async def test_a_corrected_description_takes_the_place_of_the_wrong_one_and_both_stay(desk):
    took(desk, 1e-3)
    wrong = desk.outputs()["P5"]
    assert (wrong["decision"], "dose_gy" in wrong) == ("INVALID", False)
    took(desk)
    assert "dose_gy" not in again(desk)["P5"], "to take it again alone changes nothing"
    done, others = state(desk)
    assert (done, others) == (len(CHIPS), [desk.id])
    output = again(desk)["P5"]
    assert output["dose_gy"] == pytest.approx(RIGHT_GY, rel=1e-9)
    assert any("counts as tray.csv was taken again on tld-reader-1" in remark for remark in output["remarks"])
    record = build(desk.connection, desk.id)
    (said,) = record["read_anew"]
    assert (said["file"], said["readings"]) == ("tray.csv", len(CHIPS))
    assert (said["who"], said["confirmed_by"]) == ("MD-1", "MP-1")
    assert "Files that were taken again under a corrected description" in html(record)
    assert len(in_place_of(desk.connection, READER)) == len(CHIPS)
    assert unattached(desk.connection, desk.session) == []
    assert verify_store(desk.connection) == []


async def test_it_can_be_put_right_once_more(desk):
    took(desk, 1e-3)
    took(desk, 1e-6)
    state(desk)
    took(desk)
    state(desk)
    assert desk.outputs()["P5"]["dose_gy"] == pytest.approx(RIGHT_GY, rel=1e-9)
    assert verify_store(desk.connection) == []


async def test_what_is_not_so_is_refused_and_changes_nothing(desk):
    took(desk, 1e-3)
    for given, says in (
        ({}, "Nothing of tray.csv was taken again on tld-reader-1"),
        ({"file": "other.csv"}, "Nothing of other.csv was taken again"),
        ({"reader": "reader-9"}, "has no reader reader-9"),
        ({"confirmed_by": "md-1 "}, "by one person and confirmed by another"),
        ({"reason": " "}, "by one person and confirmed by another"),
    ):
        with pytest.raises(Refused, match=says):
            state(desk, **given)
    some = dict(list(CHIPS.items())[:2])
    took(desk, chips=some)
    with pytest.raises(Refused, match=f"{len(CHIPS) - 2} of {len(CHIPS)} readings of tray.csv were not taken again"):
        state(desk)
    assert build(desk.connection, desk.id)["read_anew"] == []
