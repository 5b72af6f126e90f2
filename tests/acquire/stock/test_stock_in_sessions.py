"""What a plan and a session take from the stock: by the same path as from files, once, and for ever."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from cases import case_d, case_f
from stocked import DOSE_GY, Stock, chips, hours_ago
from worked import (
    READER,
    Case,
    WorkedClient,
    calibration,
    closed_results,
    expected,
    factor,
    limits,
    part,
    ranged,
    run,
    state_unmeasured_beam,
)

from acquire.errors import Refused
from acquire.procedure.documents import kept
from acquire.procedure.documents.calibrations import read_calibrations
from acquire.procedure.documents.inventory import read_inventory
from acquire.procedure.results.result import calculate_session, versions
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.closing import close_session
from acquire.procedure.session.placement import place, remove
from acquire.procedure.session.session import get_session
from acquire.procedure.stock import calibrating
from acquire.procedure.stock.elements import StockElement, element_named, put_element
from acquire.procedure.stock.events import ElementEvent, ended, note
from acquire.procedure.stock.history import history
from acquire.procedure.stock.toml_text import toml_of
from acquire.procedure.stock.touched import touched
from acquire.record import build, html

PAIR = ("T-005", "T-006")
GIVEN_CGY = 150.0


def planned(name: str = "S", pair: tuple[str, ...] = PAIR, *, standards: bool = False) -> Case:
    """A plan of one point with two chips; the elements, corrections and coefficient are the store's alone."""
    case = Case(name)
    case.instrument(READER, "winrems")
    case.batches = [{"reader": READER}]
    if standards:
        case.batches = [
            {"reader": READER, "standards": ["T-001", "T-002"], "controls": ["T-011"], "rcf_u_percent": 1.5,
             "coefficient_range": [0.6, 1.1], "standard_dose": factor(200.0, "cGy")}
        ]  # fmt: skip
    case.point(
        "P1", "tld", "6 MV", elements=list(pair), pair_limit_percent=5.0,
        factors={"k_f": factor(1.0, u=0.3), "k_l": factor(1.0, u=0.5), "k_q": factor(1.0, u=1.0)},
        uncertainty=[part("reading", 1.0, per="element")], expected=expected(GIVEN_CGY, 1.0), limits=limits(10, 15),
    )  # fmt: skip
    case.place_and_read(["P1"])
    return case


@pytest.fixture
def calibrated(stock):
    """A batch whose corrections and whose reader's coefficient are in force."""
    stock.ecc, stock.rcf = stock.corrected(), stock.coefficient()
    return stock


async def measured(stock: Stock, case: Case, file: str = "patient") -> str:
    case.add(stock.connection)
    session = case.start(stock.connection)
    await run(stock.connection, WorkedClient(stock.connection), session)
    stock.read({c: stock.signal(chips().index(c), GIVEN_CGY / 100) for c in case.points[0]["elements"]}, file)
    return session


async def test_a_dose_is_made_of_the_stocks_corrections_and_coefficient(calibrated):
    case = planned()
    session = await measured(calibrated, case)
    output = closed_results(calibrated.connection, session)["P1"]
    assert output["decision"] == "PASS"
    assert 100 * output["dose_gy"] == pytest.approx(GIVEN_CGY, rel=0.01)
    sources = {row["name"]: row["source"] for row in output["budget"]}
    assert sources["rcf"].startswith(f"calibration {calibrated.rcf} v1 (2 Gy, Co-60, 10 x 10, 5 cm), computed by MD-1")
    begun = get_session(calibrated.connection, session)
    assert [e.id for e in begun.inventory.element] == chips()
    assert [b.id for b in begun.calibrations.elements] == [calibrated.ecc]
    name, body = kept.fetch(calibrated.connection, begun.calibrations_sha256)
    assert name == "calibrations.toml with the stock's elements"
    assert toml_of(read_calibrations(body, name)) == body
    assert verify_store(calibrated.connection) == []
    assert build(calibrated.connection, session)["id"] == session


async def test_a_coefficient_of_later_changes_no_result_of_before(calibrated):
    session = await measured(calibrated, planned())
    first = closed_results(calibrated.connection, session)["P1"]
    name = calibrated.begin("rcf", change_limit_percent=30.0)
    calibrated.blanks(name, ["T-011", "T-012"])
    calibrated.irradiated(name, ["T-001", "T-002", "T-003"])
    calibrated.read({"T-001": 190.0, "T-002": 185.0, "T-003": 195.0, "T-011": 0.4, "T-012": 0.41}, "again")
    calibrated.compute(name)
    calibrated.confirm(name)
    calculate_session(calibrated.connection, session, "MP-1")
    (only,) = versions(calibrated.connection, session, "P1")
    assert only.output.dose_gy == first["dose_gy"]
    second = await measured(calibrated, planned("S2", ("T-007", "T-008")), "patient-2")
    later = closed_results(calibrated.connection, second)["P1"]
    assert later["dose_gy"] == pytest.approx(first["dose_gy"] / 1.18, rel=0.03)
    assert {t.session for t in touched(calibrated.connection, name)} == {second}
    assert {t.session for t in touched(calibrated.connection, calibrated.rcf)} == {session}
    assert {t.session for t in touched(calibrated.connection, calibrated.ecc)} == {session, second}
    assert touched(calibrated.connection, "cal-none") == []


async def test_a_bad_calibration_is_withdrawn_listed_and_gives_no_further_number(calibrated):
    session = await measured(calibrated, planned())
    first = closed_results(calibrated.connection, session)["P1"]
    calibrating.give_up(calibrated.connection, calibrated.rcf, "MP-1", "Source strength was that of May.")
    (found,) = touched(calibrated.connection, calibrated.rcf)
    assert (found.session, found.point, found.version, found.dose_gy) == (session, "P1", 1, first["dose_gy"])
    calculate_session(calibrated.connection, session, "MP-1")
    one, two = versions(calibrated.connection, session, "P1")
    assert one.output.dose_gy == first["dose_gy"]
    assert list(two.output.why or ()) == [
        f"Calibration {calibrated.rcf} was withdrawn by MP-1: Source strength was that of May."
    ]
    with pytest.raises(Refused, match=r"There is no coefficient of reader-1 in force on .*: no calibration session"):
        planned("S2").add(calibrated.connection)
    assert verify_store(calibrated.connection) == []


async def test_a_lamp_that_was_changed_before_the_chips_were_read_leaves_no_number(calibrated):
    case = planned()
    case.add(calibrated.connection)
    session = case.start(calibrated.connection)
    await run(calibrated.connection, WorkedClient(calibrated.connection), session)
    ended(calibrated.connection, READER, "lamp", calibrated.client.now(), "lamp replaced", "MD-1")
    calibrated.read(dict.fromkeys(PAIR, 120.0), "patient")
    output = closed_results(calibrated.connection, session)["P1"]
    assert output["decision"] == "INVALID"
    assert f"The coefficient {calibrated.rcf}.rcf of reader-1 ended with 'lamp'" in output["why"][0]
    with pytest.raises(Refused, match=r"ended with 'lamp' at .*\. Calibrate it \(acquire calibration begin\), or plan"):
        planned("S2").add(calibrated.connection)
    planned("S3", standards=True).add(calibrated.connection)  # standards of the same run need no coefficient


async def test_a_lamp_that_was_changed_after_the_chips_were_read_changes_nothing(calibrated):
    session = await measured(calibrated, planned())
    calibrated.client.ahead_s += 60
    ended(calibrated.connection, READER, "lamp", calibrated.client.now(), "lamp replaced", "MD-1")
    assert closed_results(calibrated.connection, session)["P1"]["decision"] == "PASS"


async def test_standards_of_the_same_run_make_what_was_done_to_the_reader_no_matter(calibrated):
    case = planned(standards=True)
    case.add(calibrated.connection)
    session = case.start(calibrated.connection)
    await run(calibrated.connection, WorkedClient(calibrated.connection), session)
    ended(calibrated.connection, READER, "lamp", calibrated.client.now(), "lamp replaced", "MD-1")
    read = {"T-001": calibrated.signal(0), "T-002": calibrated.signal(1), "T-011": 0.4 * 0.95}
    read |= {c: calibrated.signal(chips().index(c), GIVEN_CGY / 100) for c in PAIR}
    calibrated.read(read, "patient")
    output = closed_results(calibrated.connection, session)["P1"]
    assert output["decision"] == "PASS"
    assert 100 * output["dose_gy"] == pytest.approx(GIVEN_CGY, rel=0.01)


async def test_the_results_of_a_calibration_in_a_file_are_found_as_well(connection):
    case, reads = case_d()
    case.add(connection)
    session, client = case.start(connection), WorkedClient(connection)
    await run(connection, client, session)
    client.read_elements(reads)
    outputs = closed_results(connection, session)
    assert {t.point for t in touched(connection, "ECC")} == set(outputs)


# --- calibrations of files, and events that end them ---


def test_a_fall_ends_the_calibration_of_a_detector_that_a_file_has(connection):
    case = case_f()
    case.calibrations[0]["valid_from"] = "date:2026-01-10"
    case.add(connection)
    ended(connection, "CH-1", "cable", "2026-01-09T12:00:00+01:00", "new cable, then calibrated", "MD-1")
    case.start(connection)
    ended(connection, "CH-1", "fall", "2026-02-01T12:00:00+01:00", "fell from the couch", "MD-1")
    says = r"of CH-1, valid from 2026-01-10, ended with 'fall' at 2026-02-01.* \(fell from the couch\): calibrate it"
    with pytest.raises(Refused, match=says):
        case.start(connection, fraction=2)


async def test_a_lamp_ends_the_coefficient_of_a_reader_that_a_file_has(connection):
    case, chip = Case("R"), ("X-1", "X-2")
    case.instrument(READER, "winrems")
    case.batches = [{"reader": READER}]
    factors = {"rcf": ranged(0.8, "nC/cGy", 1.5), "background": factor(0.4, "nC", 5.0)}
    case.calibrations = [calibration(READER, "Co-60", factors, valid_from="date:2026-01-10")]
    for name in chip:
        case.element(name, 1.0, "tld")
    case.point("P1", "tld", "6 MV", elements=list(chip), pair_limit_percent=5.0,
               factors={k: factor(1.0, u=0.5) for k in ("k_f", "k_l", "k_q")},
               expected=expected(GIVEN_CGY, 1.0), limits=limits(10, 15))  # fmt: skip
    case.place_and_read(["P1"])
    case.add(connection)
    session, client = case.start(connection), WorkedClient(connection)
    await run(connection, client, session)
    ended(connection, READER, "lamp", client.now(), "lamp replaced", "MD-1")
    client.read_elements([(c, 120.4) for c in chip])
    output = closed_results(connection, session)["P1"]
    assert output["decision"] == "INVALID"
    assert "The coefficient CAL-reader-1 of reader-1 ended with 'lamp'" in output["why"][0]


# --- what may not be used ---


def refused(stock: Stock, says: str) -> None:
    with pytest.raises(Refused, match=says):
        planned().add(stock.connection)


def change(stock: Stock, name: str, **values: object) -> None:
    was = element_named(stock.connection, name)
    said = {each: getattr(was, each) for each in StockElement.__slots__} | values
    put_element(stock.connection, "MD-1", StockElement(**said), "mistyped", "MP-1")


def test_an_expired_chip_is_refused_with_a_way_out_when_planning_and_when_the_session_begins(calibrated):
    case = planned()
    case.add(calibrated.connection)
    change(calibrated, "T-005", expires_on=date.today() - timedelta(days=2))
    refused(calibrated, r"T-005 expired on 20.*: use another element \(acquire elements list\)\.")
    with pytest.raises(Refused, match="T-005 expired on"):
        case.start(calibrated.connection)


def test_a_withdrawn_chip_is_refused_until_two_people_return_it(calibrated):
    note(calibrated.connection, ["T-006"], ElementEvent("withdrawn", "chipped edge"), "MD-1")
    refused(calibrated, r"T-006 is withdrawn \(chipped edge\): use another element")
    with pytest.raises(Refused, match="is used again with a reason, by one person and confirmed by another"):
        note(calibrated.connection, ["T-006"], ElementEvent("returned", "it was T-060"), "MD-1")
    again = ElementEvent("returned", "it was T-060", confirmed_by="MP-1")
    note(calibrated.connection, ["T-006"], again, "MD-1")
    planned().add(calibrated.connection)


async def test_what_a_chip_received_is_the_sum_of_what_happened_to_it(calibrated):
    def gy(name):
        return history(calibrated.connection, element_named(calibrated.connection, name)).accumulated_gy

    assert gy("T-005") == pytest.approx(2 * DOSE_GY)
    assert gy("T-001") == pytest.approx(3 * DOSE_GY), "it was a standard, too"
    taken = ElementEvent("taken-over", "old card", dose_gy=3.0, readings=7)
    note(calibrated.connection, ["T-005"], taken, "MD-1")
    session = await measured(calibrated, planned())
    chip = history(calibrated.connection, element_named(calibrated.connection, "T-005"))
    assert chip.accumulated_gy == pytest.approx(2 * DOSE_GY + 3.0)
    assert chip.at_most_gy == pytest.approx(chip.accumulated_gy + GIVEN_CGY / 100), "expected, until there is a result"
    assert chip.readings == 7 + 3
    dose = closed_results(calibrated.connection, session)["P1"]["dose_gy"]
    assert gy("T-005") == pytest.approx(2 * DOSE_GY + 3.0 + dose)
    note(calibrated.connection, ["T-005"], ElementEvent("irradiated", "exposed by mistake", hours_ago(1), 12.0,
                                                        source="6 MV"), "MD-1")  # fmt: skip
    refused(calibrated, r"T-005 has received 20\.\d+ Gy in all; batch B-1 may receive 20 Gy: use another element")


async def test_a_record_says_what_an_element_had_been_through_when_its_session_began(calibrated):
    connection = calibrated.connection
    note(connection, ["T-005"], ElementEvent("taken-over", "old book", dose_gy=3.0, readings=7), "MD-1")
    note(connection, ["T-005"], ElementEvent("annealed", "before use", hours_ago(1), source="400 °C 1 h"), "MD-1")
    first = await measured(calibrated, planned())
    closed_results(connection, first)
    record = build(connection, first)
    said = {e["id"]: e["before"] for e in record["equipment"]["elements"]}
    assert (said["T-005"]["accumulated_gy"], said["T-005"]["irradiations"]) == (3.0 + 2 * DOSE_GY, 3)
    assert said["T-005"]["emptied"]["what"] == "annealed"
    assert said["T-005"]["says"].startswith("7 Gy in 3 irradiations; the last on ")
    assert "; read 9 times; annealed on " in said["T-005"]["says"]
    assert said["T-006"]["says"].endswith("read 2 times; no annealing or bleaching is entered")
    assert f"before this session: {said['T-005']['says']}" in html(record)
    second = await measured(calibrated, planned("S2"), "patient-2")
    (later,) = [e["before"] for e in build(connection, second)["equipment"]["elements"] if e["id"] == "T-005"]
    assert later["accumulated_gy"] == pytest.approx(7.0 + GIVEN_CGY / 100, rel=0.01)
    assert later["readings"] == 10
    note(connection, ["T-005"], ElementEvent("annealed", "once more", hours_ago(0.01)), "MD-1")
    assert build(connection, first)["equipment"] == record["equipment"]


def test_an_element_that_comes_back_from_another_patient_changes_no_record_that_began_before(calibrated):
    connection = calibrated.connection
    case = planned()
    case.add(connection)
    first = get_session(connection, case.start(connection))
    place(connection, first, "P1", "T-005", "MD-1")
    other = planned("S2")
    other.plan["course"] = 2
    other.add(connection)
    second = other.start(connection)
    before = build(connection, second)["equipment"]
    state_unmeasured_beam(connection, first)
    remove(connection, first, "T-005", "MD-1")
    assert build(connection, second)["equipment"] == before


async def test_an_irradiation_without_a_result_counts_in_a_record_with_what_was_expected(calibrated):
    first = await measured(calibrated, planned())
    close_session(calibrated.connection, first, "MD-1")
    second = await measured(calibrated, planned("S2"), "patient-2")
    (before,) = [
        e["before"] for e in build(calibrated.connection, second)["equipment"]["elements"] if e["id"] == "T-005"
    ]
    assert (before["accumulated_gy"], before["at_most_gy"]) == (2 * DOSE_GY, 2 * DOSE_GY + GIVEN_CGY / 100)
    assert "4 Gy in 3 irradiations (at most 5.5 Gy: some have no result)" in before["says"]


def test_the_fading_clock_runs_from_the_last_irradiation_and_the_count_from_the_last_anneal(calibrated):
    chip = history(calibrated.connection, element_named(calibrated.connection, "T-005"))
    assert (chip.readings, chip.readings_since_emptied, chip.emptied_at) == (2, 2, None)
    moment = calibrated.client.now().replace("Z", "+00:00")
    note(calibrated.connection, ["T-005"], ElementEvent("annealed", "after use", moment, source="400 °C 1 h"), "MD-1")
    chip = history(calibrated.connection, element_named(calibrated.connection, "T-005"))
    assert (chip.readings, chip.readings_since_emptied, chip.emptied_at) == (2, 0, moment)
    assert chip.irradiated_at < moment


def test_a_dot_that_was_read_too_often_is_refused(connection):
    stock = Stock(connection, limit_readings=3)
    stock.corrected()
    stock.coefficient()
    planned().add(connection)
    stock.read({"T-005": 1.0}, "once more")
    refused(stock, "T-005 was read 3 times; batch B-1 may be read 3 times: use another element")


def test_without_a_correction_in_force_there_is_no_plan(stock):
    refused(stock, r"T-005 has no element correction in force on reader-1 on .*: calibrate batch B-1 \(acquire calib")


def test_a_plan_that_reads_otherwise_than_the_calibration_did_is_refused(calibrated):
    case = planned()
    case.batches[0]["background"] = "before-sensitivity"
    says = f"{calibrated.ecc} was made with the background taken off after-sensitivity; the plan's batch of reader-1"
    with pytest.raises(Refused, match=says):
        case.add(calibrated.connection)
    case = planned()
    case.batches[0] |= {"readout": {"recordType": "TL"}, "channel": "UV"}
    says = f"{calibrated.rcf} was made of the only record; the plan's batch of reader-1 takes recordType TL, channel UV"
    with pytest.raises(Refused, match=says):
        case.add(calibrated.connection)


# --- one home ---


def test_an_element_in_the_store_and_in_the_file_is_refused(calibrated):
    case = planned()
    case.element("T-005", 1.0, "tld")
    with pytest.raises(Refused, match="The store and the inventory file both have T-005: take it out of the file"):
        case.add(calibrated.connection)
    case = planned()
    case.eccs["T-005"] = 1.0
    with pytest.raises(Refused, match="ECC of the calibration file corrects T-005, which the store has"):
        case.add(calibrated.connection)
    case = planned()
    case.calibrations = [{"id": "CAL-R", "of": READER, "beam": "6 MV", "certificate": "c", "approved_by": "MP-2",
                          "valid_from": "date:2020-01-01", "valid_until": "date:2099-12-31",
                          "factors": {"rcf": factor(1.0, "nC/cGy")}}]  # fmt: skip
    with pytest.raises(Refused, match="CAL-R of the calibration file is of a reader whose elements the store has"):
        case.add(calibrated.connection)
    case = planned()
    case.elements = [{"id": "X-1", "kind": "tld", "material": "m", "reader": READER, "read_as": "T-009"}]
    with pytest.raises(Refused, match="X-1 of the inventory file is read as an element of the store is"):
        case.add(calibrated.connection)


def test_files_that_use_nothing_of_the_stock_are_kept_as_they_are(calibrated):
    case = Case("F")
    case.instrument(READER, "winrems")
    case.batches = [{"reader": READER, "standards": ["S-1", "S-2"], "controls": ["C-1"], "rcf_u_percent": 1.5,
                     "coefficient_range": [0.6, 1.1], "standard_dose": factor(200.0, "cGy")}]  # fmt: skip
    for name in ("S-1", "S-2", "C-1", "X-1"):
        case.element(name, 1.0, "tld")
    case.point("P1", "tld", "6 MV", elements=["X-1"], pair_limit_percent=5.0,
               factors={k: factor(1.0) for k in ("k_f", "k_l", "k_q")},
               expected=expected(GIVEN_CGY, 1.0), limits=limits(10, 15))  # fmt: skip
    case.place_and_read(["P1"])
    case.add(calibrated.connection)
    begun = get_session(calibrated.connection, case.start(calibrated.connection))
    assert kept.fetch(calibrated.connection, begun.inventory_sha256) == case.inventory


@pytest.mark.parametrize("text", ["LiF:Mg,Ti", 'a "quoted" one', "back\\slash", "µm × ü", "two\nlines"])
def test_what_is_written_is_read_as_the_same(text):
    case = planned()
    case.element("E-1", 0.7 + 0.2, "tld")  # 0.8999999999999999
    case.elements[0]["material"] = text
    inventory = read_inventory(case.inventory[1], "inventory.toml")
    calibrations = read_calibrations(case.calibration_file[1], "calibrations.toml")
    assert read_inventory(toml_of(inventory), "again") == inventory
    assert read_calibrations(toml_of(calibrations), "again") == calibrations


def test_an_uncertainty_is_written_as_the_certificate_prints_it():
    case = case_f()
    printed = {"u_percent": None, "U_percent": 1.1, "k": 2, "dof": 30}
    case.calibrations[0]["factors"]["n_dw"] |= printed
    case.calibrations[0]["uncertainty"][0] |= printed
    read = read_calibrations(case.calibration_file[1], "c.toml")
    assert read.calibration[0].factors["n_dw"].u_percent == 0.55
    assert read_calibrations(toml_of(read), "c.toml") == read
