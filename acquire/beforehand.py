"""What `acquire run` would stumble on: accounts, places of files, ports. Tried where they are, and nothing is left.

`run` refuses what no time heals; `check` says all of it, also what is only so at this moment.
"""

from __future__ import annotations

import os
import socket
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from acquire.account import name_of, work_as_owner_of
from acquire.broker.processes import listening_on
from acquire.config import Loaded, host_and_port
from acquire.config_instruments import SIMULATOR, cannot_be_there, unlikely_there
from acquire.errors import Refused
from acquire.filesystem import problem
from acquire.integrity import is_there
from acquire.people import has_accounts
from acquire.spool.file import SCHEMA as SPOOL_SCHEMA
from acquire.spool.status import is_running
from acquire.store.database import migrations

HEADER = b"SQLite format 3\0"
VERSION_AT = 60  # sqlite.org, "Database File Format", 1.3: the user version, big-endian


def misplaced(loaded: Loaded) -> list[str]:
    """A sentence for each instrument that cannot be where its resource says."""
    said = (cannot_be_there(each) for each in loaded.config.instrument)
    return [f"{loaded.path}: {why}" for why in said if why is not None]


def as_owner(loaded: Loaded) -> list[str]:
    """Work as the account of spool and store from now on; a sentence for each that is another's."""
    said = []
    for path in _databases(loaded):
        try:
            work_as_owner_of(path)
        except Refused as error:
            said.append(str(error))
    return said


def without_database(loaded: Loaded, *, also_passing: bool = True) -> list[str]:
    """A sentence for each folder where spool or store could not be kept.

    Without `also_passing`: a file that is there already, or may be, is waited for while its disk fails.
    """
    said = (problem(path.parent, also_passing=also_passing or not _may_be_there(path)) for path in _databases(loaded))
    return [f"{loaded.path}: {why}." for why in dict.fromkeys(said) if why is not None]


def of_another_program(loaded: Loaded) -> list[str]:
    """A sentence for each file that lies where spool or store are to be and is none, or is of a newer program."""
    known = {loaded.spool: SPOOL_SCHEMA, loaded.store: newest_store()}
    return [why for path in _databases(loaded) if (why := foreign(path, known[path])) is not None]


def ports(loaded: Loaded) -> list[str]:
    """A sentence for each port that something else has, or that two are to have.

    Those of our own service, where it runs already with this spool, are not tried.
    """
    wanted = dict(listeners(loaded))
    twice = [at for at, count in Counter(wanted.values()).items() if count > 1]
    said = [f"{' and '.join(who for who in wanted if wanted[who] == at)} are both to listen on {at_address(at)}; give"
            " each a port of its own." for at in twice]  # fmt: skip
    if loaded.spool is None or not is_running(loaded.spool):
        said += [why for who, at in wanted.items() if (why := _in_use(who, *at)) is not None]
    return said


def devices(loaded: Loaded) -> tuple[list[str], list[str]]:
    """(problems, warnings): serial ports that this account may not open, or that are not plugged in."""
    problems: list[str] = []
    warnings: list[str] = []
    for each in loaded.config.instrument:
        if why := unlikely_there(each):
            problems.append(why)
        device = Path(each.resource.removeprefix("serial:"))
        if not each.resource.startswith(("/", "serial:/")):
            continue
        if not device.exists():
            warnings.append(missing(each.id, str(device)))
        elif not may_open(device):
            problems.append(f"'{each.id}': {no_right(device)}")
    return problems, warnings


def missing(instrument: str, device: str) -> str:
    """A sentence: the port is not there, or what is there is another's."""
    return (
        f"'{instrument}': there is no {device} now; plug it in, or name another resource (`acquire discover` lists what"
        " there is). It is looked for again and again."
    )


def may_open(device: Path) -> bool:
    """Whether this account may read and write a device; it is not opened."""
    return os.access(device, os.R_OK | os.W_OK)


def no_right(device: Path) -> str:
    """A sentence: this account may not open the device, and what lets it. Raises OSError."""
    import grp  # noqa: PLC0415 - only here

    me, group = name_of(os.geteuid()), device.stat().st_gid
    try:
        named = grp.getgrgid(group).gr_name
    except KeyError:
        named = str(group)
    return f"the account {me} may not open {device}; `adduser {me} {named}` as root lets it."


def anchor_beside_the_store(loaded: Loaded) -> list[str]:
    """A sentence, where whoever can change the store can change its anchors, too."""
    if loaded.anchor is None or loaded.store is None or loaded.anchor.parent.resolve() != loaded.store.parent.resolve():
        return []
    return [
        f"the anchor file {loaded.anchor} lies beside the store: whoever can change the one can change the other; name"
        " a place on another machine."
    ]


def people_not_known(loaded: Loaded) -> list[str]:
    """A sentence, where real instruments have a store without accounts.

    The store is only read: what is served meanwhile is not touched, and what is there not made newer."""
    real = [each.id for each in loaded.config.instrument if not each.resource.startswith(SIMULATOR)]
    if not real or loaded.store is None:
        return []
    try:
        with closing(sqlite3.connect(f"{loaded.store.absolute().as_uri()}?mode=ro", uri=True)) as store:
            if has_accounts(store):
                return []
    except sqlite3.Error:
        pass  # no store yet, or one of before accounts
    return [
        f"{', '.join(real)}: no patient is measured with real instruments before the store has accounts; make the first"
        " with `acquire user add`."
    ]


def recipients_without_account(loaded: Loaded) -> list[str]:
    """Recipients of notices who could acknowledge nothing, held against the store's accounts where it has any."""
    from acquire.mail.known import recipients_not_known  # noqa: PLC0415 - only where notices are configured

    told = loaded.config.notices
    if told is None or loaded.store is None:
        return []
    try:
        with closing(sqlite3.connect(f"{loaded.store.absolute().as_uri()}?mode=ro", uri=True)) as store:
            store.row_factory = sqlite3.Row
            return [f"{each}." for each in recipients_not_known(store, told)]
    except sqlite3.Error:
        return []  # no store yet, or one of before accounts


def _databases(loaded: Loaded) -> list[Path]:
    return [path for path in (loaded.spool, loaded.store) if path is not None]


def _may_be_there(path: Path) -> bool:
    try:
        return is_there(path)
    except OSError:
        return True


def newest_store() -> int:
    """The newest schema of a store that this program knows."""
    return migrations()[-1][0]


def foreign(path: Path, known: int) -> str | None:
    """A sentence, where a file is no database or one of a newer program; `known`: the newest schema of this one."""
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except OSError as error:
        return None if isinstance(error, FileNotFoundError) else f"{path} cannot be opened ({error.strerror})."
    if head and not head.startswith(HEADER):
        return f"{path} is no database; move it elsewhere, or name another place."
    has = int.from_bytes(head[VERSION_AT : VERSION_AT + 4], "big")
    return f"{path} has schema {has}, this program knows {known}; use a newer program." if has > known else None


def listeners(loaded: Loaded) -> Iterator[tuple[str, tuple[str, int]]]:
    """(who, (host, port)) of everything that the service is to listen on, and that has a port of its own."""
    broker = loaded.config.broker
    if broker.mode != "external" and broker.port:
        yield "the broker", (broker.host, broker.port)
    if loaded.config.orders.listen is not None:
        yield "the listener of orders", host_and_port(loaded.config.orders.listen)
    watching = loaded.config.watching
    if watching is not None and watching.port:
        yield "[watching]", (watching.host, watching.port)
    for each in loaded.config.simulator:
        for what, where in ((f"the simulator '{each.id}'", each.listen), (f"the control of '{each.id}'", each.control)):
            host, _, port = (where or "").removeprefix("tcp:").rpartition(":")
            if (where or "").startswith("tcp:") and port.isdecimal() and int(port):
                yield what, (host, int(port))


def _in_use(who: str, host: str, port: int) -> str | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((host.strip("[]"), port))
    except (OSError, OverflowError) as error:
        has = listening_on(port)
        why = f"{has} has it" if has else getattr(error, "strerror", None) or str(error)
        return f"{who} cannot listen on {at_address((host, port))}: {why}; choose another port, or stop that."
    return None


def at_address(at: tuple[str, int]) -> str:
    """HOST:PORT."""
    return f"{at[0]}:{at[1]}"
