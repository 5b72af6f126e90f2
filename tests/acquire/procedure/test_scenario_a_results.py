"""Scenario A from order to results: its printed numbers, what must give no number, and the check bit for bit."""

from __future__ import annotations

import math

import kept_store
import pytest
from scenario_a import CHIPS, StoreClient, closed, measured, prepared

from acquire.canonical import canonical, parse
from acquire.errors import Refused
from acquire.procedure.results.result import calculate_session, latest, results, versions
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.closing import close_session
from acquire.procedure.session.session import SessionState, get_session


async def calculated(connection, client):
    session = await closed(connection, client)
    return {r.point: r.output.plain() for r in calculate_session(connection, session, "MP-1")}


async def as_foreseen(connection):
    """As above with a client of which nothing else is asked."""
    session = await kept_store.begun(connection, "scenario A", lambda: closed(connection, StoreClient(connection)))
    return {r.point: r.output.plain() for r in calculate_session(connection, session, "MP-1")}


async def open_and_calculated(connection, client):
    """As above where the session cannot close by itself."""
    session = prepared(connection)
    await measured(connection, client, session)
    client.disc()
    close_session(connection, session, "MD-1", over="a fault of the test")
    return {r.point: r.output.plain() for r in calculate_session(connection, session, "MP-1")}


@pytest.mark.parametrize(
    ("point", "cgy", "deviation", "decision", "p_conform"),
    [
        ("B1", 47.33, 1.13, "PASS", 0.985),
        ("B2", 50.14, -2.63, "PASS, uncertainty band", 0.961),
    ],
)
async def test_diodes_give_the_printed_numbers(connection, point, cgy, deviation, decision, p_conform):
    output = (await as_foreseen(connection))[point]
    assert round(100 * output["dose_gy"], 2) == cgy
    assert round(output["deviation_percent"], 2) == deviation
    assert output["decision"] == decision
    assert round(output["p_conform"], 3) == p_conform
    assert round(output["u_percent"], 2) == 1.96
    assert round(output["deviation_expanded_percent"], 1) == 5.2


async def test_the_chamber_gives_its_hand_calculation(connection):
    output = (await as_foreseen(connection))["B7"]
    k_tp = (273.15 + 22.1) / (273.15 + 20.0) * 101.325 / 99.6
    by_hand = 9.26 * k_tp * 1.0010 * 0.999688 * 1.001773 * 0.05366 * 0.989458
    assert math.isclose(output["dose_gy"], by_hand, rel_tol=1e-12)
    assert round(100 * by_hand, 1) == 50.5
    assert output["decision"] == "PASS"


@pytest.mark.parametrize(
    ("point", "cgy", "big_u", "pair", "course"), [("P4", 3.04, 0.29, 1.6, (119, 11)), ("P5", 1.32, 0.13, 1.4, (52, 5))]
)
async def test_chips_give_the_printed_numbers(connection, point, cgy, big_u, pair, course):
    output = (await as_foreseen(connection))[point]
    assert round(100 * output["dose_gy"], 2) == cgy
    assert round(100 * output["expanded_gy"], 2) == big_u
    assert round(output["pair_percent"], 1) == pair
    assert (round(100 * output["course"]["dose_gy"]), round(100 * output["course"]["expanded_gy"])) == course
    assert output["decision"] == "REPORT ONLY"
    assert output["expected_gy"] is None
    if point == "P4":
        assert round(100 * output["course"]["upper_gy"]) == 130
        assert output["course"]["below_limit"] is True


async def test_the_disc_uses_its_own_reader_calibration(connection):
    output = (await as_foreseen(connection))["P6"]
    by_hand = (295_039 * 1.008 - 2150) / 101_500 * 0.96 / 100
    assert math.isclose(output["dose_gy"], by_hand, rel_tol=1e-12)


async def test_results_move_the_session_and_are_not_made_before_it_closes(connection, client):
    session = prepared(connection)
    with pytest.raises(Refused, match="after it is closed"):
        calculate_session(connection, session, "MP-1")
    with pytest.raises(Refused, match="no result yet"):
        latest(connection, session, "B1")


async def test_calculated_twice_is_one_version_and_verifies(connection, client):
    session = await closed(connection, client)
    first = calculate_session(connection, session, "MP-1")
    assert calculate_session(connection, session, "MP-1") == first
    assert [r.version for r in results(connection, session)] == [1] * 6
    assert get_session(connection, session).state is SessionState.CALCULATED
    assert verify_store(connection) == []


class Overloaded(StoreClient):
    def flags(self, step_id):
        return ["overload"] if step_id == "b2" else []


async def test_an_overload_gives_no_number_and_spoils_nothing_else(connection):
    outputs = await calculated(connection, Overloaded(connection))
    assert outputs["B2"]["decision"] == "INVALID"
    assert outputs["B2"]["why"] == ["The instrument flagged overload during the measurement: no value."]
    assert "dose_gy" not in outputs["B2"]
    assert outputs["B1"]["decision"] == "PASS"


async def test_leakage_is_taken_off_signed_or_blocks(connection, client):
    client.leak_a = -0.003e-9  # -3 pA for 3 s is 0.06 % of 15.67 nC: named, not subtracted
    outputs = await calculated(connection, client)
    assert round(100 * outputs["B1"]["dose_gy"], 2) == round(47.33 * (15.67 - 0.009) / 15.67, 2)


async def test_small_leakage_is_subtracted(connection, client):
    client.leak_a = 0.010e-9  # 10 pA for 3 s is 0.19 %
    session = await closed(connection, client)
    by_point = {r.point: r for r in calculate_session(connection, session, "MP-1")}
    charge = by_point["B1"].inputs["charge"]
    assert charge["subtracted"] is True
    assert round(charge["nc"], 6) == 15.67
    assert round(charge["gross_nc"], 6) == 15.70
    assert verify_store(connection) == []


async def test_large_leakage_blocks(connection, client):
    client.leak_a = 0.030e-9
    output = (await calculated(connection, client))["B1"]
    assert output["decision"] == "INVALID"
    assert "Leakage is 0.57 % of the reading" in output["why"][0]


async def test_a_factor_hundred_is_noticed(connection, client):
    client.beam["b1"] = 1567.0
    output = (await calculated(connection, client))["B1"]
    assert output["decision"] == "INVALID"
    assert "check the units" in output["why"][0]


async def test_without_controls_there_is_no_result_and_all_readings_are_kept(connection, client):
    client.chips("tray.asc", {k: v for k, v in CHIPS.items() if k not in ("301", "302", "303", "304")})
    before = connection.execute("SELECT count(*) FROM entry").fetchone()[0]
    assert before == 7
    session = prepared(connection)
    await measured(connection, client, session)
    client.chips("second.asc", {k: v for k, v in CHIPS.items() if not k.startswith("3")})
    client.disc()
    close_session(connection, session, "MD-1")
    outputs = {r.point: r.output.plain() for r in calculate_session(connection, session, "MP-1")}
    assert outputs["P4"]["why"][0].startswith("No result, controls missing in this reader session: C-1, C-2, C-3, C-4.")
    assert outputs["P6"]["decision"] == "REPORT ONLY"


async def test_controls_of_another_file_do_not_count(connection, client):
    session = prepared(connection)
    await measured(connection, client, session)
    client.chips("monday.asc", {k: v for k, v in CHIPS.items() if len(k) == 3})
    client.chips("tuesday.asc", {k: v for k, v in CHIPS.items() if len(k) == 2})
    client.disc()
    close_session(connection, session, "MD-1")
    outputs = {r.point: r.output.plain() for r in calculate_session(connection, session, "MP-1")}
    assert [w.split(":")[0] for w in outputs["P5"]["why"]][:2] == [
        "No result, standards missing in this reader session",
        "No result, controls missing in this reader session",
    ]


async def test_a_second_read_of_an_emptied_element_is_no_new_dose(connection, client):
    session = prepared(connection)
    await measured(connection, client, session)
    client.chips("tray.asc", {**CHIPS})
    client.chips("again.asc", {"14": 170})
    client.disc()
    close_session(connection, session, "MD-1")
    output = {r.point: r.output.plain() for r in calculate_session(connection, session, "MP-1")}["P4"]
    assert round(100 * output["dose_gy"], 2) == 3.04
    assert output["remarks"] == [
        "T-014 was read 2 times; the first readout counts, the others are of an emptied element."
    ]


async def test_a_pair_that_disagrees_gives_no_mean(connection, client):
    session = prepared(connection)
    await measured(connection, client, session)
    client.chips("tray.asc", {**CHIPS, "16": 45_000})
    client.disc()
    close_session(connection, session, "MD-1")
    output = {r.point: r.output.plain() for r in calculate_session(connection, session, "MP-1")}["P4"]
    assert output["decision"] == "INVALID"
    assert "above the pair limit of 5 %" in output["why"][0]


async def test_an_implausible_report_only_dose_is_not_shown(connection, client):
    session = prepared(connection)
    await measured(connection, client, session)
    client.chips("tray.asc", CHIPS)
    client.disc(counts=295_039_000.0)
    close_session(connection, session, "MD-1")
    output = {r.point: r.output.plain() for r in calculate_session(connection, session, "MP-1")}["P6"]
    assert (output["decision"], "dose_gy" in output) == ("INVALID", False)


async def test_what_was_never_read_is_invalid_and_a_late_reading_makes_a_new_version(connection, client):
    outputs = await open_and_calculated(connection, client)
    assert outputs["P4"]["why"][:2] == ["T-014 of P4 has not been read.", "T-016 of P4 has not been read."]
    client.chips("late.asc", CHIPS)
    session = connection.execute("SELECT id FROM session").fetchone()[0]
    calculate_session(connection, session, "MP-1")
    old, new = versions(connection, session, "P4")
    assert (old.output.decision, new.output.decision) == ("INVALID", "REPORT ONLY")
    assert verify_store(connection) == []


def unlocked(connection, table):
    connection.execute(f"DROP TRIGGER {table}_no_update")


async def test_verify_finds_a_changed_reading(connection):
    await as_foreseen(connection)
    row = connection.execute("SELECT stream, seq, body FROM entry WHERE element = '14'").fetchone()
    body = parse(row["body"]) | {"value": 50_000}
    connection.execute(
        "UPDATE entries SET body = ? WHERE stream = (SELECT number FROM streams WHERE stream = ?) AND seq = ?",
        (canonical(body), row["stream"], row["seq"]),
    )
    problems = verify_store(connection)
    assert any(p.endswith("was changed after it was stored.") for p in problems)
    assert any("Result P4 v1" in p and "is not the one the result was made from" in p for p in problems)


async def test_verify_finds_a_changed_factor_and_a_changed_result(connection):
    await as_foreseen(connection)
    unlocked(connection, "document")
    connection.execute(
        "UPDATE document SET body = CAST(replace(CAST(body AS TEXT), 'value = 3.097', 'value = 3.197') AS BLOB)"
        " WHERE kind = 'calibrations'"
    )
    unlocked(connection, "result")
    connection.execute("UPDATE result SET output = CAST(CAST(output AS TEXT) || ' ' AS BLOB) WHERE point = 'B2'")
    problems = verify_store(connection)
    assert any(p.startswith("The calibrations file calibrations.toml (table document) was changed") for p in problems)
    assert any("Result B1 v1" in p and "other inputs" in p for p in problems)
    assert any("Result B2 v1" in p and "was changed; MP-1 made it" in p for p in problems)
