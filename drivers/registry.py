"""Finding models: any package may offer some under "acquire.drivers", and every file format is one of a drop folder."""

from __future__ import annotations

import difflib
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from drivers.errors import Misuse
from drivers.files.folder import folder_model
from drivers.files.formats import formats
from drivers.model import Model

GROUP = "acquire.drivers"


@cache
def _found() -> dict[str, EntryPoint]:
    return {each.name: each for each in sorted(entry_points(group=GROUP))}


def models() -> tuple[str, ...]:
    """Names of all models, sorted."""
    return tuple(sorted({*_found(), *formats()}))


def model(name: str) -> Model:
    """The model of that name. Raises Misuse naming those there are and the one that was probably meant.

    Also where a package's entry point cannot be loaded, or gives something else: one package's fault is told when its
    model is asked for, and stands in nobody else's way.
    """
    known = _found()
    if name not in known and name in formats():
        return _of_folder(name)
    if name not in known:
        near = difflib.get_close_matches(name, models(), n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise Misuse(f"There is no driver for '{name}'.{hint} There are: {', '.join(models())}.")
    try:
        loaded = known[name].load()
    except Exception as error:
        raise Misuse(
            f"The driver of '{name}' ({known[name].value}) cannot be loaded: {type(error).__name__}: {error}."
        ) from error
    if not isinstance(loaded, Model):
        raise Misuse(f"The entry point {name} of {GROUP} ({known[name].value}) gives no Model.")
    if loaded.name != name:
        raise Misuse(f"The entry point {name} of {GROUP} ({known[name].value}) gives the model '{loaded.name}'.")
    return loaded


@cache
def _of_folder(name: str) -> Model:
    return folder_model(formats()[name])
