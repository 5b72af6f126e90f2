"""Whether two points of a session look exchanged: their detectors, or the order of their beams. Pure.

The rule is the project's own (assumed). Two points are held where they disagree with each other by more than U (k = 2,
without what they share), and an exchange explains more than half of that and brings both within their tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

from msgspec.structs import replace

from acquire.dosimetry import Dose, DosimetryError
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.records.factors import ExpectedRecord, FactorRecord
from acquire.procedure.records.inputs import Inputs
from acquire.procedure.records.measured import Charges
from acquire.procedure.records.needs import FactorNeeds

OF_DIODE = ("n_cal", "svwt", "t_cal")  # what follows the diode and not the place
LOOK = "look exchanged"
DoseOf = Callable[[Inputs], Dose]


def must_not_look_exchanged(inputs: Inputs, dose: Dose, dose_of: DoseOf) -> None:
    """Raises Invalid where the point and one beside it fit each other's expected value and not their own."""
    for other in inputs.beside or ():
        if said := _exchanged(inputs, dose, other, dose_of):
            raise Invalid(said)


def _exchanged(inputs: Inputs, dose: Dose, other: Inputs, dose_of: DoseOf) -> str | None:
    if other.invalid or None in (_expected(inputs), _expected(other), _limits(inputs), _limits(other)):
        return None
    try:
        beside = dose_of(other)
        planned = (_log(inputs, dose.value_gy), _log(other, beside.value_gy))
        allowed = 2 * _independent(inputs, dose, other, beside)
        gap = abs(planned[0] - planned[1])
        if gap <= allowed:
            return None
        for words, found, way_out in _hypotheses(inputs, other, planned, dose_of):
            left = abs(found[0] - found[1])
            if left <= min(allowed, gap / 2) and all(
                abs(value) <= (_limits(each) or 0.0) / 100 for value, each in zip(found, (inputs, other), strict=True)
            ):
                return _said(inputs.point, other.point, planned, words, found, way_out)
    except (DosimetryError, Invalid, ArithmeticError, ValueError):
        return None  # the other point says by itself why it has no dose
    return None


Pair = tuple[float, float]


def _hypotheses(inputs: Inputs, other: Inputs, planned: Pair, dose_of: DoseOf) -> Iterator[tuple[str, Pair, str]]:
    """Each exchange in words, the logarithms of dose over expected dose under it, and the command that states it."""
    if inputs.method != other.method:
        return
    m = tuple(abs(each.measured.charge.nc) for each in (inputs, other) if isinstance(each.measured, Charges))
    should = tuple(nc / math.exp(log) for nc, log in zip(m, planned, strict=True))
    yield (
        "with the charge of each other's beam", (math.log(m[0] / should[1]), math.log(m[1] / should[0])),
        "acquire session beam-order",
    )  # fmt: skip
    if {name for each in (inputs, other) for name in OF_DIODE if name not in _factors(each)} == set():
        swapped = (
            _log(inputs, dose_of(_with_diode_of(inputs, other)).value_gy),
            _log(other, dose_of(_with_diode_of(other, inputs)).value_gy),
        )
        yield "with each other's diode", swapped, "acquire session bind"


def _with_diode_of(inputs: Inputs, other: Inputs) -> Inputs:
    factors = {**_factors(inputs), **{name: _factors(other)[name] for name in OF_DIODE}}
    if not isinstance(inputs.needs, FactorNeeds):
        return inputs
    return replace(inputs, needs=replace(inputs.needs, factors=factors))


def _factors(inputs: Inputs) -> Mapping[str, FactorRecord]:
    return inputs.needs.factors if isinstance(inputs.needs, FactorNeeds) else {}


def _expected(inputs: Inputs) -> ExpectedRecord | None:
    return inputs.needs.expected if inputs.needs is not None else None


def _limits(inputs: Inputs) -> float | None:
    """The tolerance in percent."""
    return inputs.needs.limits.tolerance_percent if inputs.needs is not None and inputs.needs.limits else None


def _log(inputs: Inputs, gy: float) -> float:
    expected = _expected(inputs)
    return math.log(gy / (expected.dose_gy if expected else math.nan))


def _independent(one: Inputs, dose: Dose, other: Inputs, beside: Dose) -> float:
    """Standard uncertainty (k = 1, relative) of what two points disagree by, without what they share."""
    shared = {r.shared_key for r in dose.budget.rows} & {r.shared_key for r in beside.budget.rows} - {None}
    parts = [r.part_percent for d in (dose, beside) for r in d.budget.rows if r.shared_key not in shared]
    return math.hypot(*parts, *(e.u_percent for each in (one, other) if (e := _expected(each)))) / 100


def _said(point: str, other: str, planned: Pair, words: str, found: Pair, way_out: str) -> str:
    def percent(pair: Pair) -> str:
        return f"{100 * math.expm1(pair[0]):+.1f} % and {100 * math.expm1(pair[1]):+.1f} %"

    return (
        f"{point} and {other} {LOOK}: {words} they are {percent(found)} from what is expected, as planned"
        f" {percent(planned)}. Read serials and ports again; two people state the exchange ({way_out}), or that they"
        " were as planned (acquire session as-planned)."
    )
