"""What `acquire check` says of drop folders: whether they are there, and whether their journals can be written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from acquire.config import Loaded
from drivers.registry import model


@dataclass(slots=True)
class FolderCheck:
    """warnings: of a folder that is not there (it may be mounted later, on another host). problems: of one that is."""

    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def check_folders(loaded: Loaded) -> FolderCheck:
    """Tries the drop folders of a configuration and leaves nothing behind."""
    from drivers.files import FolderSettings, check_folder  # noqa: PLC0415 - only here

    found = FolderCheck()
    for name, folder, settings in _drop_folders(loaded):
        if isinstance(settings, FolderSettings):
            sentences = [f"{name}: {sentence}" for sentence in check_folder(settings, folder)]
            (found.problems if folder.is_dir() else found.warnings).extend(sentences)
    return found


def _drop_folders(loaded: Loaded) -> Iterator[tuple[str, Path, object]]:
    for each in loaded.config.instrument:
        if each.resource.startswith("dir:"):
            folder = loaded.beside(Path(each.resource.removeprefix("dir:")))
            yield each.id, folder, model(each.model).settings.model_validate(dict(each.settings))
