"""What may stand in a profile: its tables and keys, each with what it says (docs/write-a-profile.md)."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from drivers.model import Evidence, Integrates, Verified
from drivers.transport.serial_settings import SerialSettings

Text = Annotated[str, StringConstraints(min_length=1, max_length=400)]
Sentence = Annotated[str, StringConstraints(min_length=11, max_length=400)]


def _name(form: str, allowed: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(form, text):
            raise ValueError(f"'{text[:40]}' is no name that is allowed here; allowed are {allowed}")
        return text

    return AfterValidator(check)


Name = Annotated[
    str, _name(r"[a-z](?:_?[a-z0-9]){0,30}", "up to 31 small letters, digits and single _, a letter first")
]
ModelName = Annotated[
    str, _name(r"(?=.{1,60}\Z)[a-z0-9]+(-[a-z0-9]+)*", "up to 60 small letters and digits, with single - between them")
]
CommandName = Annotated[
    str,
    _name(r"(?=[a-z].{0,39}\Z)[a-z0-9]+(-[a-z0-9]+)*", "up to 40 small letters, digits and single -, a letter first"),
]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
End = Literal["cr", "lf", "crlf", "none"]
Unit = Text


class Written(BaseModel):
    """Base of every table: unknown keys are refused so that a misspelt one is noticed; a text is no number."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True, defer_build=True)


class Held(Written):
    """Something the profile was held against, and what was shown by it (drivers.model.Verified)."""

    against: Sentence
    what: Sentence
    kind: Evidence = "simulator"
    by: str = ""
    firmware: str = ""
    date: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Held:
        Verified(**self.model_dump())  # raises ValueError
        return self


class Check(Written):
    """Two hexadecimal digits at the end of a reply, behind a sign, over every byte before the sign."""

    kind: Literal["xor8", "sum8"]
    after: Annotated[str, StringConstraints(min_length=1, max_length=1)]


class Line(Written):
    """How requests and replies are framed, and how patient and how often is asked unless the configuration says."""

    request_end: End = "crlf"
    reply_end: Literal["any", "cr", "lf", "crlf"] = "any"
    encoding: Literal["ascii", "latin-1"] = "ascii"
    echo: bool = False
    check: Check | None = None
    longest: int = Field(512, ge=1, le=65536, description="bytes of a reply; a longer one is not believed")
    stale: int = Field(0, ge=0, le=20, description="so many takes after a change may be of before it")
    poll_interval_s: float = Field(0.25, ge=0, le=60)
    timeout_s: float = Field(3.0, gt=0, le=120)
    serial: SerialSettings = SerialSettings()


class Identity(Written):
    """How it is asked who it is. The pattern's groups are model, serial and firmware, each where it is told."""

    send: Text
    pattern: Pattern
    model: Text


class Quantity(Written):
    """A quantity that it gives, in the unit in which it is kept, and how that adds up."""

    unit: Unit
    integrates: Integrates


class Told(Written):
    """What a group of a reading's pattern is, so named: which keys go with which `is` stands in fields.KEYS."""

    role: Literal["value", "also", "elapsed", "flags", "channel", "count", "range", "mode", "element", "attribute"] = (
        Field(alias="is")
    )
    quantity: Name | None = None
    unit: Unit | None = None
    min: float | None = None
    max: float | None = None
    sentinels: dict[str, tuple[str, ...]] = {}
    means: dict[str, tuple[str, ...]] = {}
    values: tuple[Text, ...] = ()
    setting: Name | None = None


class Column(Written):
    """Some characters of a fixed place that a field takes."""

    field: Name
    width: int = Field(ge=1, le=64)


class Reading(Written):
    """A reply with readings: one pattern, a layout of fixed columns, or a form that stands once for each channel."""

    send: Text | None = None
    polled: bool = True
    pattern: Pattern | None = None
    layout: tuple[Text | Column, ...] = ()
    head: str = ""
    each: Pattern | None = None
    between: str = ""
    tail: str = ""


class ErrorReply(Written):
    """A reply that says no, or that there is no number: to any request."""

    pattern: Pattern
    means: Literal["declined", "flags"]
    texts: dict[str, Text] = {}
    flags: tuple[str, ...] = ()


class Exchange(Written):
    """Something that is sent; without a reply nothing is waited for. reply_within_s: instead of the usual time-out."""

    send: Text
    reply: Pattern | None = None
    reply_within_s: float | None = Field(None, gt=0, le=600)


class Typed(Written):
    """A value that a person gives: one of some words, or a number in a range."""

    values: tuple[Text, ...] = ()
    min: float | None = None
    max: float | None = None
    decimals: int = Field(0, ge=0, le=9)
    unit: Unit | None = None


class Setting(Typed):
    """A setting: sent when the instrument is opened, and read back. Its pattern's group is `value`."""

    default: str | float
    send: Text
    reply: Pattern | None = None
    ask: Text
    answer: Pattern


class Command(Written):
    """A command by name; `gives` names the reading that is its reply."""

    title: Text
    send: Text
    reply: Pattern | None = None
    reply_within_s: float | None = Field(None, gt=0, le=600)
    gives: Name | None = None
    parameter: dict[Name, Typed] = {}
    while_measuring: bool = False
    passive: bool = False
    within_s: float = Field(60.0, gt=0, le=3600)


class Frame(Written):
    """The commands that frame a measurement (drivers.model.Framing)."""

    zero: tuple[CommandName, ...] = ()
    before: tuple[CommandName, ...] = ()
    start: tuple[CommandName, ...] = ()
    stop: tuple[CommandName, ...] = ()


class Profile(Written):
    """One instrument."""

    profile: Literal[1]
    name: ModelName
    vendor: Text
    title: Text
    protocol: Literal["invented", "captured", "documented"]
    transports: Annotated[tuple[Literal["serial", "tcp", "visa"], ...], Field(min_length=1)]
    channels: tuple[Text, ...] = ()
    assumed: Annotated[tuple[Sentence, ...], Field(min_length=1)]
    verified: Annotated[tuple[Held, ...], Field(min_length=1)]
    line: Line = Line()
    identity: Identity | None = None
    quantity: Annotated[dict[Name, Quantity], Field(min_length=1)]
    field: Annotated[dict[Name, Told], Field(min_length=1)]
    reading: Annotated[dict[Name, Reading], Field(min_length=1)]
    error: dict[Name, ErrorReply] = {}
    setup: tuple[Exchange, ...] = ()
    setting: dict[Name, Setting] = {}
    command: dict[CommandName, Command] = {}
    framing: Frame = Frame()
    stand_down: tuple[Exchange, ...] = ()

    @property
    def listens(self) -> bool:
        """Whether the instrument speaks by itself: it is never asked anything."""
        return self.identity is None

    @property
    def polled(self) -> dict[str, Reading]:
        """The readings that are asked for in every take, in the order of the file."""
        return {name: each for name, each in self.reading.items() if each.polled}
