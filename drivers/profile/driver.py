"""A profile as a Driver or a Listener: what its tables say is done in order, everything else by the engine."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import msgspec

from drivers.commands import Done, command
from drivers.driver import Driver, Listener, WireSettings
from drivers.errors import Declined, Garbled, LinkDown
from drivers.instrument import Identity
from drivers.profile.document import Command, Exchange, Line, Profile, Setting
from drivers.profile.forms import Form, Forms, Where
from drivers.profile.grammar import Grammar, channels_asked, without_check
from drivers.profile.typed import is_said, parameters_of, written
from drivers.reading import Sample
from drivers.replies import Checked, Found, Reply
from drivers.replies import Line as LineOf
from drivers.settings import Settings

ENDS = {"any": None, "cr": b"\r", "lf": b"\n", "crlf": b"\r\n", "none": b""}


@dataclass(frozen=True, slots=True)
class Echoed:
    """A reply behind the echo of its request; without a shape the echo is all that comes."""

    request: bytes
    line: LineOf
    shape: Reply | None

    def find(self, buffer: bytes) -> Found | None:
        """The reply without the echo. Raises Garbled where the echo is another."""
        echo = self.line.find(buffer)
        if echo is None:
            return None
        if echo[0] != self.request:
            raise Garbled("The echo is not what was sent.", echo[0])
        if self.shape is None:
            return b"", echo[1]
        found = self.shape.find(buffer[echo[1] :])
        return None if found is None else (found[0], echo[1] + found[1])


class ProfileDriver(Driver[WireSettings]):
    """An instrument that is asked, as its profile says."""

    profile: ClassVar[Profile]
    forms: ClassVar[Forms]

    def __init__(self, wire: Any, settings: WireSettings) -> None:
        super().__init__(wire, settings)
        self.grammar = Grammar(self.profile, self.forms)
        self.wanted = {name: written(each, getattr(settings, name)) for name, each in self.profile.setting.items()}
        line = self.profile.line
        self._line = LineOf(ENDS[line.reply_end])
        self._shape: Reply = Checked(self._line, without_check(line.check)) if line.check else self._line

    async def identify(self) -> Identity:
        """As the groups of the identity's pattern say; what it does not tell is empty."""
        asked = self.profile.identity
        if asked is None:
            raise Declined(f"The profile of {self.profile.name} cannot ask who is there.")
        told = await self._groups(asked.send, ("identity", "pattern"))
        return Identity(
            self.profile.vendor, told.get("model", asked.model), told.get("serial", ""), told.get("firmware", ""),
            self.wire.heard[-1],
        )  # fmt: skip

    async def set_up(self) -> None:
        """The [[setup]] lines, then every setting, each read back at once."""
        for n, each in enumerate(self.profile.setup):
            await self._exchange(each, ("setup", n, "reply"))
        for name, setting in self.profile.setting.items():
            await self._set(name, setting)

    async def read_back(self) -> Mapping[str, Any]:
        """Every setting as the instrument says it. Raises Declined for one that is not as it was set."""
        found = {}
        for name, setting in self.profile.setting.items():
            found[name] = await self._in_force(name, setting)
            if not is_said(setting, self.wanted[name], found[name]):
                raise Declined(self._other(name, found[name]))
        return found

    async def take(self) -> Sequence[Sample]:
        """Every polled reading, channel by channel where it is asked so."""
        found: list[Sample] = []
        for name, reading in self.profile.polled.items():
            for channel in channels_asked(reading, self.profile.channels):
                request = str(reading.send).replace("{channel}", channel or "")
                parse = partial(self.grammar.reading, name, channel, self.wanted)
                found += await self._ask(request, partial(_with_its_bytes, parse))
        return found

    async def resume(self) -> None:
        """Raises LinkDown where a setting is lost: the instrument was switched off, and is set up anew."""
        for name, setting in self.profile.setting.items():
            told = await self._in_force(name, setting)
            if not is_said(setting, self.wanted[name], told):
                raise LinkDown(self._other(name, told))

    async def stand_down(self) -> None:
        """The [[stand_down]] lines."""
        for n, each in enumerate(self.profile.stand_down):
            await self._exchange(each, ("stand_down", n, "reply"))

    async def carry_out(self, name: str, asked: Command, given: Settings) -> Done:
        """A command; its parameters must come back as they were sent, where its reply repeats them."""
        texts = {key: written(each, getattr(given, key)) for key, each in asked.parameter.items()}
        request = re.sub(r"\{([^{}]*)\}", lambda found: texts[found[1]], asked.send)
        if asked.gives is not None:
            parse = partial(self.grammar.reading, asked.gives, None, self.wanted)
            return Done({}, await self._ask(request, partial(_with_its_bytes, parse), asked.reply_within_s))
        if asked.reply is None:
            await self._send(request)
            return Done()
        told = await self._groups(request, ("command", name, "reply"), asked.reply_within_s)
        for key, text in told.items():
            if not is_said(asked.parameter[key], texts[key], text):
                raise Declined(f"{self.wire.name} says {key} is {text}; {texts[key]} was sent.")
        return Done({"said": self.wire.heard[-1].decode(self.profile.line.encoding, "replace")})

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _ask(
        self, request: str, parse: Callable[[bytes], list[Sample]], within_s: float | None = None
    ) -> list[Sample]:
        data, shape = self._framed(request)
        return await self.wire.ask(data, parse, shape, timeout_s=within_s)

    async def _groups(self, request: str, where: Where, within_s: float | None = None) -> Mapping[str, str]:
        data, shape = self._framed(request)
        form: Form = self.forms.others[where]
        return await self.wire.ask(data, partial(self.grammar.groups, form), shape, timeout_s=within_s)

    async def _send(self, request: str) -> None:
        data, _ = self._framed(request)
        if self.profile.line.echo:
            await self.wire.ask(data, len, Echoed(request.encode(self.profile.line.encoding), self._line, None))
        else:
            await self.wire.send(data)

    async def _exchange(self, each: Exchange, where: Where) -> None:
        if each.reply is None:
            await self._send(each.send)
        else:
            await self._groups(each.send, where, each.reply_within_s)

    async def _set(self, name: str, setting: Setting) -> None:
        request = setting.send.replace("{value}", self.wanted[name])
        await self._exchange(Exchange(send=request, reply=setting.reply), ("setting", name, "reply"))
        told = await self._in_force(name, setting)
        if not is_said(setting, self.wanted[name], told):
            raise Declined(self._other(name, told))

    async def _in_force(self, name: str, setting: Setting) -> str:
        return (await self._groups(setting.ask, ("setting", name, "answer")))["value"]

    def _other(self, name: str, told: str) -> str:
        return f"{self.wire.name} says its {name} is {told}; {self.wanted[name]} was set."

    def _framed(self, request: str) -> tuple[bytes, Reply]:
        line: Line = self.profile.line
        data = request.encode(line.encoding)
        shape = Echoed(data, self._line, self._shape) if line.echo else self._shape
        return data + (ENDS[line.request_end] or b""), shape


def _with_its_bytes(parse: Callable[[bytes], list[Sample]], raw: bytes) -> list[Sample]:
    """A take may be several replies: each sample keeps the bytes of its own."""
    return [msgspec.structs.replace(each, raw=raw) for each in parse(raw)]


class ProfileListener(Listener[WireSettings]):
    """An instrument that speaks by itself, as its profile says."""

    profile: ClassVar[Profile]
    forms: ClassVar[Forms]

    def __init__(self, settings: WireSettings) -> None:
        super().__init__(settings)
        self.grammar = Grammar(self.profile, self.forms)

    def identity(self) -> Identity:
        """By its profile alone: it is never asked, and no number that was configured stands for one that it told."""
        return Identity(self.profile.vendor, self.profile.name, "", "", b"")

    def hear(self, message: bytes) -> Sequence[Sample]:
        """The samples of one message."""
        return self.grammar.heard({}, message)


def driver_of(profile: Profile, forms: Forms) -> type[ProfileDriver] | type[ProfileListener]:
    """The class of one profile's instruments."""
    members: dict[str, Any] = {"profile": profile, "forms": forms, "__module__": __name__}
    if profile.listens:
        line = LineOf(ENDS[profile.line.reply_end])
        members["shape"] = Checked(line, without_check(profile.line.check)) if profile.line.check else line
        return type("ProfileListener", (ProfileListener,), members)
    members["stale"] = profile.line.stale
    for name, each in profile.command.items():
        method = _method(name, each)
        members[method.__name__] = method
    return type("ProfileDriver", (ProfileDriver,), members)


Method = Callable[[ProfileDriver, Any], Awaitable[Done]]


def _method(name: str, asked: Command) -> Method:
    async def carried_out(self: ProfileDriver, given: Settings) -> Done:
        return await self.carry_out(name, asked, given)

    carried_out.__name__ = "command_" + name.replace("-", "_")
    mark = command(
        name, asked.title, parameters_of(name, asked.parameter), while_measuring=asked.while_measuring,
        passive=asked.passive, within_s=asked.within_s,
    )  # fmt: skip
    return mark(carried_out)
