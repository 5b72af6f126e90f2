"""What each command does to the record, as an act of acquire.duties: the door asks it before the command runs.

A command that stands nowhere here does not start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from acquire.duties import Act


@dataclass(frozen=True, slots=True)
class When:
    """The act of a command that writes only with one of its options (or only without it), and else reads."""

    option: str
    act: Act
    given: bool = True


READS = frozenset({
    "run", "check", "demo", "drivers", "discover", "read", "simulate", "capture", "replay", "verify", "import", "fit",
    "convert", "tail", "bus contract", "doctor", "whoami", "user list", "order list", "order show", "order messages",
    "order looks", "plan check", "plan list", "plan templates", "plan new", "session list",
    "session status", "session parts", "elements list", "elements show", "elements export", "calibration list",
    "calibration show", "calibration stated", "calibration touched", "store verify", "store anchor", "store stats",
    "store export", "spool status", "session versions", "notices list", "hold list",
    "billing show", "billing table list",
})  # fmt: skip
"""Writes no row that people make."""

OF_THE_HOST = frozenset({
    "broker config", "store create", "store migrate", "store backup", "spool resend", "spool pair", "spool restore",
    "spool salvage", "spool give-up", "patients key", "patients rotate", "patients verify",
})  # fmt: skip
"""For whoever owns the files of this machine; nothing of it is written in a person's name."""

BY_PASSWORD = frozenset({"login", "logout", "user add", "user password"})
"""Asks by itself who it is."""

ACTS: Mapping[str, Act | When] = {
    "command": When("listing", Act.OPERATE, given=False),
    "order add": Act.BRING_ORDER,
    "order change": Act.BRING_ORDER,
    "order cancel": Act.BRING_ORDER,
    "patients show": Act.LOOK_UP,
    "patients original": Act.LOOK_UP,
    "patients correct": Act.BRING_ORDER,
    "plan add": Act.PLAN,
    "plan from-dicom": Act.PLAN,
    "plan confirm": Act.CONFIRM_EXPECTED,
    "plan still-holds": Act.PLAN,
    "session start": Act.MEASURE,
    "session time-out": Act.MEASURE,
    "session environment": Act.MEASURE,
    "session step": Act.MEASURE,
    "session place": Act.MEASURE,
    "session remove": Act.MEASURE,
    "session close": Act.MEASURE,
    "session beam-given": Act.MEASURE,
    "session imaging": Act.MEASURE,
    "session pre-irradiated": Act.MEASURE,
    "session console-time": Act.MEASURE,
    "session spectrum": Act.MEASURE,
    "session was-there": Act.STATE,
    "session was-removed": Act.STATE,
    "session was-read-as": Act.STATE,
    "session read-anew": Act.STATE,
    "session exclude": Act.STATE,
    "session correct": Act.STATE,
    "session bind": Act.STATE,
    "session read-at": Act.STATE,
    "session reader-run": Act.STATE,
    "session assign-parts": Act.STATE,
    "session no-beam": Act.STATE,
    "session as-planned": Act.STATE,
    "session beam-order": Act.STATE,
    "session clock": Act.MEASURE,
    "session take-over": Act.MEASURE,
    "session changed": Act.MEASURE,
    "downtime form": Act.MEASURE,
    "downtime enter": Act.MEASURE,
    "downtime check": Act.CONFIRM,
    "downtime total": Act.MEASURE,
    "downtime set-aside": Act.STATE,
    "session review": Act.REVIEW,
    "session interpret": Act.INTERPRET,
    "session decide": Act.INTERPRET,
    "session sign": Act.SIGN,
    "session amend": Act.AMEND,
    "order cover": Act.COVER,
    "report": When("to", Act.GIVE),
    "results": When("calculate", Act.CALCULATE),
    "elements batch": Act.KEEP_ELEMENTS,
    "elements add": Act.KEEP_ELEMENTS,
    "elements import": Act.KEEP_ELEMENTS,
    "elements event": Act.KEEP_ELEMENTS,
    "calibration begin": Act.KEEP_ELEMENTS,
    "calibration add": Act.KEEP_ELEMENTS,
    "calibration compute": Act.KEEP_ELEMENTS,
    "calibration enter": Act.KEEP_ELEMENTS,
    "calibration ended": Act.KEEP_ELEMENTS,
    "calibration confirm": Act.CONFIRM_COEFFICIENT,
    "calibration reject": Act.CONFIRM_COEFFICIENT,
    "notices acknowledge": Act.ACKNOWLEDGE,
    "hold lift": Act.LIFT_HOLD,
    "billing table add": Act.KEEP_TABLES,
    "billing table withdraw": Act.KEEP_TABLES,
    "store restore": Act.KEEP_STORE,
    "store declare-ended": Act.KEEP_STORE,
    "user role": Act.KEEP_PEOPLE,
    "user lock": Act.KEEP_PEOPLE,
    "user unlock": Act.KEEP_PEOPLE,
    "user link": Act.KEEP_PEOPLE,
    "user unlink": Act.KEEP_PEOPLE,
    "user hours": When("hours", Act.KEEP_PEOPLE),
}


def act_of(command: str) -> Act | When | None:
    """The act of a command; None where it is nobody's. Raises LookupError for one that stands nowhere."""
    if command in ACTS:
        return ACTS[command]
    if command in READS | OF_THE_HOST | BY_PASSWORD:
        return None
    raise LookupError(f"the command '{command}' stands nowhere in acquire/cli/acts.py: what does it do to the record?")
