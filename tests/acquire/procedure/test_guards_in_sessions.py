"""Guards of a session that forbid a number: units of reader and batch, voltages, parts of a midline, depletion."""

from __future__ import annotations

import pytest
from cases import case_b, case_c, case_d, case_e, case_f, client_f
from test_worked_cases import measured
from worked import GIVEN, Case, WorkedClient, calibration, closed_results, factor, k_q, part, ranged, run

from acquire.errors import FileProblem, Refused
from acquire.procedure.documents.point import Point
from acquire.procedure.records.selection import OfCharges, selection_of
from acquire.procedure.results.waiting_time import unheld


def one_chip(background_unit: str = "nC", rcf_unit: str = "nC/cGy") -> Case:
    """A single chip on a reader that has a calibration of its own."""
    case = Case("X")
    case.instrument("reader-1", "winrems")
    element = case.element("T-1", 1.0, "tld")
    factors = {"rcf": ranged(12.8, rcf_unit, 1.5), "background": factor(0.4, background_unit)}
    case.calibrations.append(calibration("reader-1", "6 MV", factors))
    case.batches = [{"reader": "reader-1"}]
    case.point(
        "P", "tld", "6 MV", elements=[element], plausible={"low_gy": 0.01, "high_gy": 0.3},
        factors={"k_f": factor(1.0), "k_l": factor(1.0), "k_q": factor(1.0)},
    )  # fmt: skip
    case.place_and_read(["P"])
    return case


async def test_the_background_of_a_reader_is_in_the_unit_of_its_coefficient(connection):
    with pytest.raises(Refused, match=r"background of reader-1 is in pC, its coefficient in nC/cGy"):
        one_chip("pC").add(connection)
    _, outputs = await measured(connection, one_chip(), [("T-1", 64.4)])
    assert 100 * outputs["P"]["dose_gy"] == pytest.approx(5.0)
    with pytest.raises(Refused, match=r"is not the one that is in force: background is 0\.4 pC and was 0\.4 nC"):
        one_chip("pC").add(connection)


async def test_standards_and_chips_are_read_in_one_unit(connection):
    case, reads = case_b()
    client = WorkedClient(connection)
    client.threshold = {"threshold-before": GIVEN["B_v0"], "threshold-after": GIVEN["B_v1"]}
    client.wait_s = {"dwell": 120.0, "threshold-after": 120.0}
    case.plan.pop("source")
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    client.read_elements([r for r in reads if r[0].startswith("S-")], "{counts}")
    client.read_elements([r for r in reads if not r[0].startswith("S-")], "nC")
    outputs = closed_results(connection, session)
    assert outputs["R1"]["why"] == ["S-1 was read in {counts}, r1-1 in nC: one unit is needed to compare them."]


async def test_chips_read_in_counts_beside_standards_in_counts_have_a_dose(connection):
    case, reads = case_d()
    case.batches[0]["coefficient_range"] = [11_000.0, 15_000.0]
    _, outputs = await measured(connection, case, [(e, 1000 * v) for e, v in reads], unit="{counts}")
    assert outputs["head-R"]["dose_gy"] == pytest.approx(GIVEN["D_head_r"] / 100, rel=1e-9)
    assert next(s["unit"] for s in outputs["head-R"]["steps"] if s["what"] == "RCF") == "{counts}/cGy"


async def test_the_readers_own_form_brings_repeated_readings_back_to_the_first(connection):
    case, reads = case_e()
    case.batches[0] |= {"readings": 3, "depletion_per_reading": 0.01, "depletion": "falling"}
    thrice = [(e, v * 0.99**j) for e, v in reads for j in range(3)]
    _, outputs = await measured(connection, case, thrice, unit="{counts}")
    assert 100 * outputs["E1"]["dose_gy"] == pytest.approx(GIVEN["E_e1_D"], rel=1e-9)
    assert outputs["E1"]["steps"][0]["what"] == "M(e1-1)"
    assert "(1 − 0.01)^(-2)" in outputs["E1"]["steps"][0]["numbers"]


async def test_a_side_that_shows_no_dose_gives_none_to_the_midline(connection):
    case, reads = case_d()
    side = next(p for p in case.points if p["id"] == "head-R")
    side["plausible"] = {"low_gy": 0.5, "high_gy": 2.0}
    _, outputs = await measured(connection, case, reads)
    assert outputs["head-R"]["decision"] == outputs["head"]["decision"] == "INVALID"
    assert "head-R" in outputs["head"]["why"][0]
    assert "above the plausible 200 cGy" in outputs["head"]["why"][0]
    assert outputs["chest" if "chest" in outputs else "med"]["decision"] == "PASS"


@pytest.mark.parametrize(
    ("step", "volts", "sentence"),
    [
        ("recombination-2", 150.0, "step recombination-2 is at 150 V, the point's recombination has low_v = 100 V"),
        ("irradiate-1", 400.0, "step irradiate-1 is at 400 V, the point's recombination has high_v = 300 V"),
        ("polarity-1", 300.0, "step polarity-1 is at 300 V, the irradiation at 300 V: polarity needs the opposite"),
        ("polarity-1", None, "step polarity-1 needs voltage_v"),
    ],
)
def test_the_voltages_of_the_steps_are_those_of_the_formula(connection, step, volts, sentence):
    case = case_f()
    next(s for s in case.steps if s["id"] == step)["voltage_v"] = volts
    with pytest.raises(FileProblem, match=sentence):
        case.add(connection)


def test_polarity_and_recombination_need_the_sites_waiting_time(connection):
    case = case_f()
    del case.points[0]["settle_s"]
    with pytest.raises(FileProblem, match="need settle_s, the wait after a change of voltage"):
        case.add(connection)


async def test_what_the_laboratory_left_out_is_divided_out_under_tg51_too(connection):
    case = case_f()
    case.points[0]["protocol"] = "tg51"
    case.calibrations[0]["factors"] |= {"k_q": k_q(GIVEN["F_kq51"], "tg51"), "k_pol_q0": factor(1.0015)}
    case.add(connection)
    session = case.start(connection, temperature_c=GIVEN["F_T"], pressure_kpa=GIVEN["F_P"])
    await run(connection, client_f(connection), session)
    output = closed_results(connection, session)["ref"]
    assert output["dose_gy"] == pytest.approx(GIVEN["F_D51"] / 1.0015, rel=1e-9)


def test_a_mistyped_factor_of_a_point_is_refused_with_the_plan(connection):
    case, _ = case_c()
    case.points[0]["factors"]["cf_try"] = factor(1.03)
    with pytest.raises(Refused, match="C2: Diode entrance dose has no place for cf_try"):
        case.add(connection)


async def test_where_the_plan_names_one_of_a_pair_its_uncertainty_is_that_of_one(connection):
    case, reads = case_d()
    neck = next(p for p in case.points if p["id"] == "neck-L")
    neck |= {"pair_rule": "named", "pair_named": "neck-L-a"}
    _, outputs = await measured(connection, case, reads)
    rows = {row["name"]: row["u_percent"] for row in outputs["neck-L"]["budget"]}
    gross = 1 + 0.4 / (GIVEN["D_neck_l"] * GIVEN["D_rcf"])  # over the net signal
    assert (rows["ecc"], rows["reading"]) == (pytest.approx(gross, rel=1e-4), pytest.approx(1.5 * gross, rel=1e-4))
    assert 100 * outputs["neck-L"]["dose_gy"] == pytest.approx(GIVEN["D_neck_l"], rel=1e-9)


async def test_one_curve_of_fading_or_linearity_is_common_to_the_points_it_corrects(connection):
    case, reads = case_b()
    for point in case.points[:3]:
        point["uncertainty"] = [part("reading", 1.5, per="element")]
    client = WorkedClient(connection)
    client.threshold = {"threshold-before": GIVEN["B_v0"], "threshold-after": GIVEN["B_v1"]}
    client.wait_s = {"dwell": 120.0, "threshold-after": 120.0}
    _, outputs = await measured(connection, case, reads, client)
    shared = {row["name"]: row["shared"] for row in outputs["R1"]["budget"]}
    assert shared["k_l"] == "site fit"


class BeamAtTheEdge(WorkedClient):
    """The beam is on already before the first reading between the markers, or still after the last one."""

    share, edge = 0.0, "begin"

    async def during(self, step):
        of, rise = self.of(step.instrument), self.beam.get(step.id, 0.0)
        if step.kind == "irradiate" and self.edge == "begin":
            of.charge_nc += self.share * rise
        await super().during(step)

    def idle(self, instrument):
        if self.edge == "end" and self.asked[-1][1] == "end":
            self.of(instrument).charge_nc += self.share * GIVEN["C_c2_m"]
        super().idle(instrument)


@pytest.mark.parametrize(
    ("edge", "share", "said"),
    [
        (
            "begin",
            0.10,
            "3.712 nC were collected before the first reading of the measurement, beside 37.12 nC in it: the",
        ),
        ("end", 0.02, "0.7424 nC were collected after the last reading of the measurement, beside 37.12 nC in it: the"),
        ("begin", 0.001, None),
        ("end", 0.0, None),
    ],
)
async def test_a_beam_that_was_on_at_a_marker_gives_no_number(connection, edge, share, said):
    case, reads = case_c()
    client = BeamAtTheEdge(connection)
    client.beam, client.edge, client.share = {"c2": GIVEN["C_c2_m"]}, edge, share
    _, outputs = await measured(connection, case, reads, client, unit="{counts}")
    if said is None:
        assert 100 * outputs["C2"]["dose_gy"] == pytest.approx(GIVEN["C_c2_D"], rel=1e-9)
    else:
        assert outputs["C2"]["why"] == [f"{said} beam was on at its {edge}."]


@pytest.mark.parametrize(
    ("step", "wait_s", "step_s", "said"),
    [
        ("recombination-1", 45.0, 600.0, "The host's clock was set forward by 600 s"),
        ("recombination-1", 320.0, -200.0, "The host's clock was set back by 200 s"),
        ("recombination-1", 20.0, 100.0, "s after the voltage change; it counts only after 300 s"),
        ("recombination-1", 320.0, 3600.0, None),
        ("recombination-1", 3600.0, -1800.0, None),
        ("recombination-1", 320.0, 0.3, None),
    ],
)
async def test_a_step_of_the_hosts_clock_does_not_pass_for_waiting(connection, step, wait_s, step_s, said):
    """A voltage has settled by the clock that nobody sets; where that leaves a doubt, the doubt is told."""
    case = case_f()
    case.add(connection)
    session = case.start(connection, temperature_c=GIVEN["F_T"], pressure_kpa=GIVEN["F_P"])
    client = client_f(connection)
    client.wait_s[step], client.step_s[step] = wait_s, step_s
    await run(connection, client, session)
    output = closed_results(connection, session)["ref"]
    told = [remark for remark in output["remarks"] if remark.startswith(f"{step} did not count")]
    assert (said is None) == (told == [])
    assert said is None or said in told[0]


def test_a_wait_between_two_streams_is_told_to_rest_on_the_calendar_clock() -> None:
    """After a lost link or a restart the monotonic clock says nothing of the time before."""
    point = Point.model_construct(settle_s=300.0)
    attempts = [
        {"name": "measurement", "role": "measurement", "step": "irradiate-1"},
        {"name": "polarity", "role": "polarity", "step": "polarity-1", "changed_after": "measurement"},
    ]
    for streams, told in ((("s-1", "s-1"), 0), (("s-1", "s-2"), 1)):
        refs = {a["name"]: [{"stream": s, "seq": 1, "digest": ""}] for a, s in zip(attempts, streams, strict=True)}
        chosen = selection_of(
            {"session": "s", "point": "P", "day": "2026-11-29", "problems": [], "remarks": [], "air": [],
             "documents": {"plan": "", "calibrations": "", "inventory": ""}, "readings": refs, "attempts": attempts}
        )  # fmt: skip
        assert isinstance(chosen.of, OfCharges)
        remarks = unheld(chosen, chosen.of, point)
        assert [("polarity-1 is by the host's calendar clock alone" in each) for each in remarks] == told * [True]
