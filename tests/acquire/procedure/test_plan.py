"""Plans: errors with file, line and key; what is not fit is said before the measurement; versions."""

from __future__ import annotations

from datetime import date

import pytest
from scenario_a import DEMO, demo_file

from acquire.dosimetry import fit_for
from acquire.errors import FileProblem, Refused
from acquire.procedure.documents.calibrations import read_calibrations
from acquire.procedure.documents.inventory import read_inventory
from acquire.procedure.documents.order import add_order
from acquire.procedure.documents.plan import read_plan
from acquire.procedure.session.planning import add_plan, confirm_expected, get_plan, planned, readiness, unconfirmed
from acquire.tomlfile import line_numbers

DAY = date(2026, 2, 3)
PLAN = (DEMO / "plan-A-v2.toml").read_bytes()
INVENTORY = read_inventory((DEMO / "inventory.toml").read_bytes(), "inventory.toml")
CALIBRATIONS = read_calibrations((DEMO / "calibrations.toml").read_bytes(), "calibrations.toml")


def changed(old: str, new: str, count: int = -1) -> bytes:
    assert old.encode() in PLAN
    return PLAN.replace(old.encode(), new.encode(), count)


@pytest.mark.parametrize(("point", "u", "big_u"), [("B1", 1.96, 5.18), ("B2", 1.96, 5.18), ("P4", 4.81, None)])
def test_uncertainty_is_that_of_scenario_a(point, u, big_u):
    plan = read_plan(PLAN, "plan")
    found = plan.point_named(point)
    budget = planned(plan, found, INVENTORY, CALIBRATIONS, DAY)
    assert round(budget.u_percent, 2) == u
    if big_u is not None:
        assert round(fit_for(7.0, budget.u_percent, found.expected.u_percent)[1], 2) == big_u


def test_the_example_is_ready():
    assert readiness(read_plan(PLAN, "plan"), INVENTORY, CALIBRATIONS, DAY) == []


def test_five_percent_is_not_fit_and_says_what_would_be():
    plan = read_plan(changed("tolerance_percent = 7.0", "tolerance_percent = 5.0", 1), "plan")
    (sentence,) = readiness(plan, INVENTORY, CALIBRATIONS, DAY)
    assert sentence.startswith("B1: not fit for this tolerance: U of the deviation is 5.2 %")
    assert "above 5.2 % would fit" in sentence


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            'method = "diode"',
            'method = "film"',
            "point.0.method: 'film' is no method; the methods are chamber, diode, midline, mosfet, osl, spectrum, tld",
        ),
        ("tolerance_percent = 7.0", "tolerence_percent = 7.0", "point.0.limits.tolerance_percent: it is missing"),
        ("dose_gy = 0.468", 'dose_gy = "much"', "point.0.expected.dose_gy: 'much' is no number"),
        ('checked_by = "MP-2"', 'checked_by = "MP-1"', "must be another person"),
        ("plausible = { low_gy = 0.01, high_gy = 0.3 }", "", "needs plausible"),
        ('id = "b2"', 'id = "b1"', "a step id stands more than once"),
        ('detector = "D-11"\n', "", "needs detector and instrument"),
    ],
)
def test_errors_name_file_line_and_key(old, new, expected):
    with pytest.raises(FileProblem) as caught:
        read_plan(changed(old, new, 1), "plan-A.toml")
    (sentence, *_) = [s for s in caught.value.sentences if expected in s]
    assert sentence.startswith("plan-A.toml, line ")


def test_the_line_is_that_of_the_key():
    body = changed("dose_gy = 0.515", 'dose_gy = "much"')
    with pytest.raises(FileProblem) as caught:
        read_plan(body, "p")
    line = int(caught.value.sentences[0].split("line ")[1].split(",")[0])
    assert body.decode().splitlines()[line - 1] == 'dose_gy = "much"'


def test_line_numbers_of_nested_arrays():
    text = 'a = 1\n[[p]]\nx = 1\n[p.e]\ny.z = 2\n[[p]]\n[[p.q]]\n[[p.q]]\nw = """\n[no]\n"""\nv = 3\n'
    lines = line_numbers(text)
    assert lines["p", 0, "e", "y", "z"] == 5
    assert lines["p", 1, "q", 1, "v"] == 12
    assert ("no",) not in lines


def test_missing_and_expired_factors_are_sentences():
    body = (DEMO / "calibrations.toml").read_text()
    without = read_calibrations(body.replace("k_s = {", "k_sat = {").encode(), "c")
    plan = read_plan(PLAN, "plan")
    assert readiness(plan, INVENTORY, without, DAY) == [
        "B7: Calibration CAL-CH-1-6MV of CH-1 has no k_s; it has k_elec, k_pol, k_q, k_sat, n_dw."
    ]
    late = readiness(plan, INVENTORY, CALIBRATIONS, date(2028, 1, 1))
    assert any(s.startswith("B1: Calibration CAL-D-11-6MV of D-11 ended on 2027-12-31") for s in late)
    early = readiness(plan, INVENTORY, CALIBRATIONS, date(2026, 1, 31))
    assert any("holds only from 2026-02-01" in s for s in early)


def add(connection, body):
    return add_plan(connection, body, "plan", "MP-1", *today())


def today():
    inventory, calibrations = demo_file("inventory.toml"), demo_file("calibrations.toml")
    return read_inventory(inventory[1], "i"), read_calibrations(calibrations[1], "c")


def test_versions(connection):
    with pytest.raises(Refused, match="no order ORD-A-1"):
        add(connection, PLAN)
    add_order(connection, demo_file("order-A-1.json")[1], "o", "MD-1")
    add(connection, PLAN)
    add(connection, PLAN)
    assert unconfirmed(connection, "ORD-A-1", 2) == []
    with pytest.raises(Refused, match="another content"):
        add(connection, changed("dose_gy = 0.468", "dose_gy = 0.478"))
    with pytest.raises(Refused, match="older than v2"):
        add(connection, changed("version = 2", "version = 1"))
    add(connection, changed("version = 2", "version = 3"))
    assert get_plan(connection, "ORD-A-1", 2).version == 2
    assert unconfirmed(connection, "ORD-A-1", 3) == ["B1", "B2", "B7"]
    with pytest.raises(Refused, match="another person"):
        confirm_expected(connection, "ORD-A-1", 3, "B1", "MP-1")
    confirm_expected(connection, "ORD-A-1", 3, "B1", "MP-2")
    assert unconfirmed(connection, "ORD-A-1", 3) == ["B2", "B7"]


def test_how_long_an_entry_of_the_air_holds_is_the_sites_to_say() -> None:
    silent = PLAN.replace(b"environment_valid_min = 120", b"")
    with pytest.raises(FileProblem, match="B7 is measured with a chamber: say with environment_valid_min"):
        read_plan(silent, "plan.toml")
