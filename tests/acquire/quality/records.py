"""Records of a reader for the checks: TLD-100 curves stepped from rate equations (tests/tld_curves.py), and counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from tld_curves import PEAKS_005, TEMPERATURES_005, counted, rate_equation_curve

from acquire.quality import Column, Finding, Limits, ReaderRecord, judge, of_run

KELVIN = np.array(TEMPERATURES_005)
GLOW = rate_equation_curve(KELVIN, PEAKS_005)  # 200 channels, 486 high
SECONDS = 0.25 * np.arange(1, KELVIN.size + 1)
DARK = 20.0
COUNTS = "{counts}"


def counts(scale: float = 10.0, seed: int = 1, dark: float = DARK) -> np.ndarray:
    """Counts of a curve 486 · scale high, over dark counts."""
    return counted(scale * GLOW + dark, seed)


def record(
    signal: Sequence[float] | np.ndarray, name: str = "chip", kelvin: np.ndarray = KELVIN, unit: str = COUNTS,
    **said: Any,
) -> ReaderRecord:  # fmt: skip
    """A glow curve with its temperature and a time each quarter second."""
    y = np.asarray(signal, dtype=float)
    n = y.size
    columns = {"signal": Column(unit, y), "temperature": Column("K", kelvin[:n]), "time": Column("s", SECONDS[:n])}
    own = {"kind": "glow-curve", "element": name, "value": float(np.nansum(y)), "unit": unit}
    return ReaderRecord(**{"name": name, "columns": columns, **own, **said})


def batch(odd: ReaderRecord | None = None, n: int = 5, scale: float = 10.0, seed: int = 100) -> list[ReaderRecord]:
    """Sound curves of different doses, and the odd one in their middle."""
    sound = [record(counts(scale * (0.5 + 0.3 * k), seed + k), f"e{k}") for k in range(n)]
    return sound if odd is None else [*sound[: n // 2], odd, *sound[n // 2 :]]


def told(findings: Sequence[Finding], of: str | None = None) -> list[str]:
    """check and severity of what was found, of one curve or of all, without what was not judged."""
    return [f"{f.check}: {f.severity}" for f in findings if f.severity != "not-judged" and of in (None, f.of)]


def alone(one: ReaderRecord, **limits: Any) -> list[str]:
    """The same of a record by itself."""
    return told(judge(one, Limits(**limits)).findings)


def among(odd: ReaderRecord, **limits: Any) -> list[str]:
    """The same of an odd one in a batch of sound curves, none of which may be blamed."""
    found = of_run(batch(odd), Limits(**limits))
    assert told([f for f in found if f.of != odd.name]) == []
    return told(found, odd.name)


def unjudged(findings: Sequence[Finding]) -> list[str]:
    return [f.sentence for f in findings if f.severity == "not-judged"]


def share(make: Callable[[int], ReaderRecord], seeds: range) -> float:
    """Of so many seeds, how many records have any finding."""
    return sum(bool(alone(make(seed))) for seed in seeds) / len(seeds)
