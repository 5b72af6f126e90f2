"""Messages of the published contract, version 1. The JSON Schemas are generated from these models.

`readings` and `committed` follow the no-loss protocol (docs/noloss.md, sections 2 to 4). Within /1 keys may be added
but never change name or meaning; subscribers must ignore keys they do not know, so the models here do the same.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from acquire.bus.names import Name


class Message(BaseModel):
    """Base of all messages and entries: unknown keys are kept out of the way, not refused."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Column(Message):
    """One column of an array reading."""

    unit: str
    values: list[float]


class AlsoValue(Message):
    """A further quantity that came in the same reply."""

    unit: str
    value: float | None = None


class ReadingEntry(Message):
    """One reading of an instrument. `value` is absent where a flag forbids a number (overload, zero check, ...)."""

    kind: Literal["scalar", "glow-curve", "curve", "unparsed"]
    quantity: str
    unit: str = Field(description="UCUM")
    value: float | None = Field(None, allow_inf_nan=False)
    u: float | None = Field(None, ge=0, description="standard uncertainty stated by the instrument, same unit")
    role: str = Field("sample", description='"sample", "pmt-noise", "reference-light", "background"')
    flags: list[str] = []
    time: str = Field(description="host clock, UTC, ISO 8601")
    monotonic_s: float
    elapsed_s: float | None = Field(None, description="the instrument's own running clock")
    clock: str | None = Field(None, description="the instrument's calendar clock, no time zone")
    channel: str | None = None
    range: str | None = None
    mode: str | None = None
    element: str | None = Field(None, description="dosimeter id as the reader states it")
    element_index: int | None = None
    also: dict[str, AlsoValue] = {}
    axes: dict[str, Column] = {}
    origin: dict[str, str | int] = {}
    note: str | None = None
    raw: str = Field(description="the bytes this was parsed from, as text or base64")
    raw_encoding: Literal["text", "base64"] = "text"


class MarkerEntry(Message):
    """Begin or end of a measurement, put into the instrument's own stream so that attribution survives replay."""

    kind: Literal["marker"]
    mark: Literal["begin", "end"]
    measurement: UUID
    session: str
    step: str
    time: str


class WithheldEntry(Message):
    """Stands for an original that could not be sent; the source keeps it."""

    kind: Literal["withheld"]
    reason: str
    bytes: int = Field(ge=0)
    sha256: str


class GapEntry(Message):
    """Readings that were not taken. `count` is null where nobody knows how many."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    kind: Literal["gap"]
    reason: str
    count: int | None = Field(None, ge=0)
    from_: str = Field(alias="from")
    to: str


Entry = Annotated[ReadingEntry | MarkerEntry | WithheldEntry | GapEntry, Field(discriminator="kind")]


class Readings(Message):
    """Source to store. `readings` holds seq first_seq, first_seq+1, ... without a gap; empty it is a question."""

    schema_: Literal["readings/1"] = Field("readings/1", alias="schema")
    stream: UUID
    first_seq: int = Field(ge=1)
    readings: list[dict[str, Any]]
    source: UUID
    head: int = Field(ge=0)
    oldest: int = Field(ge=1)
    ended: Literal["closed", "link-lost", "crash", "spool-full", "restored", "receded"] | None
    ask: UUID
    epoch: str | None
    older: int = Field(ge=0)


class Committed(Message):
    """Store to source: every seq 1..through of this stream is in this store, in this epoch."""

    schema_: Literal["committed/1"] = Field("committed/1", alias="schema")
    stream: UUID
    through: int = Field(ge=0)
    store: UUID
    epoch: str
    ask: UUID


class Accepts(Message):
    """A command an instrument accepts, with the JSON Schema of its parameters."""

    name: str
    title: str
    parameters: dict[str, Any]


class State(Message):
    """Retained state of an instrument or of the daemon. "offline" is the last will's word."""

    schema_: Literal["state/1"] = Field("state/1", alias="schema")
    state: Literal["starting", "ready", "measuring", "fault", "not-acquiring", "stopped", "offline"]
    since: str
    why: str | None = Field(None, description="one plain sentence where the state is not ready")
    model: str | None = None
    serial: str | None = None
    firmware: str | None = None
    stream: UUID | None = None
    measurement: UUID | None = None
    emitted: int | None = Field(None, description="entries appended to the spool since start")
    commands: list[Accepts] = []


class Command(Message):
    """A request. Answered on the MQTT 5 response topic, or on `reply_to`. Same `id`, same answer."""

    schema_: Literal["command/1"] = Field("command/1", alias="schema")
    id: UUID
    by: str = Field(min_length=1, description="who asks: a user or program name, never a patient")
    reply_to: str | None = None
    parameters: dict[str, Any] = {}


class Answer(Message):
    """Answer to a command: ok with a result, or a plain refusal."""

    schema_: Literal["answer/1"] = Field("answer/1", alias="schema")
    id: UUID
    ok: bool
    result: dict[str, Any] = {}
    error: str | None = None


class SessionEvent(Message):
    """Something that happened in a session: ids only, never a person."""

    schema_: Literal["event/1"] = Field("event/1", alias="schema")
    session: Name
    event: Literal["state", "step", "attached", "result"]
    time: str
    detail: dict[str, Any] = {}


MESSAGES: dict[str, type[Message]] = {
    "readings/1": Readings,
    "committed/1": Committed,
    "state/1": State,
    "command/1": Command,
    "answer/1": Answer,
    "event/1": SessionEvent,
}
