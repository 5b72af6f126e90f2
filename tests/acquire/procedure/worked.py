"""Worked cases B to F through the session engine: files written from tables, entries put into the store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from scenario_a import DEMO, StoreClient

from acquire.errors import Refused
from acquire.people import has_accounts
from acquire.procedure.documents.calibrations import read_calibrations
from acquire.procedure.documents.inventory import read_inventory
from acquire.procedure.documents.order import add_order
from acquire.procedure.readouts.placed import placements
from acquire.procedure.results.result import calculate_session
from acquire.procedure.session.ambient_conditions import set_environment
from acquire.procedure.session.closing import close_session
from acquire.procedure.session.placement import place, remove
from acquire.procedure.session.planning import add_plan, confirm_expected, unconfirmed
from acquire.procedure.session.presence import beam_given, beam_is_asked
from acquire.procedure.session.session import get_session, start_session, time_out
from acquire.procedure.session.steps import run_step
from acquire.procedure.stock.file_coefficients import confirm, enter

GIVEN: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "dosimetry" / "scenarios.json").read_text(encoding="utf-8")
)
READER = "reader-1"


def toml(data: Mapping[str, Any]) -> bytes:
    """A TOML document: every top-level key on a line, everything below inline. None is left out."""
    return "".join(f"{key} = {_inline(value)}\n" for key, value in data.items() if value is not None).encode()


def _inline(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value.startswith("date:"):
        return value[5:]
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{json.dumps(k)} = {_inline(v)}" for k, v in value.items() if v is not None)
        return f"{{ {inner} }}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(_inline(v) for v in value) + "]"
    return repr(value)


def factor(value: float, unit: str = "1", u: float = 0.0, shared: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "value": float(value), "unit": unit, "u_percent": float(u), "source": "worked case", "shared": shared, **more
    }  # fmt: skip


def ranged(value: float, unit: str, u: float = 0.0, shared: str | None = None) -> dict[str, Any]:
    """A coefficient for which the site states the range that it believes."""
    return factor(value, unit, u, shared, range=[0.75 * float(value), 1.3 * float(value)])


def k_q(value: float, formalism: str = "trs398", **quality: float) -> dict[str, Any]:
    """The chamber's k_Q in case F, by default for its TPR20,10 = 0.668 and %dd(10)x = 66.4."""
    at = quality or ({"tpr20_10": GIVEN["F_TPR"]} if formalism == "trs398" else {"pdd10x": GIVEN["F_PDD"]})
    return factor(value, u=0.60, formalism=formalism, chamber="PTW 30013", **at)


def part(name: str, u: float, per: str | None = None, shared: str | None = None) -> dict[str, Any]:
    return {"name": name, "u_percent": float(u), "source": "worked case", "per": per, "shared": shared}


def expected(cgy: float, u: float) -> dict[str, Any]:
    return {
        "dose_gy": cgy / 100, "u_percent": u, "source": "plan", "entered_by": "MP-1", "checked_by": "MP-2",
    }  # fmt: skip


def limits(tolerance: float, action: float) -> dict[str, Any]:
    return {
        "tolerance_percent": float(tolerance), "action_percent": float(action), "rule": "guard-band", "source": "site",
    }  # fmt: skip


def calibration(of: str, beam: str, factors: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": f"CAL-{of}", "of": of, "beam": beam, "certificate": f"certificate of {of}",
        "valid_from": "date:2020-01-01", "valid_until": "date:2099-12-31", "approved_by": "MP-2", "factors": factors,
        **more,
    }  # fmt: skip


class Case:
    """One worked case: what is owned, calibrated and planned, and how it is measured."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.altitude_m: float | None = 110.0  # standard atmosphere 100.0 kPa
        self.valid_for: dict[str, Any] = {"zero_valid_min": 240, "leakage_valid_min": 240}
        self.instruments: list[dict[str, Any]] = []
        self.detectors: list[dict[str, Any]] = []
        self.elements: list[dict[str, Any]] = []
        self.calibrations: list[dict[str, Any]] = []
        self.eccs: dict[str, float] = {}
        self.ecc: dict[str, Any] = {"u_percent": 1.0, "range": [0.8, 1.2]}
        self.plan: dict[str, Any] = {"purpose": "patient", "place_of_service": "22"}
        self.points: list[dict[str, Any]] = []
        self.batches: list[dict[str, Any]] = []
        self.steps: list[dict[str, Any]] = []

    def instrument(self, name: str, model: str, **more: Any) -> None:
        self.instruments.append({"id": name, "model": model, "serial": name, **more})

    def detector(self, name: str, kind: str, **more: Any) -> None:
        self.detectors.append(
            {
                "id": name,
                "kind": kind,
                "model": "30013" if kind == "chamber" else "m",
                "serial": name,
                "build_up": "cap",
                **more,
            }
        )

    def element(self, name: str, ecc: float, kind: str) -> str:
        self.elements.append({"id": name, "kind": kind, "material": "m", "reader": READER, "read_as": name})
        self.eccs[name] = float(ecc)
        return name

    def point(self, name: str, method: str, beam: str, **more: Any) -> None:
        self.points.append({"id": name, "site": name, "side": "front", "beam": beam, "method": method, **more})

    def step(self, name: str, kind: str, instrument: str | None = None, **more: Any) -> None:
        self.steps.append({"id": name, "kind": kind, "title": name, "instrument": instrument, **more})

    def place_and_read(self, points: Sequence[str]) -> None:
        self.step("place", "place", points=points)
        self.step("remove", "remove", points=points)
        self.step("read", "read-out", READER, points=points)

    @property
    def inventory(self) -> tuple[str, bytes]:
        owned = {"instrument": self.instruments, "detector": self.detectors, "element": self.elements}
        return "inventory.toml", toml(
            {"schema": "inventory/1", "altitude_m": self.altitude_m, **self.valid_for, **owned}
        )

    @property
    def calibration_file(self) -> tuple[str, bytes]:
        batch = {
            "id": "ECC", "reader": READER, "certificate": "ECC of the batch", "valid_from": "date:2020-01-01",
            "valid_until": "date:2099-12-31", "ecc": self.eccs, **self.ecc,
        }  # fmt: skip
        elements = [batch] if self.eccs else []
        return "calibrations.toml", toml(
            {"schema": "calibrations/1", "calibration": self.calibrations, "elements": elements}
        )

    @property
    def plan_file(self) -> tuple[str, bytes]:
        return "plan.toml", toml(
            {
                "schema": "plan/1", "order": f"ORD-{self.name}-1", "name": self.name, "version": 1,
                "approved_by": "MP-1", "approved_on": "date:2020-01-02", "machine": "LA-1", "fraction": 1,
                "technique": "t", "prescription": "50 Gy in 25 fractions", "target": "t",
                "environment_valid_min": 120, **self.plan,
                "point": self.points, "batch": self.batches, "step": self.steps,
            }
        )  # fmt: skip

    def add(self, connection: Any) -> None:
        order = (DEMO / "order-A-1.json").read_bytes().replace(b"ORD-A-1", f"ORD-{self.name}-1".encode())
        add_order(connection, order, "order.json", "MD-1")
        self.add_plan(connection)

    def add_plan(self, connection: Any) -> None:
        owned = read_inventory(self.inventory[1], "inventory.toml")
        factors = read_calibrations(self.calibration_file[1], "calibrations.toml")
        if not has_accounts(connection):
            add_plan(connection, self.plan_file[1], self.plan_file[0], "MP-1", owned, factors)
            return
        with suppress(Refused):  # nothing is new
            for each, _ in enter(connection, "MD-1", owned, factors, "of the case", 1000.0):
                confirm(connection, each, "MP-2")
        plan = add_plan(connection, self.plan_file[1], self.plan_file[0], "MP-1", owned, factors)
        for name in unconfirmed(connection, plan.order, plan.version):
            confirm_expected(connection, plan.order, plan.version, name, "MP-2")

    def start(self, connection: Any, fraction: int | None = None, **ambient: float) -> str:
        session = start_session(
            connection, f"ORD-{self.name}-1", "MD-1", calibrations=self.calibration_file, inventory=self.inventory,
            fraction=fraction,
        ).id  # fmt: skip
        time_out(connection, session, "MD-1", "RT-1", identifiers_agree=True)
        ambient = ambient or {"temperature_c": 22.0, "pressure_kpa": 100.0}
        set_environment(connection, session, "MD-1", source="room sensors", **ambient)
        return session


class WorkedClient(StoreClient):
    """Beams in nC and thresholds in mV by step.

    Before a step begins `wait_s` passes on the host's clocks, and its calendar clock is set forward by `step_s`.
    """

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self.threshold: dict[str, float] = {}
        self.wait_s: dict[str, float] = {}
        self.step_s: dict[str, float] = {}
        self.overloaded: set[str] = set()

    def flags(self, step_id: str) -> list[str]:
        return ["overload"] if step_id in self.overloaded else []

    async def command(self, instrument: str, name: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if name == "begin":
            step = str(parameters["step"])
            self.ahead_s += self.wait_s.get(step, 0.0) + self.step_s.get(step, 0.0)
            self.stepped_s += self.step_s.get(step, 0.0)
        return await super().command(instrument, name, parameters)

    async def during(self, step: Any) -> None:
        if step.kind == "threshold":
            self.put(step.instrument, [self.voltage(self.threshold[step.id]) for _ in range(3)])
        elif step.id in self.beam or step.kind == "background":
            await super().during(step)

    def voltage(self, mv: float) -> dict[str, Any]:
        return {
            "kind": "scalar", "quantity": "voltage", "unit": "V", "value": mv / 1000, "time": self.now(),
            "monotonic_s": 1.0, "elapsed_s": 1.0, "raw": f"{mv / 1000:.6E}",
        }  # fmt: skip

    def read_elements(
        self, values: Sequence[tuple[str, float]], unit: str = "nC", file: str = "tray", reader: str = READER,
        clock: datetime | None = None,
    ) -> None:  # fmt: skip
        """(element, value) in the order they are read; an element may come several times. The clock shows UTC."""
        shown = datetime.fromisoformat(self.now()) if clock is None else clock
        origin = {"file": file, "sha256": hashlib.sha256(file.encode()).hexdigest()}
        entries = [
            {
                "kind": "scalar", "quantity": "charge" if unit == "nC" else "counts", "unit": unit, "value": value,
                "time": self.now(), "monotonic_s": 1.0, "clock": f"{shown:%Y-%m-%dT%H:%M:%S}", "element": element,
                "origin": origin, "raw": f"{element} {value}",
            }
            for element, value in values
        ]  # fmt: skip
        self.put(reader, entries)

    def read_records(self, element: str, value: float | None, said: Mapping[str, Any], file: str = "sequence") -> None:
        """One record of an element, with what its reader says of it (attributes, channel, flags); charge in nC."""
        origin = {"file": file, "sha256": hashlib.sha256(file.encode()).hexdigest()}
        entry = {
            "kind": "scalar", "quantity": "charge", "unit": "nC", "time": self.now(), "monotonic_s": 1.0,
            "element": element, "origin": origin, "raw": f"{element} {value}", **said,
        }  # fmt: skip
        self.put(READER, [entry if value is None else {**entry, "value": value}])


def state_unmeasured_beam(connection: Any, session: Any) -> None:
    """The beam was given, where no instrument says so, while everything still lies there."""
    asked = [p for p in placements(connection, session.id) if p.removed_at is None]
    for point in dict.fromkeys(p.point for p in asked if beam_is_asked(connection, session, p)):
        beam_given(connection, session, "RT-1", [point])


async def run(connection: Any, client: WorkedClient, session_id: str, *, skip: Sequence[str] = ()) -> None:
    """Every step that has markers, and every element placed and removed."""
    session = get_session(connection, session_id)
    for step in session.plan.step:
        for point in step.points:
            for element in session.plan.point_named(point).elements:
                now = get_session(connection, session_id)
                if step.kind == "place":
                    place(connection, now, point, element, "MD-1")
                elif step.kind == "remove":
                    state_unmeasured_beam(connection, now)
                    remove(connection, now, element, "MD-1")
        if step.has_markers and step.id not in skip:
            await run_step(connection, client, session_id, step.id, "MD-1", client.during)


def closed_results(connection: Any, session_id: str, over: str | None = None) -> dict[str, dict[str, Any]]:
    """Close and calculate; outputs by point."""
    close_session(connection, session_id, "MD-1", over=over)
    return {r.point: r.output.plain() for r in calculate_session(connection, session_id, "MP-1")}
