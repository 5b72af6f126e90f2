"""What the version before said of each figure that an amended record says otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

OF_RESULT = (
    "dose_gy", "expanded_gy", "u_percent", "expected_gy", "deviation_percent", "deviation_expanded_percent", "decision",
    "p_conform", "pair_percent",
)  # fmt: skip
OF_COURSE = ("dose_gy", "expanded_gy", "upper_gy")


def changed_figures(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Of each point of a record the figures that changed, by name, with what they were; None for what was not there."""
    old = {point["id"]: dict(_figures(point)) for point in before}
    found = {}
    for point in now:
        were, are = old.get(point["id"], {}), dict(_figures(point))
        names = sorted({*were, *are})
        found[point["id"]] = {name: were.get(name) for name in names if were.get(name) != are.get(name)}
    return {point: figures for point, figures in found.items() if figures}


def _figures(point: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    result, inputs = point["result"] or {}, point["inputs"] or {}
    yield "detector", point["detector"] or ", ".join(point["elements"])
    for name in OF_RESULT:
        yield name, result.get(name)
    for name in OF_COURSE:
        yield f"course {name}", (result.get("course") or {}).get(name)
    for step in result.get("steps", ()):
        yield f"step {step['what']}", step["value"]
    for share in result.get("budget", ()):
        yield f"u {share['name']}", share["u_percent"]
    for name, factor in inputs.get("factors", {}).items():
        yield f"factor {name}", factor["value"]
    for kind in ("elements", "standards", "controls"):
        for each in inputs.get(kind, ()):
            yield f"element {each['element']}", each.get("readings", [each.get("value")])
