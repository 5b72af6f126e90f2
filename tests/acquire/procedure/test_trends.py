"""What results share: the mean deviation of a session, exit and midline, pair and attempt rules, control charts."""

from __future__ import annotations

import json
import math
import re

import pytest
from cases import CF, case_d, diode, diode_point
from command_line import acquire
from scenario_a import closed
from worked import GIVEN, Case, WorkedClient, calibration, closed_results, expected, factor, limits, part, ranged, run

from acquire.dosimetry import quadrature
from acquire.errors import FileProblem
from acquire.procedure.records.output import output_of
from acquire.procedure.results.result import calculate_session
from acquire.procedure.results.trends import mean_deviation, observations, trends
from acquire.procedure.results.verify import verify_store


def results_command(tmp_path, *arguments):
    store = f"sqlite:///{tmp_path / 'store.db'}"
    return acquire("results", *arguments, "--store", store)


UP, LOW = [1.0, 1.002, 0.998, 1.001, 0.999, 1.003, 0.997, 1.0, 1.001], [1.06]


def case_a() -> Case:
    """The three ports of case A, all with diodes; the reference session is common to their coefficients."""
    case = Case("A3")
    case.instrument("electrometer-1", "keithley-6517b")
    for name, n_cal, svwt in (("D-11", 3.097, 0.25), ("D-14", 3.041, 0.28), ("D-12", 3.186, 0.22)):
        diode(case, name, n_cal, svwt)
        factors = case.calibrations[-1]["factors"]
        factors["n_cal"] = ranged(n_cal, "cGy/nC", GIVEN["F_udmax"], "session F")
        own = quadrature([0.30, 0.02])
        case.calibrations[-1]["uncertainty"] = [part("diode set-up and reading at calibration", own)]
    for port, name in (("B1", "D-11"), ("B2", "D-14"), ("B7", "D-12")):
        key = f"A_{port.lower()}"
        diode_point(
            case, port, name, (GIVEN[f"{key}_ssd"], GIVEN[f"{key}_fs"], 1.0), GIVEN["A_T"],
            expected=expected(GIVEN[f"{key}_exp"], GIVEN["A_uexp"]), limits=limits(7, 10),
        )  # fmt: skip
        case.points[-1]["factors"]["cf_fs"]["u_percent"] = 1.0  # IMRT field
        case.points[-1]["factors"]["cf_wedge"]["u_percent"] = 0.0
    return case


async def ports(connection, **beams):
    case = case_a()
    client = WorkedClient(connection)
    client.beam = {port: GIVEN[f"A_{port}_m"] for port in ("b1", "b2", "b7")} | beams
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    return session, closed_results(connection, session)


async def test_the_mean_of_three_ports_has_the_common_part_once(connection):
    _, outputs = await ports(connection)
    for port in ("b1", "b2", "b7"):
        assert 100 * outputs[port.upper()]["dose_gy"] == pytest.approx(GIVEN[f"A_{port}_D"], rel=1e-9)
        assert outputs[port.upper()]["deviation_expanded_percent"] == pytest.approx(GIVEN[f"A_{port}_U"], rel=1e-9)
    mean = mean_deviation({point: output_of(each) for point, each in outputs.items()})
    assert mean.deviation_percent == pytest.approx(GIVEN["A_mean"], rel=1e-9)
    assert mean.expanded_percent == pytest.approx(GIVEN["A_Ucorr"], rel=1e-9)
    assert mean.expanded_percent > GIVEN["A_Uunc"]
    assert mean.common == ("n_cal (session F)",)


def test_one_point_has_no_mean():
    assert mean_deviation({"B1": output_of({"decision": "INVALID", "why": [], "remarks": []})}) is None


# --- exit and midline, attempts, pairs -----------------------------------------------------------------------------


def phantom(rule: str | None = None, repeats: int = 1) -> Case:
    case = Case("P")
    case.plan = {"purpose": "phantom"}
    case.instrument("electrometer-1", "keithley-6517b")
    factors = {
        "n_cal": ranged(3.0, "cGy/nC", 1.0, "session F"),
        "svwt": factor(0.25, "%/Cel"),
        "t_cal": factor(22.0, "Cel"),
    }
    for name, surface in (("D-1", "entrance"), ("D-2", "exit")):
        case.detector(name, "diode")
        case.calibrations.append(
            calibration(name, "6 MV", factors, surface=surface, conditions={"reading": "positive"})
        )
    for point, name, surface in (("ent", "D-1", "entrance"), ("exi", "D-2", "exit")):
        extra = {"cf_backscatter": factor(1.02, u=0.5)} if surface == "exit" else {}
        case.point(
            point, "diode", "6 MV", detector=name, instrument="electrometer-1", detector_c=22.0, surface=surface,
            factors={name: factor(1.0, u=u) for name, u in CF.items()} | extra, attempt_rule=rule,
            plausible={"low_gy": 0.2, "high_gy": 4.0},
        )  # fmt: skip
        case.step(f"background-{point}", "background", "electrometer-1", point=point, duration_s=30.0)
        for i in range(1, repeats + 1):
            case.step(f"{point}-{i}", "irradiate", "electrometer-1", point=point, duration_s=10.0)
    case.point(
        "mid", "midline", "6 MV", of=["ent", "exi"], factors={"f_mid": factor(0.98, u=1.0)},
        plausible={"low_gy": 0.2, "high_gy": 4.0},
    )  # fmt: skip
    return case


async def phantom_results(connection, case, beam, overloaded=()):
    client = WorkedClient(connection)
    client.beam, client.overloaded = beam, set(overloaded)
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    outputs = closed_results(connection, session)
    assert verify_store(connection) == []
    return outputs


async def test_exit_has_its_own_factors_and_midline_counts_the_shared_calibration_once(connection):
    outputs = await phantom_results(connection, phantom(), {"ent-1": 69.47, "exi-1": 39.74})
    assert 100 * outputs["ent"]["dose_gy"] == pytest.approx(3 * 69.47)
    assert 100 * outputs["exi"]["dose_gy"] == pytest.approx(3 * 39.74 * 1.02)
    assert outputs["exi"]["formula"] == "Diode exit dose"
    by_hand = (3 * 69.47 + 3 * 39.74 * 1.02) / 2 * 0.98
    assert 100 * outputs["mid"]["dose_gy"] == pytest.approx(by_hand)
    shared = next(row for row in outputs["mid"]["budget"] if row["name"] == "n_cal")
    assert shared["u_percent"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("rule", "nc", "used"),
    [
        ("first-valid", 50.2, "ent-2"),
        ("last-valid", 50.6, "ent-3"),
        ("mean-of-valid", 50.4, "ent-2, ent-3"),
    ],
)
async def test_the_rule_that_was_planned_says_which_attempt_counts(connection, rule, nc, used):
    beam = {"ent-1": 50.0, "ent-2": 50.2, "ent-3": 50.6, "exi-1": 30.0, "exi-2": 30.0, "exi-3": 30.0}
    outputs = await phantom_results(connection, phantom(rule, 3), beam, overloaded={"ent-1"})
    assert 100 * outputs["ent"]["dose_gy"] == pytest.approx(3 * nc)
    assert f"{used} counted by the rule {rule}." in outputs["ent"]["remarks"]
    assert "ent-1 did not count: The instrument flagged overload" in " ".join(outputs["ent"]["remarks"])


def test_several_beams_without_a_rule_are_refused(connection):
    with pytest.raises(FileProblem, match="several irradiations need attempt_rule"):
        phantom(None, 2).add(connection)


@pytest.mark.parametrize(
    ("rule", "cgy", "extra"),
    [("both", (205.0 + 230.0) / 2, None), ("both-with-spread", (205.0 + 230.0) / 2, 25 / 217.5 * 50 / math.sqrt(3)),
     ("named", 205.0, None)],
)  # fmt: skip
async def test_a_pair_beyond_its_limit_follows_the_planned_rule(connection, rule, cgy, extra):
    case, reads = case_d()
    point = next(p for p in case.points if p["id"] == "head-R")
    point |= {"pair_rule": rule, "pair_named": "head-R-a"}
    kept = {name: value for name, value in reads if not name.startswith("head-R")}
    for name, dose in (("head-R-a", 205.0), ("head-R-b", 230.0)):
        kept[name] = (dose * GIVEN["D_rcf"] + GIVEN["D_bg"]) / case.eccs[name]
    case.add(connection)
    session = case.start(connection)
    client = WorkedClient(connection)
    await run(connection, client, session)
    client.read_elements(list(kept.items()))
    output = closed_results(connection, session)["head-R"]
    assert 100 * output["dose_gy"] == pytest.approx(cgy)
    assert f"the plan's pair rule '{rule}' was applied" in output["warnings"][0]
    rows = {row["name"]: row["u_percent"] for row in output["budget"]}
    assert rows.get("spread of the pair") == (None if extra is None else pytest.approx(extra))


# --- trends --------------------------------------------------------------------------------------------------------


async def test_control_charts_over_the_sessions_of_a_store(connection, tmp_path):
    case = case_a()
    case.add(connection)
    for fraction, scale in enumerate([*UP, *LOW], start=1):
        client = WorkedClient(connection)
        client.beam = {port: GIVEN[f"A_{port}_m"] * scale for port in ("b1", "b2", "b7")}
        session = case.start(connection, fraction)
        await run(connection, client, session)
        closed_results(connection, session)
    made, few = trends(observations(connection))
    assert few == []
    assert [chart.key for chart in made] == [(f"D-{n}", "diode, entrance", "LA-1") for n in (11, 12, 14)]
    assert all(chart.n == 10 for chart in made)
    assert all(any("lies outside" in signal for signal in chart.signals) for chart in made)
    (first, *_) = json.loads(results_command(tmp_path, "--trend", "--json").stdout)["charts"]
    assert (first["detector"], first["point_type"], first["machine"]) == ("D-11", "diode, entrance", "LA-1")
    assert first["n"] == 10
    assert "lies outside" in results_command(tmp_path, "--trend").stdout


async def test_explained_results_can_be_followed_with_a_calculator(connection, tmp_path):
    session, outputs = await ports(connection)
    said = results_command(tmp_path, session, "--explain").stdout
    assert "Mean deviation of B1, B2, B7: −0.11 %, U = 3.44 %; common to them: n_cal (session F)." in said
    line = next(line for line in said.splitlines() if line.strip().startswith("= 15.67 ×"))
    numbers, result = re.match(r"\s*= (.*) = ([0-9.]+) cGy", line).groups()
    assert math.prod(float(x) for x in numbers.split(" × ")) == pytest.approx(float(result), rel=1e-6)
    assert f"inputs {outputs['B1']['formula_inputs_sha256']}" in said
    assert "rule guard-band, tolerance 7 %, action 10 %; probability of conformity 0.984" in said


def test_results_wants_one_session_or_the_trend(tmp_path):
    done = results_command(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Name one session, or ask for --trend over all of them.\n"


async def test_the_demonstration_has_too_few_for_a_chart(connection, client):
    calculate_session(connection, await closed(connection, client), "MP-1")
    made, few = trends(observations(connection))
    assert made == []
    assert (("CH-1", "chamber, in-field", "LA-1, simulated"), 1) in few
