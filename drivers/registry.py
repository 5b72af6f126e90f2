"""Finding models: any package may offer some under "acquire.drivers", or profiles under "acquire.profiles"; every file
format is one of a drop folder; and a configuration may name profiles of its own.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from drivers.errors import Misuse
from drivers.model import Model

if TYPE_CHECKING:
    from drivers.files.format import Format

GROUP = "acquire.drivers"
PROFILES = "acquire.profiles"
_offered: dict[str, Model] = {}


def _formats() -> Mapping[str, Format]:
    from drivers.files.formats import formats  # noqa: PLC0415 - brings how files are read

    return formats()


@cache
def _found() -> dict[str, EntryPoint]:
    profiles = {each.name: each for each in sorted(entry_points(group=PROFILES))}
    return profiles | {each.name: each for each in sorted(entry_points(group=GROUP))}


def offer(model: Model) -> None:
    """From now on the model of a profile that somebody named is found as well, instead of an earlier one of its name.

    Raises Misuse where a package or a file format has that name: nobody could tell which is meant.
    """
    if model.name in _found() or model.name in _formats():
        raise Misuse(f"There is a model '{model.name}' already; give the profile another name.")
    _offered[model.name] = model


def withdraw() -> None:
    """Forget every model that was offered."""
    _offered.clear()


def models() -> tuple[str, ...]:
    """Names of all models, sorted."""
    return tuple(sorted({*_found(), *_formats(), *_offered}))


def model(name: str) -> Model:
    """The model of that name. Raises Misuse naming those there are and the one that was probably meant.

    Also where a package's entry point cannot be loaded, or gives something else: one package's fault is told when its
    model is asked for, and stands in nobody else's way.
    """
    known = _found()
    if name in _offered:
        return _offered[name]
    if name not in known and name in _formats():
        return _of_folder(name)
    if name not in known:
        near = difflib.get_close_matches(name, models(), n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise Misuse(f"There is no driver for '{name}'.{hint} There are: {', '.join(models())}.")
    try:
        loaded = _loaded(known[name])
    except Exception as error:
        raise Misuse(
            f"The driver of '{name}' ({known[name].value}) cannot be loaded: {type(error).__name__}: {error}."
        ) from error
    if not isinstance(loaded, Model):
        raise Misuse(f"The entry point {name} of {known[name].group} ({known[name].value}) gives no Model.")
    if loaded.name != name:
        raise Misuse(
            f"The entry point {name} of {known[name].group} ({known[name].value}) gives the model '{loaded.name}'."
        )
    return loaded


@cache
def _loaded(point: EntryPoint) -> object:
    """What an entry point gives: for a profile it names the package in which NAME.toml lies."""
    if point.group != PROFILES:
        return point.load()
    from drivers.profile import load_packaged  # noqa: PLC0415 - brings the language of profiles

    return load_packaged(point.module, point.name)


@cache
def _of_folder(name: str) -> Model:
    from drivers.files.folder import folder_model  # noqa: PLC0415 - brings the watching of folders

    return folder_model(_formats()[name])
