"""Every template, completed as a person would, is a plan that is measured to a result; what is left is refused."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

import pytest
from cases import client_f, diode
from worked import GIVEN, READER, Case, WorkedClient, calibration, closed_results, factor, k_q, part, ranged, run

from acquire.errors import FileProblem, Refused
from acquire.plan_templates import filled, template, templates
from acquire.plan_templates.filling import of_words
from acquire.procedure.documents.calibrations import read_calibrations
from acquire.procedure.documents.inventory import read_inventory
from acquire.procedure.documents.plan import read_plan
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.console import enter_console_time
from acquire.procedure.session.planning import add_plan

COMMON = {
    "name": "T", "version": "1", "approved_by": "MP-1", "approved_on": "2026-02-01", "place_of_service": "22",
    "machine": "LA-1", "fraction": "1", "technique": "t", "prescription": "50 Gy in 25 fractions", "target": "t",
    "entered_by": "MP-1", "checked_by": "MP-2", "reader": READER, "instrument": "electrometer-1", "rule": "guard-band",
    "beam": "6 MV", "background_s": "30", "beam_s": "20", "pair_limit": "5", "side": "front", "port": "B1",
    "gantry_deg": "0", "mu": "92", "ssd_cm": "88,4",
    "standard_1": "S-1", "standard_2": "S-2", "standard_3": "S-3", "control_1": "C-1", "rcf_u": "1.5",
}  # fmt: skip


def completed(name: str, **values: Any) -> bytes:
    """The template with its values; what is not given is an uncertainty of 1 % or a text."""
    of = template(name)
    given: dict[str, str] = {}
    for place in of.places:
        known = values.get(place.name, COMMON.get(place.name))
        if known is None and place.kind == "text":
            known = "worked case"
        if known is None and (place.name.endswith("_u") or "u_" in place.name or place.name.endswith("uncertainty")):
            known = "1.0"
        assert known is not None, f"{name} asks for {place.name}: {place.says}"
        given[place.name] = str(known)
    return filled(of.text, of_words(of.text, given)).encode()


def case_of(name: str) -> Case:
    case = Case("T")
    case.plan = {"name": name}
    return case


async def measured(connection: Any, case: Case, body: bytes, client: WorkedClient, after: Any = None) -> Mapping:
    """The plan on the case's equipment, from its order (a calibration has none) to its results."""
    order = "ORD-T-1"
    if b'purpose = "patient"' in body:
        case_without_plan(connection)
    read = read_inventory(case.inventory[1], "i.toml"), read_calibrations(case.calibration_file[1], "c.toml")
    add_plan(connection, body, "plan.toml", "MP-1", *read)
    assert read_plan(body, "plan.toml").order == order
    session = case.start(connection)
    await run(connection, client, session)
    if after is not None:
        after(session)
    results = closed_results(connection, session)
    assert verify_store(connection) == []
    return results


def case_without_plan(connection: Any) -> None:
    case = Case("T")
    case.add_plan = lambda connection: None
    case.add(connection)


def tlds(case: Case, names: tuple[str, ...], kind: str = "tld") -> list[tuple[str, float]]:
    """Standards of 200 cGy and a control, as in worked case D; one signal per dose for each element."""
    case.instrument(READER, "winrems" if kind == "tld" else "xsyg")
    for name in ("S-1", "S-2", "S-3", "C-1", *names):
        case.element(name, 1.0, kind)
    return [("S-1", 2550.4), ("S-2", 2550.4), ("S-3", 2550.4), ("C-1", 0.4)]


DOSE = {"expected_gy": "0.468", "expected_u": "1.7", "tolerance": "7", "action": "10"}
TLD = {
    "order": "ORD-T-1", "standard_dose": "200", "coefficient_low": "11", "coefficient_high": "15", "k_f": "1",
    "k_l": "1", "k_q": "1", "low_gy": "0.2", "high_gy": "5",
}  # fmt: skip
CF = {"cf_ssd": "0.992", "cf_fs": "1.004", "cf_wedge": "1", "detector_c": "30.5"}


async def test_entrance(connection):
    case = case_of("entrance")
    case.instrument("electrometer-1", "keithley-6517b")
    diode(case, "D-11", 3.097, 0.25)
    body = completed("entrance", order="ORD-T-1", detector="D-11", site="entrance", **DOSE, **CF)
    client = WorkedClient(connection)
    client.beam = {"beam-1": 15.67}
    found = (await measured(connection, case, body, client))["P-1"]
    assert 100 * found["dose_gy"] == pytest.approx(GIVEN["A_b1_D"], rel=1e-9)
    assert found["decision"].startswith("PASS")


async def test_entrance_and_exit(connection):
    case = case_of("entrance-exit")
    for name, number in (("D-11", "electrometer-1"), ("D-21", "electrometer-3")):
        case.instrument(number, "keithley-6517b")
        diode(case, name, 3.097, 0.25)
    case.calibrations[1]["surface"] = "exit"
    sides = {f"in_{k}": v for k, v in {**DOSE, **CF}.items()} | {f"out_{k}": v for k, v in {**DOSE, **CF}.items()}
    sides |= {f"{s}_{k}": v for s in ("in", "out") for k, v in {"site": s, "side": s, "rule": "guard-band"}.items()}
    body = completed(
        "entrance-exit", order="ORD-T-1", in_detector="D-11", out_detector="D-21", in_instrument="electrometer-1",
        out_instrument="electrometer-3", out_cf_backscatter="1.02", **{**sides, "out_expected_gy": "0.24"},
    )  # fmt: skip
    client = TwoInputs(connection)
    results = await measured(connection, case, body, client)
    assert 100 * results["in-1"]["dose_gy"] == pytest.approx(GIVEN["A_b1_D"], rel=1e-9)
    assert results["out-1"]["dose_gy"] == pytest.approx(1.02 * results["in-1"]["dose_gy"] / 2, rel=1e-9)


class TwoInputs(WorkedClient):
    """One beam on two instruments: the exit diode collects half of what the entrance diode does."""

    async def during(self, step: Any) -> None:
        if step.kind != "irradiate":
            await super().during(step)
            return
        for name, nc in (("electrometer-1", 15.67), ("electrometer-3", 15.67 / 2)):
            of = self.of(name)
            start = of.charge_nc
            readings = []
            for k in range(11):
                of.charge_nc = start + nc * k / 10
                value = {**self.charge("electrometer-1", of.charge_nc, []), "elapsed_s": of.clock_s}
                readings.append(value)
                of.clock_s += 2.0
            self.put(name, readings)
        self.ahead_s += 20.0


async def test_tbi_with_tlds(connection):
    case, chips = case_of("tbi"), ("R-a", "R-b", "L-a", "L-b")
    reads = tlds(case, chips)
    names = {f"{side}_element_{x}": f"{side[0].upper()}-{x}" for side in ("right", "left") for x in "ab"}
    body = completed(
        "tbi-tld", port_right="right", port_left="left", right_side="right", left_side="left", f_mid="0.972",
        level_site="chest", **names, **TLD, **{**DOSE, "expected_gy": "1.95", "tolerance": "10", "action": "15"},
    )  # fmt: skip
    client = WorkedClient(connection)
    reads += [(chip, 2550.4) for chip in chips]
    results = await measured(connection, case, body, client, lambda _: client.read_elements(reads))
    assert results["right-1"]["dose_gy"] == pytest.approx(2.0)
    assert results["level-1"]["dose_gy"] == pytest.approx(0.972 * 2.0)


OSL = {
    **TLD, "coefficient_low": "0.003", "coefficient_high": "0.005", "standard_dose": "100", "k_theta": "1.01",
    "readings": "1", "standard_readings": "1", "depletion": "0.0005", "depletion_form": "growing",
}  # fmt: skip
DOTS = [("S-1", 26050.0), ("S-2", 26050.0), ("S-3", 26050.0), ("C-1", 310.0)]


async def read_after(connection: Any, case: Case, body: bytes, client: WorkedClient, reads: Any) -> Mapping:
    return await measured(connection, case, body, client, lambda _: client.read_elements(reads, "{counts}"))


async def test_skin_under_bolus(connection):
    case = case_of("skin")
    tlds(case, ("a", "b"), "osl")
    body = completed(
        "skin-bolus", element_a="a", element_b="b", window_low_gy="1.8", window_high_gy="2.2", site="junction", **OSL
    )
    client = WorkedClient(connection)
    reads = [*DOTS, ("a", 52110.0), ("b", 52110.0)]
    found = (await measured(connection, case, body, client, lambda _: client.read_elements(reads, "{counts}")))[
        "skin-1"
    ]
    assert found["dose_gy"] == pytest.approx(1.01 * 51800 / 25740)
    assert found["window"]["where"] == "inside"


async def test_pacemaker(connection):
    case = case_of("pacemaker")
    tlds(case, ("a", "b"), "osl")
    body = completed(
        "pacemaker", element_a="a", element_b="b", volume="pacemaker", k_q_out="0.88", fractions="25", limit_gy="2",
        images="25", image_cgy="0.2", **{**OSL, "low_gy": "0.01", "high_gy": "0.3"},
    )  # fmt: skip
    client = WorkedClient(connection)
    reads = [*DOTS, ("a", 1854.4), ("b", 1854.4)]
    found = (await measured(connection, case, body, client, lambda _: client.read_elements(reads, "{counts}")))[
        "device"
    ]
    assert found["dose_gy"] == pytest.approx(0.06 * 1.01 * 0.88)
    assert found["course"]["below_limit"] is True


async def test_chamber_with_polarity_and_two_voltages(connection):
    case = case_of("chamber")
    case.instrument("electrometer-2", "ptw-unidos-tango")
    case.detector("CH-1", "chamber")
    factors = {
        "n_dw": ranged(GIVEN["F_N"], "Gy/nC", 0.55), "k_elec": factor(GIVEN["F_kelec"], u=0.10),
        "k_q": k_q(GIVEN["F_kq398"]),
    }  # fmt: skip
    conditions = {"t0_c": 20.0, "p0_kpa": 101.325, "reading": "positive", "quality": "Co-60"}
    case.calibrations.append(
        calibration("CH-1", "6 MV", factors, uncertainty=[part("stability", 0.2)], conditions=conditions)
    )
    body = completed(
        "chamber", order="ORD-T-1", purpose="detector-calibration", protocol="trs398", fff="false", detector="CH-1",
        instrument="electrometer-2", attempt_rule="mean-of-valid", settle_s="300", pulse="pulsed", high_v="300",
        low_v="100", opposite_v="-300", environment_valid_min="120", beam_s="15", background_s="60", low_gy="0.5",
        high_gy="1",
    )  # fmt: skip
    client = client_f(connection)
    client.beam = {
        f"{step}-{n + 1}": sign * nc
        for step, ncs, sign in (("full", "F_M1", 1), ("opposite", "F_Mo", -1), ("lower", "F_M2", 1))
        for n, nc in enumerate(GIVEN[ncs])
    }
    client.wait_s = {"opposite-1": 300.0, "lower-1": 300.0}
    case.start = lambda connection: Case.start(
        case, connection, temperature_c=GIVEN["F_T"], pressure_kpa=GIVEN["F_P"], humidity_percent=44.0
    )
    found = (await measured(connection, case, body, client))["ref"]
    assert found["dose_gy"] == pytest.approx(GIVEN["F_D398"], rel=1e-9)


async def test_hdr(connection):
    case = case_of("hdr")
    reads = [*tlds(case, ("a", "b")), ("a", 3060.0), ("b", 3060.0)]
    body = completed(
        "hdr", element_a="a", element_b="b", volume="rectum", beam="Ir-192", strength_u="40820", half_life_d="73.83",
        certified_at="2026-01-18T12:00:00+01:00", planned_s="380", planned_strength_u="40000", dwell_limit="1",
        **{**TLD, **DOSE, "expected_gy": "2.42", "expected_u": "8", "tolerance": "20", "action": "30"},
    )  # fmt: skip
    client = WorkedClient(connection)

    def after(session: str) -> None:
        enter_console_time(connection, session, "MD-1", total_s=440.6, treated_at="2026-02-05T10:31:00+01:00")
        client.read_elements(reads)

    found = (await measured(connection, case, body, client, after))["V-1"]
    assert found["dose_gy"] == pytest.approx(2.0 * 3059.6 / 2550.0)


async def test_intraoperative(connection):
    case = case_of("iort")
    case.instrument("electrometer-1", "keithley-6517b")
    case.detector("MF-3", "mosfet", threshold_mv=6412.0)
    sensor = {
        "cf": factor(0.970, "cGy/mV", 2.5), "limit_mv": factor(20_000, "mV"), "delay_min": factor(2.0, "min"),
        "delay_tolerance_min": factor(0.5, "min"),
    }  # fmt: skip
    case.calibrations.append(calibration("MF-3", "9 MeV", sensor))
    body = completed(
        "iort", order="ORD-T-1", detector="MF-3", beam="9 MeV", cf_energy="1", cf_angle="0.99", site="tumour bed",
        **{**DOSE, "expected_gy": "3.05", "expected_u": "3", "tolerance": "10", "action": "15"},
    )  # fmt: skip
    client = WorkedClient(connection)
    client.threshold = {"before-1": GIVEN["B_v0"], "after-1": GIVEN["B_v1"]}
    client.wait_s = {"beam-1": 120.0, "after-1": 120.0}
    found = (await measured(connection, case, body, client))["M-1"]
    assert found["dose_gy"] == pytest.approx(GIVEN["B_m_D"])


async def test_batch_calibration(connection):
    case = case_of("batch")
    reads = [*tlds(case, ("a", "b")), ("a", 2560.0), ("b", 2540.0)]
    known = {**TLD, **DOSE, "expected_gy": "2.0", "expected_u": "1"}
    body = completed("batch-calibration", element_a="a", element_b="b", **known)
    client = WorkedClient(connection)
    found = (await measured(connection, case, body, client, lambda _: client.read_elements(reads)))["chips"]
    assert found["dose_gy"] == pytest.approx(2.0, rel=2e-4)
    assert found["decision"].startswith("PASS")


# --- what is not filled ---------------------------------------------------------------------------------------------


def test_there_are_nine_and_each_is_run_here():
    here = {n.removeprefix("test_").replace("_", "-") for n in globals() if n.startswith("test_")}
    assert [t.name for t in templates()] == sorted(
        [
            "batch-calibration",
            "chamber",
            "entrance",
            "entrance-exit",
            "hdr",
            "iort",
            "pacemaker",
            "skin-bolus",
            "tbi-tld",
        ]
    )
    assert {"entrance", "entrance-and-exit", "pacemaker", "hdr", "batch-calibration"} <= here


@pytest.mark.parametrize("name", [t.name for t in templates()])
def test_no_clinical_value_has_a_default(name):
    """All that is no text of the form stands as a place: the only number is the standards' u of 0, which is a rule."""
    of = template(name)
    numbers = [v for v in leaves(tomllib.loads(of.text)) if isinstance(v, float | int) and not isinstance(v, bool)]
    assert set(numbers) <= {0.0}
    assert of.says.endswith(".")
    with pytest.raises(FileProblem) as caught:
        read_plan(of.text.encode(), f"{name}.toml")
    (sentence,) = caught.value.sentences
    assert sentence.startswith(f"{name}.toml still asks for {len(of.places)} value(s): order (line ")


def leaves(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [each for inner in value.values() for each in leaves(inner)]
    if isinstance(value, list):
        return [each for inner in value for each in leaves(inner)]
    return [value]


def test_what_is_left_is_listed_with_its_lines():
    of = template("entrance")
    body = completed("entrance", order="ORD-T-1", detector="D-11", site="s", **DOSE, **CF)
    again = body.replace(b"mu = 92", b'mu = "FILL mu number: monitor units of the port"')
    with pytest.raises(FileProblem, match=r"still asks for 1 value\(s\): mu \(line \d+: monitor units of the port\)\."):
        read_plan(again, "plan.toml")
    assert len(of.places) == 48


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"colour": "red"}, "colour is no place of this template; it has order, "),
        ({"mu": "many"}, "mu takes a number, not 'many'"),
        ({"mu": "nan"}, "mu takes a number, not 'nan'"),
        ({"approved_on": "yesterday"}, "approved_on takes a date, not 'yesterday'"),
    ],
)
def test_a_value_that_does_not_fit_its_place_is_refused(words, sentence):
    with pytest.raises(Refused, match=sentence):
        of_words(template("entrance").text, words)


def test_a_value_cannot_write_more_than_itself():
    text = template("entrance").text
    hostile = 'x"\n[[point]]\nid = "y'
    made = filled(text, of_words(text, {"name": hostile}))
    assert tomllib.loads(made)["name"].startswith('x"')
    assert len(tomllib.loads(made)["point"]) == 1
