"""Which request is to be carried out: read, not late, of this run of the daemon, and not carried out before.

A request is known by its id. It is remembered for longer than it can be valid, so that it is done once however often it
comes; what a clock or a restart could make doubtful is refused by `sent` and `run` (docs/commands.md). No I/O here.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from pydantic import ValidationError

from acquire.bus.client import Received
from acquire.bus.messages import NEVER_TOO_LATE, Command
from acquire.bus.names import ROOT
from acquire.canonical import digest
from acquire.instruments.marks import MARKS

LARGEST = 64 * 1024
LONGEST_TOPIC = 512
CLOCKS_APART_S = 60.0
REMEMBERED_S = 900.0  # the longest validity, 300 s, and clocks apart both ways, and some
MOST_REMEMBERED = 5000
MOST_AT_ONCE = 20
MOST_WAITING = 20  # askers of one request that is under way; one answer serves those who asked at the same place


class Unreadable(Exception):
    """No request can be read from a message: there is nobody to answer."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where an answer goes."""

    topic: str
    correlation: bytes | None


@dataclass(slots=True)
class Asked:
    """A request that was taken: its answer, once there is one, and who waits for it."""

    content: bytes
    at: float
    answer: bytes | None = None
    waiting: list[Route] = field(default_factory=list)

    def join(self, route: Route | None) -> None:
        """Have the answer sent there too."""
        if route is not None and len(self.waiting) < MOST_WAITING:
            self.waiting.append(route)


def read(message: Received, commands: str) -> tuple[str, Command]:
    """Name and request; `commands` is the topic of the instrument's commands up to their name.

    Raises Unreadable, without quoting what was sent. The topic is looked at: the embedded broker has been seen to hand
    a client what another one subscribed to.
    """
    name = message.topic.removeprefix(commands)
    if name == message.topic or "/" in name:
        raise Unreadable("its topic is not one of this instrument's commands")
    if message.retained:
        raise Unreadable("it was retained by the broker: nobody knows how old it is")
    if len(message.payload) > LARGEST:
        raise Unreadable(f"it has {len(message.payload)} bytes; {LARGEST} are allowed")
    try:
        return name, Command.model_validate_json(message.payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])[:64] or "the message"
        raise Unreadable(f"{where}: {first['type']}") from None


def route(message: Received, command: Command, site: str) -> Route | None:
    """Where the answer goes: the response topic of MQTT 5, or else `reply_to`; None where it may not go."""
    topic = message.response_topic or command.reply_to
    return Route(topic, message.correlation) if topic and may_reply(topic, site) else None


def may_reply(topic: str, site: str) -> bool:
    """Answers go where clients listen, never onto another topic of a contract, a wildcard or a broker's own."""
    ours = topic.startswith(f"{ROOT}/{site}/clients/")
    foreign = topic.startswith(("dosimetry/", "homeassistant/", "$"))
    printable = not any(each in "+#" or ord(each) < 0x20 or 0xD800 <= ord(each) < 0xE000 for each in topic)
    return 0 < len(topic) <= LONGEST_TOPIC and printable and (ours or not foreign)


def out_of_time(command: Command, run: UUID, name: str, now: datetime | None = None) -> str | None:
    """Why a request may not act any more at `now` (UTC), or None.

    Begin and end are known by their measurement, in any run. What only makes things safer is never too late: refused
    for a clock that is wrong, it would leave the measurement running on.
    """
    if name in NEVER_TOO_LATE:
        return None
    if command.run is not None and command.run != run and name not in MARKS:
        return (
            "The service was started anew since this was asked; it may have been done before that or not. Look, and ask"
            " again."
        )
    if command.sent is None:
        return None
    age_s = ((now or datetime.now(UTC)) - command.sent).total_seconds()
    if age_s > command.valid_s + CLOCKS_APART_S:
        return (
            f"It was sent {age_s:.0f} s ago by this host's clock and was valid for {command.valid_s:g} s: too late, or"
            f" the two clocks are more than {CLOCKS_APART_S:g} s apart. Nothing was done."
        )
    if age_s < -CLOCKS_APART_S:
        return (
            f"It was sent {-age_s:.0f} s in the future by this host's clock; set the clocks, {CLOCKS_APART_S:g} s apart"
            " are allowed. Nothing was done."
        )
    return None


class Memory:
    """The requests taken by one instrument in this run of the daemon."""

    def __init__(self) -> None:
        self._asked: OrderedDict[UUID, Asked] = OrderedDict()
        self.under_way = 0

    def known(self, command: Command) -> Asked | None:
        """The request of this id that was taken before."""
        return self._asked.get(command.id)

    def has_room(self, now: float) -> bool:
        """Forgets what is old at `now` (monotonic seconds); says whether another request can be taken."""
        while self._asked:
            oldest = next(iter(self._asked.values()))
            if oldest.answer is None or now - oldest.at < REMEMBERED_S:
                break
            self._asked.popitem(last=False)
        return len(self._asked) < MOST_REMEMBERED and self.under_way < MOST_AT_ONCE

    def take(self, command: Command, name: str, now: float) -> Asked:
        """Remember a new request as being under way since `now` (monotonic seconds)."""
        asked = self._asked[command.id] = Asked(content_of(command, name), now)
        self.under_way += 1
        return asked

    def done(self, asked: Asked, answer: bytes) -> list[Route]:
        """Keep the answer; returns who waits for it."""
        asked.answer = answer
        self.under_way -= 1
        waiting, asked.waiting = asked.waiting, []
        return waiting


def content_of(command: Command, name: str) -> bytes:
    """What a request asks for, whoever asks: the same id must not come with something else."""
    return digest(json.dumps([name, command.parameters], sort_keys=True).encode())
