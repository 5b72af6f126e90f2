"""Beams of any shape in the worked case of the prostate: each port's diode, one after the other on one electrometer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cases import diode, diode_point
from worked import Case, WorkedClient, expected, limits

Shape = Sequence[tuple[float, float]]  # (seconds, nC) of each stretch; 0 nC: the beam is off

# port: diode, charge in nC, CF_SSD, CF_FS, expected cGy, dose cGy, MU, gantry: scenarios.md A
PORTS: Mapping[str, tuple[str, float, float, float, float, float, float, float]] = {
    "B1": ("D-11", 15.67, 0.992, 1.004, 46.8, 47.33, 92.0, 0.0),
    "B2": ("D-14", 16.95, 0.991, 1.005, 51.5, 50.14, 104.0, 51.0),
    "B7": ("D-12", 16.32, 0.991, 1.004, 50.2, 50.78, 99.0, 309.0),
}
CALIBRATED = {"D-11": (3.097, 0.25), "D-12": (3.186, 0.22), "D-14": (3.041, 0.28)}
POLLED_S = 0.25


def case_a(*ports: str, rate: float | None = None, **more: Any) -> Case:
    """`rate`: the machine's dose rate in MU/min, where the plan states it."""
    case = Case("A")
    case.plan |= {"dose_rate_mu_per_min": rate, **more}
    case.instrument("electrometer-1", "keithley-6517b")
    for name in ports or PORTS:
        of, _, cf_ssd, cf_fs, cgy, _, mu, gantry = PORTS[name]
        diode(case, of, *CALIBRATED[of])
        held = {"expected": expected(cgy, 1.7), "limits": limits(7, 10)}
        diode_point(case, name, of, (cf_ssd, cf_fs, 1.0), 30.5, **held)
        case.steps[-1] |= {"mu": mu, "gantry_deg": gantry}
    return case


def charges(*ports: str) -> dict[str, Shape]:
    """Each port's beam as it should come: ten seconds, its own charge."""
    return {name.lower(): [(10.0, PORTS[name][1])] for name in ports or PORTS}


class ShapedClient(WorkedClient):
    """Beams of any shape, by step; the beam is off for a second before and after. Polled four times a second."""

    def __init__(self, connection: Any, shapes: Mapping[str, Shape]) -> None:
        super().__init__(connection)
        self.shapes = dict(shapes)
        self.background_s = 30.0

    async def during(self, step: Any) -> None:
        if step.kind == "background":
            self.given(step.instrument, [(self.background_s, 0.0)])
        for instrument in [step.instrument] if step.id in self.shapes else []:
            self.given(instrument, [(1.0, 0.0), *self.shapes[step.id], (1.0, 0.0)])

    def given(self, instrument: str, shape: Shape) -> None:
        of = self.of(instrument)
        readings = [self.charge(instrument, of.charge_nc, [])]
        for seconds, nc in shape:
            polls = round(seconds / POLLED_S)
            for _ in range(polls):
                of.charge_nc += nc / polls
                of.clock_s += POLLED_S
                self.ahead_s += POLLED_S
                readings.append(self.charge(instrument, of.charge_nc, []))
        self.put(instrument, readings)


def drawn_nc(record: dict[str, Any], point: str) -> float:
    """What the charge that a record draws for a point rises by between its markers, in nC."""
    (evidence,) = (each["evidence"] for each in record["points"] if each["id"] == point)
    (curve,) = (each for each in evidence["curves"] if each["kind"] == "charge")
    begin, end = curve["interval"]
    pairs = zip(curve["x"]["values"], curve["y"]["values"], strict=True)
    inside = [value for at, value in pairs if begin <= at <= end and value is not None]
    return max(inside) - min(inside)
