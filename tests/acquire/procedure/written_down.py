"""Case D's diode at the navel, whose fraction 2 was read from a display while the computer was down."""

from __future__ import annotations

from typing import Any

from cases import CF
from worked import Case, calibration, expected, factor, limits, part, ranged

from acquire.canonical import utc_now
from acquire.procedure.session.downtime import enter, keep_form
from acquire.procedure.session.session import Session, asked_for, get_session
from acquire.procedure.session.steps import not_measured
from acquire.record.downtime_form import form_page

SCAN = ("form-1.png", b"\x89PNG\r\n\x1a\n and the picture")
WRITTEN = "36.02 nC"


def navel(name: str = "D") -> Case:
    """Diode D-21, 10 MV: 36.02 nC are 112.2 cGy, +0.2 % of 112.0 cGy."""
    case = Case(name)
    case.instrument("electrometer-1", "keithley-6517b")
    case.detector("D-21", "diode")
    factors = {
        "n_cal": ranged(3.055, "cGy/nC", 1.08), "svwt": factor(0.20, "%/Cel"), "t_cal": factor(21.5, "Cel"),
    }  # fmt: skip
    case.calibrations.append(calibration("D-21", "10 MV", factors, conditions={"reading": "positive"}))
    cfs = {"cf_ssd": 1.035, "cf_fs": 1.006, "cf_wedge": 1.0}
    case.point(
        "navel", "diode", "10 MV", detector="D-21", instrument="electrometer-1", detector_c=32.0, port="right",
        factors={k: factor(v, u=CF[k]) for k, v in cfs.items()},
        uncertainty=[part("reading", 0.5), part("temperature", 0.4), part("position", 1.85)],
        expected=expected(112.0, 2.0), limits=limits(10, 15),
    )  # fmt: skip
    case.step("zero", "zero", "electrometer-1")
    case.step("background", "background", "electrometer-1", point="navel", duration_s=30.0)
    case.step("beam", "irradiate", "electrometer-1", point="navel", duration_s=20.0)
    return case


def printed(connection: Any, case: Case, fraction: int = 1) -> int:
    """A form that was printed beforehand; its number."""
    order = f"ORD-{case.name}-1"
    asked = asked_for(connection, order, case.calibration_file, case.inventory, fraction)
    return keep_form(connection, asked, "MP-1", lambda n: form_page(asked, n, utc_now(), "MP-1")).n


def entered(connection: Any, session: Session | str, charge: str = WRITTEN, who: str = "MD-2", **other: Any) -> None:
    """As it was entered from the form that MD-2 had filled."""
    session = get_session(connection, session) if isinstance(session, str) else session
    said = {
        "form": 1, "read_at": "2026-02-15T15:00:00+01:00", "written_by": "MD-2", "scan": SCAN,
        "reason": "computer down",
    } | other  # fmt: skip
    enter(connection, session, "navel", charge, who, **said)


def left_out(connection: Any, session: str) -> None:
    for step in ("zero", "background"):
        not_measured(connection, session, step, "MD-2", "computer down")
