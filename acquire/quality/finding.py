"""What a check found: which check, how grave, the number it looked at and its limit, one sentence, and the source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How grave a finding is. What could not be judged is said too: silence would read as a pass."""

    NOT_JUDGED = "not-judged"  # no limit is given, or nothing to hold the curve against
    REMARK = "remark"  # worth knowing; nothing depends on it
    DOUBT = "doubt"  # a person looks at the curve before the number is believed
    REFUSE = "refuse"  # no number comes of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding. `of`: the curve, element or channel; value and limit in `unit` (UCUM), None where there is none."""

    check: str
    severity: Severity
    sentence: str
    source: str
    of: str | None = None
    value: float | None = None
    limit: float | None = None
    unit: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values, numbers to six digits: the last ones of a double say nothing of a curve."""
        return {
            "check": self.check,
            "severity": self.severity.value,
            "of": self.of,
            "value": _six_digits(self.value),
            "limit": _six_digits(self.limit),
            "unit": self.unit,
            "sentence": self.sentence,
            "source": self.source,
        }


def not_judged(check: str, why: str, source: str, of: str | None = None) -> Finding:
    """That a check was not made, and why: "no limit given", for example."""
    return Finding(
        check=check, severity=Severity.NOT_JUDGED, sentence=f"{check} is not judged: {why}.", source=source, of=of
    )


def gravest_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Refusals, then doubts, remarks and what was not judged; otherwise in the order given."""
    order = list(Severity)
    return tuple(sorted(findings, key=lambda each: -order.index(each.severity)))


def sentences(findings: Iterable[Finding]) -> tuple[str, ...]:
    """What is to be told of them, the gravest first, without what was not judged."""
    return tuple(f.sentence for f in gravest_first(findings) if f.severity is not Severity.NOT_JUDGED)


def _six_digits(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
