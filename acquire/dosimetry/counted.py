"""Which elements of a point count, and what their number does to the uncertainty: the same for chips and dots."""

from __future__ import annotations

from collections.abc import Sequence

from acquire.dosimetry.attempts import PairRule, pair_choice, pair_difference_percent
from acquire.dosimetry.background import StandardsMean
from acquire.dosimetry.budget import Contribution
from acquire.dosimetry.dose import Calculation
from acquire.dosimetry.errors import Blocked
from acquire.dosimetry.finite import finite


def stated_per_element(rows: Sequence[Contribution]) -> dict[str, list[Contribution]]:
    """The rows of a single element as an input of the calculation, where there are any."""
    return {"per_element": list(rows)} if rows else {}


def stated_session(standards: StandardsMean | None, k_l_follows: float) -> dict[str, object]:
    """Standards of the same session, and a linearity that follows the dose, as inputs, where there are any."""
    stated: dict[str, object] = {} if standards is None else {"standards": standards}
    return stated | ({"k_l_follows": k_l_follows} if k_l_follows else {})


def stated_pair_rule(rule: PairRule, named: str | None) -> dict[str, str | None]:
    """The rule as an input of the calculation, where it is another than "none"."""
    return {} if rule == "none" else {"pair_rule": rule, "pair_named": named}


@finite
def settled(
    work: Calculation,
    names: Sequence[str],
    values: Sequence[float],
    limit_percent: float,
    rule: PairRule,
    named: str | None,
) -> list[int]:
    """Places of the values that count. Beyond the limit a pair follows the plan's rule, which a warning names.

    Raises Blocked: an element at background, the rule "none", or more than two elements that disagree.
    """
    if rule == "none" or len(values) != 2:
        check_elements(names, values, limit_percent)
        return list(range(len(values)))
    above_background(names, values)
    difference = pair_difference_percent(*values)
    _, extra_percent = pair_choice((names[0], values[0]), (names[1], values[1]), limit_percent, rule, named)
    if difference <= limit_percent:
        return [0, 1]
    work.warnings.append(
        f"{names[0]} and {names[1]} differ by {difference:.1f} %, above the pair limit of {limit_percent:g} %; the"
        f" plan's pair rule '{rule}' was applied{f', {named} counts' if rule == 'named' else ''}."
    )
    if extra_percent:
        work.rows.append(Contribution("spread of the pair", extra_percent, "half the difference, rectangular"))
    return [list(names).index(str(named))] if rule == "named" else [0, 1]


@finite
def above_background(names: Sequence[str], doses: Sequence[float]) -> None:
    """Raises Blocked for a point with an element at or below background; doses in any one unit."""
    if min(doses) <= 0:
        low = names[doses.index(min(doses))]
        raise Blocked(f"Element {low} read no more than the background: was it placed in the beam?")


@finite
def check_elements(names: Sequence[str], doses: Sequence[float], limit_percent: float) -> None:
    """Raises Blocked for a point with an element at or below background, or elements further apart than the limit.

    Doses in any one unit, the limit in percent of their mean.
    """
    above_background(names, doses)
    if len(doses) > 1:
        difference = pair_difference_percent(min(doses), max(doses))
        if difference > limit_percent:
            raise Blocked(
                f"{' and '.join(names)} differ by {difference:.1f} %, above the pair limit of {limit_percent:g} %: find"
                " the cause."
            )
