"""Profiles of instruments that a configuration, or somebody at the command line, names: read, and offered as models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from acquire.errors import FileProblem
from drivers import Misuse, Model
from drivers.registry import offer


@dataclass(frozen=True, slots=True)
class Named:
    """A model, and the file or folder through which it was named."""

    path: Path
    model: Model


def offer_profiles(paths: Iterable[Path]) -> list[Named]:
    """Read files and folders of profiles; from now on their models are found by name.

    Raises FileProblem, a sentence for each error of each file, also where two have one name or a package has it.
    """
    found, problems = _offered(paths)
    if problems:
        raise FileProblem(*problems)
    return found


def offer_sound_profiles(paths: Iterable[Path]) -> None:
    """As `offer_profiles`, of those that can be: a broken one is none, and stands in no other's way."""
    _offered(paths)


def _offered(paths: Iterable[Path]) -> tuple[list[Named], list[str]]:
    """All that could be offered, and a sentence for each error."""
    found: list[Named] = []
    problems: list[str] = []
    for path in paths:
        named, amiss = _read(path)
        found += named
        problems += amiss
    return found, [*problems, *_not_offered(found)]


def _read(path: Path) -> tuple[list[Named], list[str]]:
    """What a file or a folder describes, and a sentence for each error."""
    from drivers.profile import ProfileProblem, files_of, load_file  # noqa: PLC0415 - most configurations name none

    try:
        files = files_of(path)
    except ProfileProblem as error:
        return [], list(error.sentences)
    found: list[Named] = []
    problems: list[str] = []
    for file in files:
        try:
            found.append(Named(path, load_file(file)))
        except ProfileProblem as error:
            problems += error.sentences
    return found, problems


def _not_offered(found: list[Named]) -> Iterator[str]:
    """A sentence for each model that cannot be offered; all others are."""
    seen: dict[str, Path] = {}
    for each in found:
        if each.model.name in seen:
            yield f"{each.path}: {seen[each.model.name]} describes '{each.model.name}' too; give one another name."
            continue
        seen[each.model.name] = each.path
        try:
            offer(each.model)
        except Misuse as error:
            yield f"{each.path}: {error}"
