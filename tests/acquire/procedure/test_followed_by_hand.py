"""Every printed step of every worked case, calculated again from its own printed numbers; and budgets that add up."""

from __future__ import annotations

import math
import re

import pytest
from cases import case_b, case_c, case_d, case_e, case_f, client_b, client_f
from test_worked_cases import measured
from worked import GIVEN, WorkedClient, closed_results, k_q, run

from acquire.procedure.methods import releases
from acquire.procedure.results.result import latest
from acquire.procedure.results.verify import verify_store


def by_hand(numbers: str) -> float:
    """What a pocket calculator makes of a step's printed numbers."""
    typed = numbers.replace("×", "*").replace("−", "-").replace("²", "**2").replace("^", "**").replace(" %", "/100")
    assert re.fullmatch(r"[0-9.e+*/()\s-]+", typed), f"not to be typed into a calculator: {numbers}"
    return float(eval(typed))


def calculated(outputs) -> int:
    """Check every step and budget; returns how many steps there were."""
    count = 0
    for output in outputs.values():
        for step in output.get("steps", ()):
            assert by_hand(step["numbers"]) == pytest.approx(step["value"], rel=2e-7, abs=1e-5), step
            assert step["source"]
            count += 1
        if "budget" in output:
            parts = [row["u_percent"] for row in output["budget"]]
            assert math.sqrt(sum(u * u for u in parts)) == pytest.approx(output["u_percent"], rel=1e-12)
            assert output["expanded_gy"] == pytest.approx(output["k"] * output["u_gy"], rel=1e-12)
    return count


async def with_client(connection, name):
    if name == "B":
        return await measured(connection, *case_b(), client_b(connection))
    if name == "C":
        client = WorkedClient(connection)
        client.beam = {"c2": GIVEN["C_c2_m"]}
        return await measured(connection, *case_c(), client, unit="{counts}")
    return await measured(
        connection, *(case_d() if name == "D" else case_e()), unit="nC" if name == "D" else "{counts}"
    )


@pytest.mark.parametrize(("name", "steps"), [("B", 20), ("C", 15), ("D", 80), ("E", 10)])
async def test_every_step_can_be_followed(connection, name, steps):
    _, outputs = await with_client(connection, name)
    assert calculated(outputs) >= steps


@pytest.mark.parametrize(
    ("protocol", "beam"), [(p, b) for p in ("trs398", "tg51") for b in ("pulsed", "pulsed-scanned", "continuous")]
)
async def test_every_step_of_a_chamber_can_be_followed(connection, protocol, beam):
    case = case_f()
    case.points[0]["protocol"] = protocol
    case.calibrations[0]["factors"]["k_q"] = k_q(GIVEN["F_kq51" if protocol == "tg51" else "F_kq398"], protocol)
    case.points[0]["recombination"]["beam"] = beam
    case.add(connection)
    session = case.start(connection, temperature_c=GIVEN["F_T"], pressure_kpa=GIVEN["F_P"])
    await run(connection, client_f(connection), session)
    assert calculated(closed_results(connection, session)) == 12


async def test_leakage_taken_off_each_of_several_attempts_is_a_step_of_each(connection):
    client = client_f(connection)
    client.leak_a = 2.0e-12  # 0.03 nC in 15 s, 0.24 % of the reading
    case = case_f()
    for kind, volts in (("polarity", -300.0), ("recombination", 100.0)):  # what is taken off is of the beam's voltage
        first = next(n for n, each in enumerate(case.steps) if each["kind"] == kind)
        own = {**case.steps[0], "id": f"background-{kind}", "voltage_v": volts}
        case.steps = [*case.steps[:first], own, *case.steps[first:]]
    case.add(connection)
    session = case.start(connection, temperature_c=GIVEN["F_T"], pressure_kpa=GIVEN["F_P"])
    await run(connection, client, session)
    outputs = closed_results(connection, session)
    assert calculated(outputs) == 12 + 9
    assert outputs["ref"]["steps"][0]["what"] == "M(irradiate-1)"
    assert outputs["ref"]["dose_gy"] == pytest.approx(GIVEN["F_D398"], rel=1e-6)


async def test_a_leakage_of_another_voltage_is_named_and_never_taken_off(connection):
    client = client_f(connection)
    client.leak_a = 2.0e-12
    case = case_f()
    case.add(connection)
    session = case.start(connection, temperature_c=GIVEN["F_T"], pressure_kpa=GIVEN["F_P"])
    await run(connection, client, session)
    why = " ".join(closed_results(connection, session)["ref"]["why"])
    assert "The leakage was measured at another voltage than polarity-2, and is 0.28 % of its reading" in why


async def test_the_scatter_of_blanks_counts_the_more_the_less_was_received(connection):
    case, reads = case_d()
    case.batches[0]["blanks"] = {"sd": 6.0, "n": 12, "unit": "nC", "source": "zero-dose readings of the batch"}
    _, outputs = await measured(connection, case, reads)
    rows = {row["name"]: row for row in outputs["head-R"]["budget"]}
    net_nc, standards_nc = GIVEN["D_head_r"] * GIVEN["D_rcf"], 200.0 * GIVEN["D_rcf"]
    assert rows["blanks"]["u_percent"] == pytest.approx(100 * 6.0 * math.sqrt(1 / 2) / net_nc, rel=1e-6)
    # the one control is in the elements and in the standards
    background = 100 * 6.0 * (1 / net_nc - 1 / standards_nc)
    assert rows["background"]["u_percent"] == pytest.approx(abs(background), rel=1e-6)
    assert all((rows[name]["kind"], rows[name]["dof"]) == ("A", 11) for name in ("blanks", "background"))
    assert calculated(outputs) > 80


def unlocked(connection, sql, *values):
    connection.execute("DROP TRIGGER result_no_update")
    connection.execute(sql, values)


async def test_a_result_of_another_formula_version_is_named_and_not_repeated(connection, monkeypatch):
    monkeypatch.setattr(releases, "RELEASES", (releases.FIRST, "dosimetry 9, procedure 9"))
    session, _ = await with_client(connection, "E")
    assert verify_store(connection) == []
    monkeypatch.undo()
    said, _ = verify_store(connection)
    assert said.startswith(f"Result E1 v1 of session {session} was calculated with 'dosimetry 9, procedure 9', which")
    assert said.endswith("'dosimetry 2, procedure 6' and 'dosimetry 2, procedure 7' and cannot repeat it.")


async def test_the_hash_of_the_inputs_is_held_against_them(connection):
    session, _ = await with_client(connection, "E")
    kept = latest(connection, session, "E1")
    assert kept.formula == "dosimetry 2, procedure 7"
    unlocked(
        connection,
        "UPDATE result SET inputs = CAST(replace(CAST(inputs AS TEXT), '57910', '57911') AS BLOB) WHERE point = 'E1'",
    )
    trigger, said = verify_store(connection)
    assert trigger.startswith("The trigger result_no_update of table result was dropped")
    assert said.startswith(f"Result E1 v1 of session {session} (table result) was changed; MP-1 made it")
