"""One part of a configuration, for a command that needs no more: the broker to reach a running service, store or spool.

A service goes on with what it read when it began. What has become wrong in its file or its profiles since then must not
keep anybody from ending a step or from reading the store: the part that is needed must be sound, of the rest is told.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from acquire.bus.endpoint import Endpoint
from acquire.config import (
    Config,
    InstrumentsPart,
    NoticesPart,
    OidcPart,
    OrdersPart,
    ProfilesPart,
    ServicePart,
    SpoolConfig,
    SpoolPart,
    StorePart,
    check_part,
    load,
    store_of,
)
from acquire.config_instruments import SIMULATOR
from acquire.config_notices import NoticesConfig
from acquire.config_oidc import OidcConfig
from acquire.errors import FileProblem, Refused
from acquire.plain_files import read_plain
from acquire.profiles import offer_sound_profiles
from acquire.tomlfile import Written, line_numbers, read, sentence, validated
from drivers.toml_text import NotToml, table_of

Part = TypeVar("Part", bound=Written)
FOLDER = "dir:"
_TABLE = re.compile(rb"[ \t]*\[{1,2}[ \t]*([A-Za-z0-9_-]+)")
_KEY = re.compile(rb"[ \t]*([A-Za-z0-9_-]+)[ \t]*[.=]")
_LONG_TEXT = re.compile(rb"\"\"\"|'''")


@dataclass(frozen=True, slots=True)
class ServicePlace:
    """Where a running service is reached."""

    site: str
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class StorePlace:
    """The store's file and its anchor's; None where the configuration has none."""

    store: Path | None
    anchor: Path | None


@dataclass(frozen=True, slots=True)
class SpoolPlace:
    """The spool's file and how it is kept."""

    path: Path
    kept: SpoolConfig


@dataclass(frozen=True, slots=True)
class DropFolder:
    """A folder whose files an instrument reads, of this model: a file format."""

    model: str
    path: Path


def service_place(path: Path) -> ServicePlace:
    """Where the service of a configuration is reached. Raises FileProblem, Refused where it has no fixed port."""
    part = _part(path, ServicePart)
    if part.broker.port == 0:
        raise Refused("This configuration takes a free broker port at every start; give it a fixed one to be reached.")
    return ServicePlace(part.site, part.broker.endpoint(path.parent))


def store_place(path: Path) -> StorePlace:
    """The store of a configuration. Raises FileProblem."""
    return StorePlace(*store_of(_part(path, StorePart), path.parent))


def orders_part(path: Path) -> OrdersPart:
    """How orders are read, and where their patients are kept; its files relative to the file. Raises FileProblem."""
    return _part(path, OrdersPart)


def notices_of(path: Path) -> NoticesConfig | None:
    """Who is told what must reach people; None where a configuration says nothing of it. Raises FileProblem."""
    return _part(path, NoticesPart).notices


def oidc_of(path: Path) -> OidcConfig | None:
    """The site's provider of log-ins; None where a configuration names none. Raises FileProblem."""
    return _part(path, OidcPart).oidc


def spool_place(path: Path) -> SpoolPlace | None:
    """The spool of a configuration; None where it has none. Raises FileProblem."""
    spool = _part(path, SpoolPart).spool
    return None if spool is None else SpoolPlace(path.parent / spool.path, spool)


def measures_really(path: Path) -> bool:
    """Whether any instrument of a configuration is none of its simulators. Raises FileProblem."""
    return any(not each.resource.startswith(SIMULATOR) for each in _part(path, InstrumentsPart).instrument)


def drop_folders(path: Path) -> dict[str, DropFolder]:
    """The instruments of a configuration that read the files of a folder. Raises FileProblem."""
    return {
        each.id: DropFolder(each.model, path.parent / each.resource.removeprefix(FOLDER))
        for each in _part(path, InstrumentsPart).instrument
        if each.resource.startswith(FOLDER)
    }


def offer_profiles_of(path: Path) -> None:
    """Let the models of its profiles be found, as far as they are sound. Raises FileProblem where `profiles` is not."""
    offer_sound_profiles(path.parent / each for each in _part(path, ProfilesPart).profiles)


def amiss(path: Path, *, profiles: bool) -> Sequence[str]:
    """What `acquire run` would refuse: a sentence for each error of the file, and of the profiles where asked for."""
    try:
        if profiles:
            load(path)
        else:
            read(_body(path), str(path), Config)
    except Refused as error:
        return error.sentences
    except OSError as error:
        return (f"{error.filename or path} cannot be read: {error.strerror or error}.",)
    return ()


def _part(path: Path, model: type[Part]) -> Part:
    """Raises FileProblem: a sentence for each error of this part."""
    keys = frozenset(model.model_fields)
    text, data = _tables(_body(path), str(path), keys)
    part = validated(text, {key: data[key] for key in data if key in keys}, str(path), model)
    lines = line_numbers(text)
    if problems := [sentence(str(path), lines, where, what) for where, what in check_part(part)]:
        raise FileProblem(*problems)
    return part


def _tables(body: bytes, name: str, keys: Collection[str]) -> tuple[str, dict[str, Any]]:
    """What a file holds; of one that is no TOML as a whole, only what stands under these keys, if that is sound.

    Raises FileProblem, also where a text of several lines may hold what looks like a table.
    """
    try:
        return table_of(body, name)
    except NotToml as error:
        if _LONG_TEXT.search(body):
            raise FileProblem(str(error)) from error
        try:
            return table_of(b"".join(_only(body, keys)), name)
        except NotToml:
            raise FileProblem(str(error)) from error


def _only(body: bytes, keys: Collection[str]) -> Iterator[bytes]:
    """The lines of a file, empty where they belong to other tables or keys than these."""
    kept, before_tables = True, True
    for line in body.splitlines(keepends=True):
        table = _TABLE.match(line)
        before_tables = before_tables and table is None
        if found := table or (before_tables and _KEY.match(line)):
            kept = found[1].decode() in keys
        yield line if kept else b"\n"


def _body(path: Path) -> bytes:
    try:
        return read_plain(path)
    except Refused as error:
        raise FileProblem(str(error)) from error
