"""Which store and broker a command means: a configuration, or a store's file."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, nullcontext, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from acquire.account import work_as_owner_of
from acquire.cli import completing
from acquire.cli.amiss import consulted
from acquire.errors import FileProblem
from acquire.plain_files import read_plain
from drivers import Misuse

if TYPE_CHECKING:
    from acquire.bus.endpoint import Endpoint
    from acquire.bus.instrument_client import InstrumentClient
    from acquire.bus.names import Topics

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", envvar="ACQUIRE_CONFIG", help="Configuration of the service.")
]
StoreOption = Annotated[str | None, typer.Option("--store", help="Store URL, sqlite:///PATH, instead of --config.")]
SessionId = Annotated[str, typer.Argument(metavar="SESSION", autocompletion=completing.sessions)]
StepId = Annotated[str, typer.Argument(metavar="STEP", autocompletion=completing.steps)]
PointId = Annotated[str, typer.Argument(metavar="POINT", autocompletion=completing.points)]
ElementId = Annotated[str, typer.Argument(metavar="ELEMENT", autocompletion=completing.elements)]
OrderId = Annotated[str, typer.Argument(metavar="ORDER", autocompletion=completing.orders)]
SessionOrOrder = Annotated[str, typer.Argument(metavar="SESSION|ORDER", autocompletion=completing.sessions_and_orders)]
SecondPerson = Annotated[str, typer.Option("--confirmed-by", help="The second person.")]
Why = Annotated[str, typer.Option("--reason", help="Why; printed with the result.")]
READING: ContextVar[bool] = ContextVar("the command that runs writes nothing", default=False)
Said = TypeVar("Said")
Key = TypeVar("Key")
By = Annotated[str, typer.Option("--by", envvar="ACQUIRE_BY", help="Who does this: a role id such as MP-1.")]


def number(option: str, says: str) -> Any:
    """An option that takes a number as people write it, with a decimal point or comma; Misuse for anything else."""

    def parse(text: str) -> float:
        from acquire.dosimetry.errors import DosimetryError  # noqa: PLC0415 - brings numpy
        from acquire.dosimetry.number_text import parse_number  # noqa: PLC0415

        try:
            return parse_number(text)
        except DosimetryError as error:
            raise Misuse(f"{option}: {error}") from error

    return typer.Option(option, parser=parse, metavar="NUMBER", help=says)


def store_path(config: Path | None, store: str | None) -> Path:
    """The store's file, and from then on this process works as its owner (`acquire.account`).

    Raises Misuse when nothing names one, Refused where it is another account's.
    """
    path = _named_store(config, store)
    work_as_owner_of(path)
    return path


def _named_store(config: Path | None, store: str | None) -> Path:
    if store is not None:
        from acquire.store.database import path_of  # noqa: PLC0415 - brings SQLite

        return path_of(store)
    if config is None:
        raise Misuse("Say which store: --config CONFIG (or ACQUIRE_CONFIG), or --store sqlite:///PATH.")
    from acquire.config_part import store_place  # noqa: PLC0415 - brings what a configuration is made of

    path = store_place(config).store
    consulted(config)
    if path is None:
        raise Misuse(f"{config} has no [store]; name the configuration of the store's host, or --store.")
    return path


@contextmanager
def open_store(config: Path | None, store: str | None = None) -> Iterator[sqlite3.Connection]:
    """A connection to the store; in a command that reads, to the store as it is now, and nothing can be written.
    Raises as `store_path`, StoreError where it cannot be opened."""
    from acquire.store.database import connect, one_moment  # noqa: PLC0415 - not for a command's help

    with (
        closing(connect(store_path(config, store))) as connection,
        one_moment(connection) if READING.get() else nullcontext(),
    ):
        yield connection


def with_session(config: Path | None, store: str | None, session: str, act: Callable[[Any, Any], Said]) -> Said:
    """Do something to one session of the store: act(connection, session)."""
    from acquire.procedure.session.session import get_session  # noqa: PLC0415

    with open_store(config, store) as connection:
        return act(connection, get_session(connection, session))


def named_once(words: Sequence[str], pair: Callable[[str], tuple[Key, Said]], what: str) -> dict[Key, Said]:
    """What each word says of something, as NAME=VALUE. Raises Misuse where one is named twice."""
    found = dict(pair(each) for each in words)
    if len(found) != len(words):
        raise Misuse(f"Name each {what} once.")
    return found


def two_names(word: str, form: str, example: str) -> tuple[str, str]:
    """The names on both sides of the equals sign. Raises Misuse where one is missing."""
    one, equals, other = word.partition("=")
    if not (one and equals and other):
        raise Misuse(f"'{word}' is no {form}, such as {example}.")
    return one, other


def file_bytes(path: Path) -> bytes:
    """The bytes of a file that was named on the command line; a link is followed. Raises Refused."""
    return read_plain(path)


@asynccontextmanager
async def open_instrument_client(config: Path | None, by: str) -> AsyncIterator[InstrumentClient]:
    """The instruments of a running service, over its broker.

    Raises Misuse without a configuration, FileProblem, and Refused where that has no fixed port.
    """
    if config is None:
        raise Misuse("Say which service: --config CONFIG (or ACQUIRE_CONFIG).")
    from acquire.bus.instrument_client import instrument_client  # noqa: PLC0415 - brings the client of the broker

    async with instrument_client(*running_service(config), by) as made:
        yield made


def running_service(config: Path) -> tuple[Endpoint, Topics]:
    """Its broker and its topics. Raises FileProblem, and Refused where it has no fixed port."""
    from acquire.bus.names import Topics  # noqa: PLC0415
    from acquire.config_part import service_place  # noqa: PLC0415

    place = service_place(config)
    consulted(config, profiles=True)
    return place.endpoint, Topics(place.site)


@contextmanager
def plannable_store(config: Path | None, store: str | None) -> Iterator[sqlite3.Connection]:
    """As `open_store`, for planning: models that profiles of the configuration describe are found, if sound."""
    from acquire.config_part import offer_profiles_of  # noqa: PLC0415

    if config is not None:
        with suppress(FileProblem):  # told at the end
            offer_profiles_of(config)
        consulted(config, profiles=True)
    with open_store(config, store) as connection:
        yield connection
