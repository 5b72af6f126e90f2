"""What `acquire check` says of drop folders: whether they are there, and whether their journals can be written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from acquire.config import Loaded
from acquire.config_instruments import FOLDER
from drivers.registry import model


@dataclass(slots=True)
class FolderCheck:
    """warnings: of a folder that is not there (it may be mounted later, on another host). problems: of one that is."""

    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def check_folders(loaded: Loaded) -> FolderCheck:
    """Tries the drop folders of a configuration and leaves nothing behind."""
    found = FolderCheck()
    for name, folder in _drop_folders(loaded):
        sentences = [f"{name}: {sentence}" for sentence in in_the_way(loaded, name)]
        (found.problems if folder.is_dir() else found.warnings).extend(sentences)
    return found


def in_the_way(loaded: Loaded, name: str) -> list[str]:
    """What keeps the drop folder of an instrument from being read, a sentence each; leaves nothing behind."""
    from drivers.files import FolderSettings, check_folder  # noqa: PLC0415 - only here

    each = next(each for each in loaded.config.instrument if each.id == name)
    settings = model(each.model).settings.model_validate(dict(each.settings))
    return check_folder(settings, _folder(loaded, each.resource)) if isinstance(settings, FolderSettings) else []


def _drop_folders(loaded: Loaded) -> Iterator[tuple[str, Path]]:
    for each in loaded.config.instrument:
        if each.resource.startswith(FOLDER):
            yield each.id, _folder(loaded, each.resource)


def _folder(loaded: Loaded, resource: str) -> Path:
    return loaded.beside(Path(resource.removeprefix(FOLDER)))
