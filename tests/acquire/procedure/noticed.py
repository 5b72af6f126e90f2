"""A course of one diode port, and one of a pair of chips with a due time: what tests of notices measure with."""

from __future__ import annotations

from typing import Any

from cases import diode, diode_point, standards
from worked import GIVEN, READER, Case, WorkedClient, expected, factor, limits, part, run

from acquire.procedure.results.result import calculate_session
from acquire.procedure.session.closing import close_session

WITHIN, OUT, BEYOND = 39.8, 37.12, 30.0  # nC: −1.3 %, −7.9 % and −25 % of 121.5 cGy; limits 7 and 10 %


def diode_case(name: str = "N", course: int = 1, purpose: str = "patient") -> Case:
    case = Case(name)
    case.plan |= {"course": course, "purpose": purpose}
    case.instrument("electrometer-1", "keithley-6517b")
    diode(case, "D-14", 3.041, 0.28)
    asked = {"expected": expected(GIVEN["C_c2_exp"], 2.0), "limits": limits(7, 10)}
    diode_point(case, "C2", "D-14", (0.995, 1.003, 1.018), 31.0, **asked)
    return case


def chip_case(due: dict[str, Any], name: str = "E") -> tuple[Case, list[tuple[str, float]]]:
    """One pair of chips whose result is needed before a fraction."""
    case = Case(name)
    case.instrument(READER, "winrems")
    names, reads = standards(case, GIVEN["D_std"], "tld")
    control = case.element("C-1", 1.0, "tld")
    case.batches = [
        {
            "reader": READER, "standards": names, "controls": [control], "standard_dose": factor(200.0, "cGy"),
            "rcf_u_percent": 1.5, "coefficient_range": [11.0, 15.0],
        }
    ]  # fmt: skip
    pair = [case.element(f"P-{x}", 1.0, "tld") for x in "ab"]
    case.point(
        "P", "tld", "10 MV", elements=pair, pair_limit_percent=5.0, result_due=due,
        factors={"k_f": factor(1.0, u=0.5), "k_l": factor(1.0, u=0.5), "k_q": factor(1.0)},
        uncertainty=[part("reading", 1.5, per="element")], plausible={"low_gy": 0.5, "high_gy": 4.0},
    )  # fmt: skip
    case.place_and_read(["P"])
    return case, [*reads, (control, GIVEN["D_bg"]), *((each, 2650.0) for each in pair)]


async def measured(connection: Any, case: Case, nc: float, fraction: int = 1, overloaded: bool = False) -> str:
    """A fraction of the diode's port, closed; the plan is in the store."""
    client = WorkedClient(connection)
    client.beam, client.overloaded = {"c2": nc}, {"c2"} if overloaded else set()
    session = case.start(connection, fraction)
    await run(connection, client, session)
    close_session(connection, session, "MD-1")
    return session


async def calculated(connection: Any, case: Case, nc: float, fraction: int = 1, overloaded: bool = False) -> str:
    session = await measured(connection, case, nc, fraction, overloaded)
    calculate_session(connection, session, "MP-1")
    return session
