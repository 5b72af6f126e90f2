"""Finding drivers: every package may offer some under the entry point "acquire.drivers"."""

from __future__ import annotations

import difflib
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from drivers.driver import Driver
from drivers.errors import Misuse

GROUP = "acquire.drivers"


@cache
def _found() -> dict[str, EntryPoint]:
    return {each.name: each for each in sorted(entry_points(group=GROUP))}


def models() -> tuple[str, ...]:
    """Names of all models, sorted."""
    return tuple(_found())


def driver_class(model: str) -> type[Driver]:
    """The driver of a model. Raises Misuse naming the models there are, and the one that was probably meant."""
    known = _found()
    if model not in known:
        near = difflib.get_close_matches(model, known, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise Misuse(f"There is no driver for '{model}'.{hint} There are: {', '.join(known)}.")
    loaded = known[model].load()
    if not (isinstance(loaded, type) and issubclass(loaded, Driver)):
        raise Misuse(f"The entry point {model} of {GROUP} names no driver.")
    return loaded
