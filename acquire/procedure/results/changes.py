"""What changed from one version of a result to the next: the formula, what it was made from, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from acquire.procedure.records.output import Output
from acquire.procedure.results.result import Result

Scalar = str | int | float | bool | None
FIGURES = ("dose_gy", "u_percent", "deviation_percent", "deviation_expanded_percent", "formula_version")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed; was and now are None where it was not there, or is more than one value."""

    what: str
    was: Scalar
    now: Scalar


def changes(before: Result, after: Result) -> list[Change]:
    """In the order in which a reader asks: formula, readings and documents, inputs, decision and figures."""
    return [
        *_differing({"formula": before.formula}, {"formula": after.formula}),
        *_differing(_made_from(before), _made_from(after)),
        *_differing(_leaves(before.inputs, "inputs"), _leaves(after.inputs, "inputs")),
        *_differing(_figures(before.output), _figures(after.output)),
    ]


def _made_from(result: Result) -> dict[str, object]:
    chosen = result.selection
    documents = {f"document {kind}": getattr(chosen.documents, kind) for kind in chosen.documents.__struct_fields__}
    return documents | {f"readings of {name}": refs for name, refs in chosen.readings.items()}


def _figures(output: Output) -> dict[str, object]:
    found: dict[str, object] = {"decision": output.decision, "why": output.why}
    return found | ({} if output.dose is None else {name: getattr(output.dose, name) for name in FIGURES})


def _leaves(value: Mapping[str, object], name: str) -> dict[str, object]:
    """Every value by its path; a list is one value."""
    found: dict[str, object] = {}
    for key, each in value.items():
        path = f"{name}.{key}"
        found |= _leaves(each, path) if isinstance(each, Mapping) else {path: each}
    return found


def _differing(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[Change]:
    for what in dict.fromkeys((*before, *after)):
        was, now = before.get(what), after.get(what)
        if was != now or (what in before) != (what in after):
            yield Change(what, _scalar(was), _scalar(now))


def _scalar(value: object) -> Scalar:
    return value if isinstance(value, str | int | float | bool) else None
