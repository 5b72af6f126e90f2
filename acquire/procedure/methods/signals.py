"""What a reader measured of an element, out of the bytes of its readings: a charge in nC, or counts; or a refusal."""

from __future__ import annotations

from collections.abc import Sequence

from acquire.procedure.methods.collected_charge import Body, Invalid, in_nc
from acquire.procedure.records.factors import FactorRecord
from acquire.procedure.records.measured import ElementSignalRead
from acquire.procedure.records.record import Number


def signals(name: str, bodies: Sequence[Body], ecc: FactorRecord | None = None) -> ElementSignalRead:
    """The readings of one element in one unit; `value` is the first, `readings` all of them where there are several.

    ecc: its correction, which is kept beside them. Raises Invalid.
    """
    found = [_signal(name, body) for body in bodies]
    if len({unit for _, unit in found}) != 1:
        raise Invalid(f"The readings of {name} are in different units.")
    value, unit = found[0]
    several = tuple(each for each, _ in found) if len(found) > 1 else None
    return ElementSignalRead(element=name, value=value, unit=unit, readings=several, ecc=ecc)


def _signal(name: str, body: Body) -> tuple[Number, str]:
    """What the reader measured: charge in nC, or counts; refused where its file states corrections of its own."""
    if body.get("value") is None:
        flags = ", ".join(body.get("flags") or ()) or "no value"
        raise Invalid(f"The reading of {name} carries no number: {flags}.")
    applied = {k: v.get("value") for k, v in (body.get("also") or {}).items() if k in ("file-ecc", "file-rcf")}
    if any(v not in (None, 0.0, 1.0) for v in applied.values()):
        said = ", ".join(f"{k} {v}" for k, v in applied.items())
        raise Invalid(f"The reader's file states corrections of its own for {name} ({said}); they would count twice.")
    if body["quantity"] == "counts":
        return body["value"], "{counts}"
    return in_nc(body["value"], body["unit"]), "nC"
