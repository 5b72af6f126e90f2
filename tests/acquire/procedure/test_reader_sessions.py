"""A reader session: when it read, its check element, its detection limit, and what people state of it."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from cases import case_b, case_c, case_d, case_e, case_f, client_b, client_f
from test_worked_cases import measured
from worked import GIVEN, WorkedClient, closed_results, factor, run

from acquire.errors import FileProblem, Refused
from acquire.procedure.documents import moment as stated
from acquire.procedure.results.result import calculate_session
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.console import enter_console_time
from acquire.procedure.session.planning import newest_version
from acquire.procedure.session.session import get_session
from acquire.procedure.session.statements import imaging_given, no_imaging, pre_irradiated, read_at
from acquire.record import build, html


def step(output, what):
    return next(s for s in output["steps"] if s["what"] == what)


# --- when it was read ---


async def read_after(connection, days, arrived=None, zone="UTC", **batch):
    """Case B's rectal points with the site's fading: 0.05 % a day, standards one day old, known from 1 to 30 days.

    Read `days` after removal on a clock that shows UTC; the file comes in at once, or `arrived` days after removal.
    """
    case, reads = case_b()
    known = {"low_days": 1.0, "high_days": 30.0, "u_percent": 0.3, "source": "site fading"}
    for point in case.points[:3]:
        del point["factors"]["k_f"]
        point["fading"] = {"per_day": 0.0005, "days_of_standards": None if batch else 1.0, **known}
    case.batches[0] |= batch
    case.instruments[-1]["clock_zone"] = zone
    client = client_b(connection)
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    enter_console_time(connection, session, "MD-1", total_s=440.6, treated_at="2026-02-05T10:31:00+01:00")
    read = datetime.fromisoformat(client.now()) + timedelta(days=days)
    client.ahead_s += (arrived or days) * 86400
    client.read_elements(reads, clock=read)
    return closed_results(connection, session)["R1"]


@pytest.mark.parametrize("arrived", [3.0, 24.0])
async def test_fading_counts_the_days_to_the_readout_not_to_the_arrival_of_its_file(connection, arrived):
    output = await read_after(connection, 3.0, arrived)
    step = next(s for s in output["steps"] if s["what"] == "k_F")
    assert step["value"] == pytest.approx(1.001, abs=1e-5)
    assert output["dose_gy"] == pytest.approx(GIVEN["B_r1_D"] * step["value"], rel=1e-9)
    # k_L falls with the apparent dose: what changes that (coefficient, sensitivity, reading) counts 0.945 of itself
    follows = 1 - 0.020 * GIVEN["B_r1_app"] / GIVEN["B_r1_kl"]
    u_percent = math.hypot(follows * math.hypot(1.5, 1.0 / math.sqrt(2), 1.5 / math.sqrt(2)), 0.3, 1.0, 2.0)
    assert output["u_percent"] == pytest.approx(u_percent, rel=1e-3)
    assert any(r.startswith("The standards count as 1 d old, as the plan says") for r in output["remarks"])


async def test_a_chip_read_too_soon_gives_no_number(connection):
    output = await read_after(connection, 0.1)
    assert "d after irradiation; its fading is known from 1 to 30 d" in output["why"][0]


async def test_the_zone_of_the_readers_clock_is_the_inventorys(connection):
    # the clock shows UTC, the inventory says UTC+2: two hours less since removal
    output = await read_after(connection, 3.0, zone="Etc/GMT-2")
    assert step(output, "k_F")["value"] == pytest.approx(1 + 0.0005 * (3.0 - 2 / 24 - 1), abs=1e-5)


async def test_standards_that_state_when_they_were_irradiated_age_on_the_same_clock(connection):
    # the chips are read after twelve days, and their standards a day older: it is their difference that counts
    irradiated = datetime.now(UTC) - timedelta(days=1.0)
    output = await read_after(connection, 12.0, standards_irradiated=irradiated.isoformat())
    assert step(output, "k_F")["value"] == pytest.approx(1 + 0.0005 * (12.0 - 13.0), abs=1e-5)
    assert not any("as the plan says" in r for r in output["remarks"])


@pytest.mark.parametrize(
    ("days", "arrived", "sentence"),
    [(-2.0, 3.0, "before it was removed on"), (5.0, 3.0, "after its reading came in on")],
)
async def test_a_readers_clock_that_cannot_be_right_gives_no_number(connection, days, arrived, sentence):
    output = await read_after(connection, days, arrived)
    assert output["decision"] == "INVALID"
    assert sentence in output["why"][0]
    assert "acquire session read-at" in output["why"][0]


def test_fading_without_the_zone_of_the_clock_is_refused_with_the_plan(connection):
    case = faded()
    del case.instruments[-1]["clock_zone"]
    with pytest.raises(Refused, match="names no clock_zone of reader-1"):
        case.add(connection)


@pytest.mark.parametrize("both", [True, False])
def test_the_age_of_the_standards_is_stated_once(connection, both):
    case = faded(None if not both else 1.0)
    case.batches[0]["standards_irradiated"] = "2026-01-01T10:00:00+01:00" if both else None
    with pytest.raises(Refused, match="days_of_standards, or standards_irradiated in the batch of reader-1; one of"):
        case.add(connection)


def test_an_unknown_zone_is_refused(connection):
    case = faded()
    case.instruments[-1]["clock_zone"] = "Middle/Earth"
    with pytest.raises(FileProblem, match="no time zone known here"):
        case.add(connection)


def faded(own=1.0):
    case, _ = case_b()
    case.instruments[-1]["clock_zone"] = "UTC"
    for point in case.points[:3]:
        del point["factors"]["k_f"]
        point["fading"] = {
            "per_day": 0.0005, "days_of_standards": own, "low_days": 1.0, "high_days": 30.0, "u_percent": 0.3,
            "source": "site fading",
        }  # fmt: skip
    case.plan.pop("source")
    return case


async def test_two_people_state_when_it_was_read_where_the_clock_is_wrong(connection, monkeypatch):
    case, reads = faded(), case_b()[1]
    client = client_b(connection)
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    removed = datetime.fromisoformat(client.now())
    client.ahead_s += 20 * 86400
    client.read_elements(reads, clock=datetime(1998, 1, 1, 12, 0, tzinfo=UTC))
    assert closed_results(connection, session)["R1"]["decision"] == "INVALID"
    found, moment = get_session(connection, session), (removed + timedelta(days=3)).isoformat()
    with pytest.raises(Refused, match="by one person and confirmed by another"):
        read_at(connection, found, "reader-1", moment, "MP-1", "MP-1", "log book")
    with pytest.raises(Refused, match="no moment with an offset"):
        read_at(connection, found, "reader-1", "2027-02-05T10:20", "MP-1", "MD-1", "log book")
    with pytest.raises(Refused, match="lies in the future; say what has happened when it has"):
        read_at(connection, found, "reader-1", moment, "MP-1", "MD-1", "log book")
    monkeypatch.setattr(stated, "utc_now", client.now)
    with pytest.raises(Refused, match="electrometer-1 is no reader"):
        read_at(connection, found, "electrometer-1", moment, "MP-1", "MD-1", "log book")
    read_at(connection, found, "reader-1", moment, "MP-1", "MD-1", "Log book of the reader.")
    outputs = {r.point: r.output.plain() for r in calculate_session(connection, session, "MP-1")}
    assert step(outputs["R1"], "k_F")["value"] == pytest.approx(1.001, abs=1e-5)
    assert outputs["R1"]["remarks"][0].startswith("MP-1, confirmed by MD-1, state that reader-1 read the elements at")
    assert verify_store(connection) == []


async def test_without_fading_a_readout_that_looks_older_is_a_remark(connection):
    case, reads = case_d()
    client = WorkedClient(connection)
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    client.read_elements(reads, clock=datetime.now(UTC) - timedelta(days=30))
    output = closed_results(connection, session)["head-R"]
    assert output["decision"] == "REPORT ONLY"
    assert "before it was removed: an older readout, or a wrong clock." in output["remarks"][0]


# --- check element and detection limit ---


def checked(case, element="CH", reads=1000.0, kind="tld", unit="nC"):
    case.element(element, 1.0, kind)
    case.eccs.pop(element)
    case.batches[0]["check"] = {"element": element, "signal": factor(reads, unit), "limit_percent": 2.0}


@pytest.mark.parametrize(
    ("reads", "said"),
    [
        ([("CH", 1015.0)], None),
        ([("CH", 1025.0)], "Check element CH reads +2.5 %, the limit is ±2 %: service the reader first."),
        ([], "No result, check element missing in this reader session: CH."),
    ],
)
async def test_a_check_element_off_its_signal_or_not_read_gives_no_number(connection, reads, said):
    case, chips = case_d()
    checked(case)
    session, outputs = await measured(connection, case, [*chips, *reads])
    if said:
        assert outputs["head-R"]["why"] == [said]
        assert outputs["head"]["decision"] == "INVALID"
        return
    shown = outputs["head-R"]["steps"][0]
    assert (shown["what"], shown["numbers"]) == ("check(CH)", "100 × (1015 / 1000 − 1)")
    assert shown["value"] == pytest.approx(1.5)
    assert build(connection, session)["attached_to_nothing"] == []


def test_a_check_element_is_of_this_reader(connection):
    case, _ = case_d()
    case.batches[0]["check"] = {"element": "CH", "signal": factor(1.0, "nC"), "limit_percent": 2.0}
    with pytest.raises(Refused, match="The inventory has no element 'CH'"):
        case.add(connection)


def blanks(case, sd, unit, n=12):
    case.batches[0]["blanks"] = {"sd": sd, "n": n, "unit": unit, "source": "zero-dose readings of the batch"}


async def test_above_the_detection_limit_the_limit_stands_in_the_steps(connection):
    case, reads = case_d()
    blanks(case, 0.06, "nC")
    _, outputs = await measured(connection, case, reads)
    shown = outputs["head-R"]["steps"][0]
    assert (shown["what"], shown["unit"]) == ("D_L", "cGy")
    assert shown["value"] == pytest.approx(3 * 0.06 / GIVEN["D_rcf"])


@pytest.mark.parametrize(
    ("make", "sd", "unit", "read_in", "limit"),
    [
        (case_d, 900.0, "nC", "nC", "212 cGy"),
        (case_c, 3e4, "{counts}", "{counts}", "350 cGy"),
        (case_e, 3e3, "mRAD", "{counts}", "9 cGy"),
    ],
)
async def test_below_the_detection_limit_there_is_no_number(connection, make, sd, unit, read_in, limit):
    case, reads = make()
    blanks(case, sd, unit)
    _, outputs = await measured(connection, case, reads, unit=read_in)
    point = next(p["id"] for p in case.points if p["method"] in ("tld", "osl"))
    assert outputs[point]["decision"] == "INVALID"
    assert outputs[point]["why"][0].startswith(f"The elements show less than the detection limit of {limit}")


async def test_the_blanks_are_in_the_unit_of_the_signal_and_at_least_ten(connection):
    case, reads = case_d()
    blanks(case, 0.06, "{counts}")
    with pytest.raises(Refused, match=r"head-R: the blanks of reader-1 are in \{counts\}, its signal in nC"):
        await measured(connection, case, reads)
    blanks(case, 0.06, "nC", n=9)
    with pytest.raises(FileProblem, match="9 is out of range; it must be at least 10"):
        case.add(connection)


# --- imaging, and what a chamber received before ---


async def test_imaging_that_nobody_speaks_of_is_not_stated(connection):
    case, reads = case_e()
    del case.points[1]["course"]["imaging"]
    session, outputs = await measured(connection, case, reads, unit="{counts}")
    assert {outputs[p]["imaging"] for p in ("E1", "E2")} == {"not stated"}
    assert build(connection, session)["not_stated"] == [
        "Whether imaging was given while the elements lay at E1, E2 is not stated.",
        "The imaging dose of the course is not stated at E2: the sum is of therapy alone.",
    ]
    assert "the sum is of therapy alone" in html(build(connection, session))
    found = get_session(connection, session)
    for point in ("E1", "E2"):
        no_imaging(connection, found, point, "RT-1")
    outputs = {r.point: r.output.plain() for r in calculate_session(connection, session, "MP-1")}
    assert {outputs[p]["imaging"] for p in ("E1", "E2")} == {"none given"}
    assert len(build(connection, session)["not_stated"]) == 1
    imaging_given(connection, found, "E1", "RT-1", "cone-beam CT")
    no_imaging(connection, found, "E1", "RT-1")
    outputs = {r.point: r.output.plain() for r in calculate_session(connection, session, "MP-1")}
    assert outputs["E1"]["decision"] == "INVALID"
    assert verify_store(connection) == []


async def f_with(connection, gy):
    case = case_f()
    case.points[0]["pre_irradiation_gy"] = 10.0
    case.add(connection)
    session = case.start(connection, temperature_c=GIVEN["F_T"], pressure_kpa=GIVEN["F_P"])
    if gy is not None:
        pre_irradiated(connection, get_session(connection, session), "CH-1", "MP-1", gy, "LA-1, 6 MV, 1300 MU")
    await run(connection, client_f(connection), session)
    return closed_results(connection, session)["ref"]


@pytest.mark.parametrize(
    ("gy", "said"),
    [
        (None, "What CH-1 received before its readings is not stated (acquire session pre-irradiated)"),
        (4.0, "The chamber has received 4 Gy today; its readings settle after 10 Gy."),
    ],
)
async def test_a_chamber_without_its_pre_irradiation_gives_no_number(connection, gy, said):
    output = await f_with(connection, gy)
    assert output["why"][0].startswith(said)


async def test_a_chamber_with_its_pre_irradiation_has_its_dose(connection):
    output = await f_with(connection, 13.0)
    assert output["dose_gy"] == pytest.approx(GIVEN["F_D398"], rel=1e-9)
    assert output["remarks"][0] == "CH-1 received 13 Gy before its readings (LA-1, 6 MV, 1300 MU)."


@pytest.mark.parametrize(("detector", "gy", "reason"), [("CH-1", 0.0, "LA-1"), ("CH-1", 12.0, " ")])
def test_pre_irradiation_needs_an_amount_and_a_beam(connection, detector, gy, reason):
    case = case_f()
    case.add(connection)
    session = get_session(connection, case.start(connection))
    with pytest.raises(Refused, match="Say how much the chamber received in Gy"):
        pre_irradiated(connection, session, detector, "MP-1", gy, reason)


# --- range ---


def test_a_range_that_the_expected_charge_would_overload_is_refused_before_the_beam(connection):
    case, _ = case_c()
    case.instruments[0]["full_scale_nc"] = 20.0
    # 121.5 cGy at 3.041 cGy/nC, CF 1.0159 and CF_T 0.97542 are 40.32 nC
    with pytest.raises(Refused, match=r"C2: The expected 40\.32 nC would overload the range of 20 nC"):
        case.add(connection)
    with pytest.raises(Refused, match="has no plan yet"):
        newest_version(connection, "ORD-C-1")
    case.instruments[0]["full_scale_nc"] = 200.0
    case.add(connection)
    assert newest_version(connection, "ORD-C-1") == 1
