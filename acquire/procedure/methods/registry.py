"""The methods there are, each in every version that was ever released."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from typing import Any

from acquire.procedure.documents import asked
from acquire.procedure.methods import releases
from acquire.procedure.methods.method import Method

Versions = tuple[Method[Any, Any], ...]  # the newest first
_KNOWN: dict[str, Versions] = {}


def enter(method: Method[Any, Any], *earlier: Method[Any, Any]) -> None:
    """A method, with its earlier versions from the newest to the oldest."""
    _KNOWN[method.name] = (method, *earlier)
    asked.enter(method.name, method.asks)


def discover(path: Iterable[str], package: str) -> None:
    """Enter the `METHOD` of every module of a package that has one, with its `EARLIER` versions."""
    for found in pkgutil.iter_modules(path):
        module = importlib.import_module(f"{package}.{found.name}")
        if isinstance(method := getattr(module, "METHOD", None), Method):
            enter(method, *getattr(module, "EARLIER", ()))


def method_of(name: str, release: str | None = None) -> Method[Any, Any]:
    """A method as it was in a release of the formulas, the newest by default.

    Raises LookupError for a name that no method has, or that had none in that release yet; ValueError for a release
    that is not here.
    """
    try:
        return releases.chosen(_KNOWN[name], release)
    except LookupError as error:
        raise LookupError(f"There was no method '{name}' in '{release or releases.newest()}'.") from error
