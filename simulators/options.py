"""The options of a simulated instrument, checked by name before it is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def option_checked(options: Mapping[str, Any], allowed: tuple[str, ...], model: str) -> dict[str, Any]:
    """The options as a dict; raises ValueError in one sentence when one of them does not exist for `model`."""
    for name in options:
        if name not in allowed:
            raise ValueError(f"{model} has no option {name!r}; its options are {', '.join(sorted(allowed))}.")
    return dict(options)
