"""import --store: reader files are given to the drop folder of an instrument, from where the service stores them.

There is one way of a reading into the store, and this is its beginning: the service's own reader, spool and
confirmation follow. A file that is in the folder is safe, whether the service runs or not.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from acquire.account import work_as_owner_of
from acquire.cli.amiss import consulted
from acquire.cli.asking import states_or_why
from acquire.cli.writing import new_file
from acquire.config_part import DropFolder, drop_folders, spool_place
from acquire.errors import Refused
from acquire.terminal.output import say
from drivers import Misuse

Found = Sequence[tuple[Path, str | None]]  # files, with the format of each


@dataclass(frozen=True, slots=True)
class Given:
    """A file, the instrument that it was given to, and where it lies now."""

    file: str
    instrument: str
    lies: str


def give(config: Path | None, found: Found, named: str | None) -> list[Given]:
    """Put files where the service takes them from; all of them, or none where one cannot be.

    named: the instrument, where several read files of that format. Raises Misuse, Refused, FileProblem.
    """
    if config is None:
        raise Misuse("Say which service is to store them: --config CONFIG (or ACQUIRE_CONFIG).")
    spool, folders = spool_place(config), drop_folders(config)
    consulted(config)
    if spool is None:
        raise Misuse(f"{config} has no [spool]; name the configuration of the host that takes the readers' files.")
    work_as_owner_of(spool.path)
    places = [(file, _folder(folders, format_, named, file)) for file, format_ in found]
    for file, (_, folder) in places:
        _must_be_new(file, folder.path / file.name)
    for file, (_, folder) in places:
        with file.open("rb") as source, new_file(folder.path / file.name) as target:
            shutil.copyfileobj(source, target)
    _say_who_takes_them(config, sorted({name for _, (name, _) in places}))
    return [Given(file.name, name, str(folder.path / file.name)) for file, (name, folder) in places]


def _folder(
    folders: Mapping[str, DropFolder], format_: str | None, named: str | None, file: Path
) -> tuple[str, DropFolder]:
    """The instrument that takes a file, and its folder. Raises Misuse where none or several could."""
    fitting = {name: each for name, each in folders.items() if each.model == format_}
    if named is not None and named not in fitting:
        raise Misuse(f"{named} does not take {file.name}, a file of the format {format_}; {_those(fitting)}")
    if named is None and len(fitting) != 1:
        which = "say which with --instrument; " if fitting else ""
        raise Misuse(f"{file.name} is a file of the format {format_}: {which}{_those(fitting)}")
    name = named or next(iter(fitting))
    if not fitting[name].path.is_dir():
        raise Refused(f"The folder {fitting[name].path} of {name} is not there; nothing was stored.")
    return name, fitting[name]


def _those(fitting: Mapping[str, DropFolder]) -> str:
    if not fitting:
        return "no instrument of the configuration has a drop folder for it."
    return f"those are taken by {', '.join(fitting)}."


def _must_be_new(file: Path, target: Path) -> None:
    if target.exists():
        same = target.read_bytes() == file.read_bytes()
        what = "the same file" if same else "another file of that name"
        raise Refused(
            f"There is {what} already at {target}: nothing was stored. The service takes what lies there once."
        )


def _say_who_takes_them(config: Path, instruments: Sequence[str]) -> None:
    states, why = states_or_why(config, "import", instruments)
    for name in instruments:
        state = states.get(name)
        if why is not None or state is None:
            say(f"Nothing is known of {name} now: it takes the file when the service runs.{f' {why}' if why else ''}")
