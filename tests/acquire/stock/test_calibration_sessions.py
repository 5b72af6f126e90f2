"""Calibration sessions: from readings of the store to coefficients in force, by two people and in the open."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from statistics import fmean, stdev

import pytest
from stocked import DOSE_GY, NC_PER_CGY, SENSITIVITY, Stock, chips, hours_ago
from winrems_runs import MORNING, QC, Folder, run_of
from worked import READER

from acquire.dosimetry import DosimetryError
from acquire.errors import Refused
from acquire.procedure.results.verify import verify_store
from acquire.procedure.stock import calibrating
from acquire.procedure.stock.elements import element_named
from acquire.procedure.stock.events import ended
from acquire.procedure.stock.history import history
from acquire.procedure.stock.issued import coefficient_of, corrections, issued
from acquire.procedure.stock.sessions import state_of
from acquire.procedure.stock.summary import summaries


def today():
    return calibrating._today()


def test_corrections_of_two_cycles_are_the_mean_over_the_elements_own(stock):
    name = stock.begin()
    stock.cycle(name, 1)
    stock.cycle(name, 2, gain=1.03)
    output = stock.compute(name)
    assert (output["decision"], output["why"], output["outside"]) == ("may be issued", [], [])
    mean = fmean(SENSITIVITY)
    for i, each in enumerate(output["elements"]):
        assert each["ecc"] == pytest.approx(mean / SENSITIVITY[i], rel=0.01)
    assert output["repeatability"]["dof"] == 11
    assert output["ecc"]["u_percent"] == pytest.approx(output["repeatability"]["u_percent"] / math.sqrt(2), rel=0.1)


def test_nothing_is_in_force_before_a_second_person_confirms_it(stock):
    name = stock.begin()
    stock.cycle(name, 1)
    stock.cycle(name, 2)
    with pytest.raises(Refused, match="has not been computed yet"):
        stock.confirm(name)
    stock.compute(name, who="MD-2")
    assert issued(stock.connection) == []
    for first in ("MD-1", " md-1", "MD-2"):
        with pytest.raises(Refused, match="another person must confirm it"):
            stock.confirm(name, first)
    stock.confirm(name, "MP-1")
    (found,) = issued(stock.connection)
    assert set(corrections([found], today())) == {(c, READER) for c in chips()}
    assert corrections([found], found.terms.valid_until) != {}
    assert found.certificate.endswith("computed by MD-2, confirmed by MP-1")
    with pytest.raises(Refused, match="is confirmed; what it is stays"):
        stock.compute(name)
    assert verify_store(stock.connection) == []


def test_a_chip_outside_is_named_with_the_rule_and_withdrawn_when_it_is_confirmed(stock):
    name = stock.begin()
    stock.cycle(name, 1, T_005=1.3)
    stock.cycle(name, 2, T_005=1.3)
    output = stock.compute(name)
    (found,) = output["outside"]
    assert (found["element"], found["becomes"]) == ("T-005", "withdrawn")
    assert "(Grubbs' test at a significance of 0.05, two-sided)" in found["why"]
    assert "T-005" not in {e["element"] for e in output["elements"]}
    assert history(stock.connection, element_named(stock.connection, "T-005")).status == "in use"
    stock.confirm(name)
    aside = history(stock.connection, element_named(stock.connection, "T-005"))
    assert aside.status == "withdrawn"
    assert aside.set_aside.reason == f"{name}: {found['why']}"


def test_a_chip_that_was_not_read_is_to_be_repeated_and_comes_back_with_its_next_correction(stock):
    name = stock.begin()
    stock.cycle(name, 1)
    stock.irradiated(name, chips(), 2)
    stock.read({c: stock.signal(i) * (1 + 0.002 * (i % 3)) for i, c in enumerate(chips()) if c != "T-007"}, "cycle-2")
    output = stock.compute(name)
    assert output["outside"] == [{"element": "T-007", "why": "was not read in cycle 2", "becomes": "to-repeat"}]
    stock.confirm(name)
    assert history(stock.connection, element_named(stock.connection, "T-007")).status == "to be repeated"
    stock.corrected()
    assert history(stock.connection, element_named(stock.connection, "T-007")).status == "in use"


def test_one_cycle_needs_a_stated_repeatability(stock):
    name = stock.begin()
    stock.cycle(name)
    assert "the repeatability of a readout must be stated" in stock.compute(name)["why"][0]
    with pytest.raises(Refused, match="is not to be issued: With one cycle"):
        stock.confirm(name)
    other = stock.begin(repeat_u_percent=1.2, repeat_dof=30, repeat_source="ten readouts of three chips")
    stock.irradiated(other, chips(), run="cycle-1")
    output = stock.compute(other)
    assert output["repeatability"] == {"u_percent": 1.2, "dof": 30, "source": "ten readouts of three chips"}
    assert output["decision"] == "may be issued"


def test_a_readers_coefficient_is_the_mean_net_signal_over_the_dose_with_its_budget(stock):
    stock.corrected()
    name = stock.coefficient()
    found, _ = coefficient_of(stock.connection, "B-1", READER, today())
    assert found.id == name
    eccs = corrections(issued(stock.connection), today())["T-001", READER].eccs
    blank = fmean([0.4 * 0.95 * eccs["T-011"], 0.42 * 1.05 * eccs["T-012"]])
    nets = [stock.signal(i) * (1 + 0.003 * (i - 1)) * eccs[c] - blank
            for i, c in enumerate(("T-001", "T-002", "T-003"))]  # fmt: skip
    made = found.output["coefficient"]
    assert made["value"] == pytest.approx(fmean(nets) / (100 * DOSE_GY), rel=1e-12)
    assert made["value"] == pytest.approx(NC_PER_CGY * fmean(SENSITIVITY), rel=0.01)
    assert (made["name"], made["unit"]) == ("rcf", "nC/cGy")
    rows = {row["name"]: row for row in made["rows"]}
    assert rows["dose"]["u_percent"] == 0.8
    assert rows["scatter of the standards"]["u_percent"] == pytest.approx(
        100 * stdev(nets) / math.sqrt(3) / fmean(nets)
    )
    assert rows["scatter of the standards"]["dof"] == 2
    assert made["u_percent"] == pytest.approx(math.sqrt(sum(r["u_percent"] ** 2 for r in made["rows"])))
    assert found.output["background"]["value"] == pytest.approx(blank)


def test_corrections_and_coefficient_of_one_batch_come_of_the_same_readouts(stock):
    name = stock.begin("ecc+rcf")
    stock.cycle(name, 1)
    stock.cycle(name, 2)
    stock.blanks(name, ["T-011", "T-012"], 2)
    stock.read({"T-011": 0.38, "T-012": 0.43}, "blanks")
    output = stock.compute(name)
    assert output["coefficient"]["value"] == pytest.approx(NC_PER_CGY * fmean(SENSITIVITY), rel=0.01)
    rows = {row["name"]: row for row in output["coefficient"]["rows"]}
    assert rows["repeatability of a readout"]["u_percent"] == pytest.approx(
        output["repeatability"]["u_percent"] / math.sqrt(12)
    )
    stock.confirm(name)
    assert coefficient_of(stock.connection, "B-1", READER, today())[0].id == name


def test_standards_whose_corrections_were_made_of_the_same_readings_are_refused(stock):
    stock.corrected()
    name = stock.begin("rcf")
    stock.irradiated(name, ["T-001", "T-002", "T-003"], run="cycle-1")
    with pytest.raises(Refused, match="was made from this very reading, which hides all scatter"):
        stock.compute(name)


def test_without_blanks_there_is_no_coefficient(stock):
    stock.corrected()
    name = stock.begin("rcf")
    stock.irradiated(name, ["T-001", "T-002", "T-003"])
    stock.read({"T-001": 160.0, "T-002": 155.0, "T-003": 165.0}, "standards")
    assert stock.compute(name)["why"] == ["A background needs at least 2 blank elements in each cycle; there are 0."]


def test_a_coefficient_ends_with_whatever_was_done_to_the_reader(stock):
    stock.corrected()
    ended(stock.connection, READER, "lamp", hours_ago(3), "lamp of before", "MD-1")
    name = stock.coefficient()
    assert coefficient_of(stock.connection, "B-1", READER, today())[0].id == name
    ended(stock.connection, READER, "high-voltage", stock.client.now(), "HV raised to 820 V", "MD-1")
    found, why = coefficient_of(stock.connection, "B-1", READER, today())
    assert found is None
    assert why.startswith(f"{name} of {READER} ended with 'high-voltage' at ")
    assert [s["ended"] is None for s in summaries(stock.connection)] == [True, False]
    again = stock.coefficient("standards-2")
    assert coefficient_of(stock.connection, "B-1", READER, today())[0].id == again
    with pytest.raises(Refused, match="lies in the future"):
        ended(stock.connection, READER, "lamp", hours_ago(-5), "tomorrow", "MD-1")
    with pytest.raises(Refused, match="allowed are repair, fall, cable"):
        ended(stock.connection, READER, "dust", hours_ago(1), "cleaned", "MD-1")


def test_a_coefficient_that_changed_too_much_is_not_issued(stock):
    stock.corrected()
    first = stock.coefficient()
    with pytest.raises(Refused, match="say by how much the new one may differ"):
        stock.begin("rcf")
    name = stock.begin("rcf", change_limit_percent=3.0)
    stock.blanks(name, ["T-011", "T-012"])
    stock.irradiated(name, ["T-001", "T-002", "T-003"])
    stock.read({"T-001": 190.0, "T-002": 185.0, "T-003": 195.0, "T-011": 0.4, "T-012": 0.41}, "standards-2")
    output = stock.compute(name)
    assert output["decision"] == "not to be issued"
    assert f"against {first}, the limit is 3 %" in output["why"][0]
    with pytest.raises(Refused, match="is not to be issued"):
        stock.confirm(name)
    assert calibrating.give_up(stock.connection, name, "MD-1", "lamp is ageing") == "rejected"
    assert state_of(stock.connection, name) == "rejected"


def test_what_was_computed_is_what_is_confirmed(stock):
    name = stock.begin()
    stock.cycle(name, 1)
    stock.irradiated(name, chips(), 2)
    stock.read({c: stock.signal(i) * (1 + 0.002 * (i % 3)) for i, c in enumerate(chips()) if c != "T-007"}, "cycle-2")
    stock.compute(name)
    stock.read({"T-007": 160.0}, "late")
    with pytest.raises(Refused, match="has changed since; compute it again"):
        stock.confirm(name)
    assert stock.compute(name)["version"] == 2
    assert stock.compute(name)["version"] == 2
    stock.confirm(name)
    assert verify_store(stock.connection) == []


def test_readings_of_before_are_found_by_their_file_and_others_by_order_of_receipt(stock):
    stock.read(dict.fromkeys(chips(), 7.0), "of-another-day")
    name = stock.begin()
    stock.cycle(name, 1)
    stock.irradiated(name, chips(), 2, run="of-another-day")
    parts = calibrating.prepare(stock.connection, calibrating.get_calibration(stock.connection, name))["parts"]
    assert [p["signals"] for p in parts if p["cycle"] == 2] == [[7.0]] * 12
    assert parts[0]["signals"][0] == pytest.approx(stock.signal(0), rel=0.01)


def test_two_runs_of_one_file_are_told_apart_by_where_they_begin(stock):
    twice = [(c, value) for value in (7.0, 9.0) for c in chips()]
    stock.read(twice, "both")
    stream = stock.connection.execute("SELECT stream FROM streams").fetchone()["stream"]
    name = stock.begin()
    stock.irradiated(name, chips(), 1, run="both")
    with pytest.raises(Refused, match=f"T-001 in several runs; .*: 'entry 1 of .*', 'entry 13 of stream {stream}'"):
        stock.compute(name)
    name = stock.begin()
    stock.irradiated(name, chips(), 1, run=f"entry 1 of stream {stream}")
    stock.irradiated(name, chips(), 2, run=f"entry 13 of stream {stream}")
    stock.irradiated(name, ["T-001"], 3, run=f"entry 2 of stream {stream}")
    parts = calibrating.prepare(stock.connection, calibrating.get_calibration(stock.connection, name))["parts"]
    assert [p.get("signals") for p in parts] == [[7.0]] * 12 + [[9.0]] * 12 + [None]
    assert parts[-1]["missing"] == f"was not read in cycle 3 (entry 2 of stream {stream})"


async def test_a_run_in_an_export_is_named_by_the_byte_at_which_it_begins(stock, tmp_path):
    first, later = run_of(*QC, *chips()), MORNING + timedelta(hours=1)
    folder = Folder(tmp_path, stock.client)
    await folder.put("tray.asc", first + run_of(*QC, *chips(), sensitivity=2.0, begin=later))
    name = stock.begin()
    stock.irradiated(name, chips(), 1, run="tray.asc, byte 0")
    stock.irradiated(name, chips(), 2, run=f"tray.asc, byte {len(first)}")
    parts = calibrating.prepare(stock.connection, calibrating.get_calibration(stock.connection, name))["parts"]
    one, two = ([p["signals"][0] for p in parts if p["cycle"] == cycle] for cycle in (1, 2))
    assert two == pytest.approx([2 * each for each in one], rel=1e-3)


def test_a_file_and_a_day_name_a_run_as_before(stock):
    monday = datetime(2027, 2, 1, 9)
    for days, value in enumerate((7.0, 9.0)):
        stock.read(dict.fromkeys(chips(), value), "both", clock=monday + timedelta(days=days))
    name = stock.begin()
    stock.irradiated(name, chips(), 1, run="both 2027-02-02")
    parts = calibrating.prepare(stock.connection, calibrating.get_calibration(stock.connection, name))["parts"]
    assert [p["signals"] for p in parts] == [[9.0]] * 12


def test_a_reading_without_a_number_is_a_reason_and_never_a_signal(stock):
    name = stock.begin()
    stock.cycle(name, 1)
    stock.irradiated(name, chips(), 2)
    stock.client.read_records("T-004", None, {"flags": ["overload"]}, "cycle-2")
    stock.read({c: stock.signal(i) * (1 + 0.001 * (i % 3)) for i, c in enumerate(chips()) if c != "T-004"}, "cycle-2")
    (found,) = stock.compute(name)["outside"]
    assert (found["element"], found["why"]) == ("T-004", "The reading of T-004 carries no number: overload.")


def test_dots_are_read_several_times_and_brought_back_to_the_first(connection):
    stock = Stock(connection, 6, "osl", depletion_per_reading=0.01, depletion="falling")
    name = stock.begin(readings=3, repeat_u_percent=1.0, repeat_dof=20, repeat_source="site")
    stock.irradiated(name, chips(6))
    stock.read([(c, 1000.0 * SENSITIVITY[i] * 0.99**j) for j in range(3) for i, c in enumerate(chips(6))], "dots")
    output = stock.compute(name)
    assert output["unit"] == "{counts}"
    mean = fmean(SENSITIVITY[:6])
    assert [e["ecc"] for e in output["elements"]] == pytest.approx([mean / s for s in SENSITIVITY[:6]], rel=1e-9)
    dot = history(connection, element_named(connection, "T-001"))
    assert (dot.readings, dot.readings_since_emptied) == (3, 3)
    assert dot.remaining == pytest.approx(0.99**3)


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        ({"rule": None}, "say by which rule elements are outside"),
        ({"outside": None}, "what becomes of those"),
        ({"dose_gy": None}, "needs the dose in Gy"),
        ({"dose_gy": 0.0}, "dose_gy: 0.0 is out of range; it must be above 0"),
        ({"repeat_u_percent": 1.0}, "needs percent, degrees of freedom and source"),
        ({"valid_until": None}, "valid_until: it is missing"),
    ],
)
def test_what_a_clinic_decides_has_no_default(stock, terms, says):
    with pytest.raises(Refused, match=says):
        stock.begin(**terms)


def test_terms_are_held_against_their_limits_at_once(stock):
    with pytest.raises(DosimetryError, match="grubbs and modified-z need a limit"):
        stock.begin(rule_limit=None)
    with pytest.raises(Refused, match="valid_until 2020-01-01 has passed"):
        stock.begin(valid_until="2020-01-01")
    with pytest.raises(Refused, match="no batch 'B-9'; it has B-1"):
        calibrating.begin(stock.connection, "MD-1", "B-9", READER, "ecc", {"valid_until": "2099-01-01"} | {
            "dose_gy": 1.0, "dose_u_percent": 1.0, "source": "x", "rule": "none", "outside": "to-repeat"})  # fmt: skip


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"role": "standard"}, "irradiated or as blank"),
        ({"cycle": 0}, "in cycle 1, 2"),
        ({"moment": None}, "Say when the elements were irradiated"),
        ({"moment": "2026-02-03T10:00"}, "no moment with an offset"),
        ({"moment": hours_ago(-20)}, "lies in the future"),
        ({"elements": ["T-999"]}, "no element 'T-999'"),
    ],
)
def test_what_cannot_be_entered_is_refused(stock, said, says):
    name = stock.begin()
    given = {"role": "irradiated", "elements": ["T-001"], "cycle": 1, "moment": hours_ago(1)} | said
    with pytest.raises(Refused, match=says):
        calibrating.add(stock.connection, name, "MD-1", given.pop("role"), given.pop("elements"), **given)
    stock.irradiated(name, ["T-001"])
    with pytest.raises(Refused, match="T-001 is in cycle 1 of"):
        stock.irradiated(name, ["T-001"])


def test_a_standard_that_was_not_read_keeps_its_correction(stock):
    stock.corrected()
    name = stock.begin("rcf", rule="none", rule_limit=None)
    stock.blanks(name, ["T-010", "T-011", "T-012"])
    stock.irradiated(name, ["T-001", "T-002", "T-003"])
    stock.read({"T-001": stock.signal(0), "T-002": stock.signal(1), "T-011": 0.38, "T-012": 0.43}, "standards")
    output = stock.compute(name)
    assert output["decision"] == "may be issued"
    assert [(each["element"], each["becomes"]) for each in output["outside"]] == [
        ("T-003", "left out"), ("T-010", "left out"),
    ]  # fmt: skip
    stock.confirm(name)
    assert history(stock.connection, element_named(stock.connection, "T-003")).status == "in use"


def test_a_chip_that_was_entered_and_never_read_is_free_for_the_next_calibration(stock):
    first, second = stock.begin(), stock.begin(repeat_u_percent=1.0, repeat_dof=10, repeat_source="site")
    stock.irradiated(first, chips())
    stock.irradiated(second, chips())
    stock.read({c: stock.signal(i) for i, c in enumerate(chips())}, "of the second")
    assert [each["why"] for each in stock.compute(first)["outside"]] == ["was not read in cycle 1"] * 12
    assert stock.compute(second)["decision"] == "may be issued"


@pytest.mark.parametrize(
    ("issues", "missing", "said"),
    [
        ("ecc", "ecc_range", "Say which element corrections you believe"),
        ("ecc+rcf", "coefficient_range", "Say which coefficients of the reader you believe"),
    ],
)
def test_what_is_believed_has_no_default(stock, issues, missing, said):
    with pytest.raises(Refused, match=said):
        stock.begin(issues, **{missing: None})


def test_a_range_that_says_nothing_is_refused(stock):
    with pytest.raises(Refused, match=r"ecc_range: A range of 0\.1 to 10 says nothing"):
        stock.begin(ecc_range=(0.1, 10.0))
    with pytest.raises(Refused, match="A calibration of ecc issues no coefficient of a reader"):
        stock.begin(coefficient_range=(0.6, 1.1))


def test_a_correction_or_coefficient_that_is_not_believed_is_not_issued(stock):
    name = stock.begin(ecc_range=(0.98, 1.02), rule="none", rule_limit=None)
    stock.cycle(name, 1)
    stock.cycle(name, 2)
    found = stock.compute(name)
    assert found["decision"] == "not to be issued"
    assert "outside the 0.98 to 1.02 that the site believes" in found["why"][0]
    stock.corrected()
    name = stock.begin("rcf", coefficient_range=(80.0, 110.0))  # in pC/cGy, where the reader gives nC
    stock.blanks(name, ["T-011", "T-012"])
    stock.irradiated(name, ["T-001", "T-002", "T-003"])
    stock.read({c: stock.signal(i) for i, c in enumerate(("T-001", "T-002", "T-003"))} | {"T-011": 0.4, "T-012": 0.42})
    found = stock.compute(name)
    assert found["decision"] == "not to be issued"
    assert "The coefficient of the reader in nC/cGy is" in found["why"][0]
    with pytest.raises(Refused, match="is not to be issued"):
        stock.confirm(name)


def test_a_correction_is_held_against_the_elements_own_earlier_ones(stock):
    before = [stock.corrected() for _ in range(3)]
    name = stock.begin(rule="none", rule_limit=None, history_percent=5.0)
    stock.cycle(name, 1, T_004=0.9)
    stock.cycle(name, 2, T_004=0.9)
    found = stock.compute(name)
    (out,) = found["outside"]
    assert (out["element"], out["becomes"]) == ("T-004", "withdrawn")
    assert "The sensitivity of T-004 is +10." in out["why"]
    assert "% from its own earlier ones; the limit is 5 %" in out["why"]
    kept = {each["element"]: each["ecc"] for each in found["elements"]}
    assert "T-004" not in kept
    assert kept["T-001"] == pytest.approx(1.0, abs=0.02), "the mean is of the others"
    assert found["history"] == []
    assert len(before) == 3


@pytest.mark.parametrize(
    ("earlier", "limit", "said"),
    [(3, None, "no limit given (history_percent)"), (1, 5.0, "T-001 has 1 earlier sensitivities, and 3 are needed")],
)
def test_a_history_that_is_not_judged_is_said_to_be(stock, earlier, limit, said):
    for _ in range(earlier):
        stock.corrected()
    name = stock.begin(history_percent=limit)
    stock.cycle(name, 1)
    stock.cycle(name, 2)
    assert any(said in sentence for sentence in stock.compute(name)["history"])
