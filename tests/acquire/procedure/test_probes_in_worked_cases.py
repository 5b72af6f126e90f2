"""Worked case A on a 12-channel diode electrometer, whose channels tell that two diodes were exchanged; case B with
thresholds that a MOSFET reader gives, and nobody types."""

from __future__ import annotations

import pytest
from cases import case_b, diode, diode_point
from real_probes import Probe, ProbeClient
from worked import GIVEN, Case, closed_results, expected, limits, run

from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.console import enter_console_time

# port: (diode, channel, charge in nC, CF_SSD, CF_FS, expected cGy, dose cGy): scenarios.md A
PORTS = {
    "B1": ("D-11", "1", 15.67, 0.992, 1.004, 46.8, 47.33),
    "B2": ("D-14", "3", 16.95, 0.991, 1.005, 51.5, 50.14),
    "B7": ("D-12", "2", 16.32, 0.991, 1.004, 50.2, 50.78),
}
CALIBRATED = {"D-11": (3.097, 0.25), "D-12": (3.186, 0.22), "D-14": (3.041, 0.28)}


def case_a() -> Case:
    case = Case("A")
    case.instrument("electrometer-1", "diode-electrometer-12")
    for name, (n_cal, svwt) in CALIBRATED.items():
        diode(case, name, n_cal, svwt)
        case.detectors[-1]["channel"] = next(channel for of, channel, *_ in PORTS.values() if of == name)
    for port, (name, _, _, cf_ssd, cf_fs, dose, _) in PORTS.items():
        held = {"expected": expected(dose, 1.7), "limits": limits(7, 10)}
        diode_point(case, port, name, (cf_ssd, cf_fs, 1.0), 30.5, **held)
    return case


def beams(swapped: bool) -> dict[str, dict[int, float]]:
    """What each channel collects: the port's own, and the other two a little of it."""
    found = {"b1": {1: 15.67, 2: 1.1, 3: 1.4}, "b2": {1: 0.9, 2: 2.31, 3: 16.95}, "b7": {1: 0.8, 2: 16.32, 3: 2.05}}
    if swapped:  # D-12 lies at B2 and D-14 at B7
        found["b2"], found["b7"] = {1: 0.9, 2: 16.95, 3: 2.31}, {1: 0.8, 2: 2.05, 3: 16.32}
    return found


async def measured(connection, swapped):
    case, probe = case_a(), Probe("diode-electrometer-12")
    case.add(connection)
    session = case.start(connection)
    async with probe:
        await run(connection, ProbeClient(connection, probe, beams(swapped)), session)
    return closed_results(connection, session)


async def test_a_each_diode_on_its_own_channel_gives_its_dose(connection):
    results = await measured(connection, swapped=False)
    for port, (*_, dose) in PORTS.items():
        assert 100 * results[port]["dose_gy"] == pytest.approx(dose, abs=0.006), results[port]
    assert verify_store(connection) == []


async def test_a_two_diodes_exchanged_are_noticed_from_the_channels_of_one_instrument(connection):
    results = await measured(connection, swapped=True)
    assert "dose_gy" in results["B1"]
    for port, own, other in (("B2", "D-14", "D-12"), ("B7", "D-12", "D-14")):
        assert results[port]["decision"] == "INVALID"
        assert "dose_gy" not in results[port]
        (why,) = results[port]["why"]
        assert why.startswith(f"During this port {other} collected 16.")
        assert f"its own {own}" in why
        assert why.endswith("the detector of the point is in doubt; confirm the serials on the patient.")
    assert verify_store(connection) == []


async def test_a_neighbour_without_a_number_leaves_it_open_whose_signal_was_the_largest(connection):
    case, probe = case_a(), Probe("diode-electrometer-12")
    case.add(connection)
    session = case.start(connection)
    async with probe:
        over = {**beams(False), "b2": {1: 0.9, 2: 80.0, 3: 16.95}}
        await run(connection, ProbeClient(connection, probe, over), session)
    results = closed_results(connection, session)
    assert "dose_gy" in results["B7"]
    (why,) = results["B2"]["why"]
    assert why == (
        "Whether D-12 collected more than D-14 is not known: The instrument flagged overload during the measurement: no"
        " value."
    )


@pytest.mark.parametrize(("wait_s", "why"), [(120.0, None), (30.0, "busy")])
async def test_b_the_thresholds_before_and_after_are_readings_of_the_instrument(connection, wait_s, why):
    case, reads = case_b()
    case.instruments[0] |= {"model": "mosfet-reader-5"}
    next(each for each in case.detectors if each["id"] == "MF-3")["channel"] = "3"
    case.add(connection)
    probe = Probe("mosfet-reader-5", drift_wait_s=100)
    rise_nc = (GIVEN["B_v1"] - GIVEN["B_v0"]) / 10  # 10 mV/nC of the simulated sensors
    client = ProbeClient(connection, probe, {"dwell": {3: rise_nc}})
    client.wait_s = {"dwell": 120.0, "threshold-after": wait_s}
    session = case.start(connection)
    async with probe:
        await run(connection, client, session)
    at = "2026-02-05T10:31:00+01:00"
    enter_console_time(connection, session, "MD-1", total_s=GIVEN["B_tcons"], treated_at=at)
    client.read_elements(reads)
    output = closed_results(connection, session)["bladder"]
    if why is None:
        assert 100 * output["dose_gy"] == pytest.approx(GIVEN["B_mdose"], rel=1e-9)
        assert output["channel"] == "3"
    else:
        assert output["decision"] == "INVALID"
        assert f"The instrument flagged {why} at the threshold reading after" in " ".join(output["why"])
    assert verify_store(connection) == []
