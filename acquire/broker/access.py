"""Who may publish and read what on the bus of one site, and Mosquitto's access file that says so.

A host publishes for its own instruments only, the store alone says "committed" and tells of sessions, an operator may
give commands, a viewer may publish nothing. What is not named here is denied. The no-loss protocol believes whoever may
write `committed`; so this table is part of its promise (docs/noloss.md section 7).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from acquire.bus.homeassistant import config_topic
from acquire.bus.names import RESERVED, ROOT, Topics
from acquire.bus.sparkplug import Node
from acquire.config import Config, Loaded
from acquire.errors import Refused

Kind = Literal["host", "store", "operator", "viewer"]

# A role's name stands in an access file, in a certificate and in a password file: nothing that means something there.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LEVEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the access file."""

    access: Literal["read", "write"]
    topic: str


@dataclass(frozen=True, slots=True)
class Role:
    """One identity on the bus. `instruments` are a host's own; `host` is its name where a site has several hosts.

    `also` is what its configuration asks for besides the contract: Home Assistant, Sparkplug.
    """

    name: str
    kind: Kind
    instruments: tuple[str, ...] = ()
    host: str | None = None
    also: tuple[Rule, ...] = ()


def roles_of(loaded: Loaded) -> list[Role]:
    """The roles one configuration needs: it may be a host, a store, or both. Raises Refused."""
    config = loaded.config
    name = config.broker.username
    if name is None:
        raise Refused(
            f"{loaded.path}: [broker] has no username; give the one this host is to have, which is also the common name"
            " of its certificate where it has one."
        )
    found = []
    if config.instrument:
        own = tuple(each.id for each in config.instrument)
        found.append(Role(name, "host", own, config.host, tuple(_besides(config))))
    if config.store is not None:
        found.append(Role(name, "store"))
    return found


def _besides(config: Config) -> Iterator[Rule]:
    """What discovery and the edge node say, and that they may hear their own instruments."""
    topics, asked = Topics(config.site), config.bus
    if asked.home_assistant is not None:
        for each in config.instrument:  # read too: what an earlier run announced is added to, or taken back
            yield Rule("read", config_topic(config.site, each.id))
            yield Rule("write", config_topic(config.site, each.id))
    if asked.sparkplug_group is not None:
        node = Node.of(asked.sparkplug_group, config.site, config.host)
        yield Rule("read", node.topic("NCMD"))
        yield from (Rule("write", node.topic(kind)) for kind in ("NBIRTH", "NDEATH"))
        yield from (Rule("write", node.topic(kind, "+")) for kind in ("DBIRTH", "DDATA", "DDEATH"))
    if asked.home_assistant or asked.sparkplug_group:
        for each in config.instrument:
            yield Rule("read", topics.readings(each.id))
            yield Rule("read", topics.state(each.id))


def checked(roles: Sequence[Role]) -> list[Role]:
    """The roles, when they do not contradict each other. Raises Refused with every contradiction."""
    problems = [*_wrong_names(roles), *_shared(roles)]
    if problems:
        raise Refused(*problems)
    return list(roles)


def _wrong_names(roles: Sequence[Role]) -> Iterator[str]:
    for role in roles:
        if not _NAME.fullmatch(role.name):
            yield f"'{role.name}' cannot name a role; allowed are letters, digits, '.', '_' and '-', 64 at most."
        for each in role.instruments:
            if not _LEVEL.fullmatch(each) or each in RESERVED:
                yield f"'{each}' of {role.name} cannot name an instrument; allowed are a-z, 0-9, '.', '_' and '-'."


def _shared(roles: Sequence[Role]) -> Iterator[str]:
    kinds: dict[str, set[Kind]] = {}
    owner: dict[str, str] = {}
    states: dict[str | None, str] = {}
    for role in roles:
        seen = kinds.setdefault(role.name, set())
        if role.kind in seen or (seen and not seen | {role.kind} <= {"host", "store"}):
            yield f"'{role.name}' is used twice; every host, store, operator and viewer has a name of its own."
        seen.add(role.kind)
        for each in role.instruments:
            if each in owner:
                yield f"Instrument '{each}' belongs to {owner[each]} and to {role.name}; only one host may have it."
            owner[each] = role.name
        if role.kind == "host":
            if role.host in states:
                yield (
                    f"{states[role.host]} and {role.name} would overwrite each other's state; give each"
                    ' configuration its own host = "NAME".'
                )
            states[role.host] = role.name


def rules(site: str, roles: Sequence[Role]) -> dict[str, list[Rule]]:
    """The rules of each name, in the order of the roles."""
    topics = Topics(site)
    instruments = sorted({each for role in roles for each in role.instruments})
    made: dict[str, list[Rule]] = {}
    for role in roles:
        made.setdefault(role.name, []).extend(_rules(topics, role, instruments))
    return made


def _rules(topics: Topics, role: Role, instruments: Iterable[str]) -> Iterator[Rule]:
    if role.kind == "host":
        for each in role.instruments:
            yield Rule("write", topics.readings(each))
            yield Rule("write", topics.state(each))
            yield Rule("read", topics.committed(each))
            yield Rule("read", topics.command(each, "+"))
        yield Rule("write", topics.host_state(role.host))
        yield Rule("write", topics.batch(role.host))
        yield Rule("read", topics.batch_committed(role.host))
        yield Rule("write", topics.reply("+"))
    elif role.kind == "store":
        yield Rule("read", topics.readings("+"))
        for host in (None, "+"):
            yield Rule("read", topics.batch(host))
            yield Rule("write", topics.batch_committed(host))
        for each in instruments:
            yield Rule("write", topics.committed(each))
        yield Rule("write", topics.session_events("+"))
        yield Rule("write", topics.store_state)
        yield Rule("write", topics.anchor)
    else:
        yield Rule("read", f"{ROOT}/{topics.site}/#")
        if role.kind == "operator":
            for each in instruments:
                yield Rule("write", topics.command(each, "+"))
    yield from role.also


def access_file(site: str, roles: Sequence[Role]) -> str:
    """Mosquitto's acl_file. Nobody without a name is given anything."""
    parts = [f"# Who may do what on the bus of site {site}. Made by `acquire broker config`; change it there."]
    for name, lines in rules(site, roles).items():
        kinds = " and ".join(role.kind for role in roles if role.name == name)
        parts.append(
            "\n".join([f"# {kinds}", f"user {name}", *(f"topic {each.access} {each.topic}" for each in lines)])
        )
    return "\n\n".join(parts) + "\n"
