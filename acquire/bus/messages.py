"""Messages of the published contract, version 1. The JSON Schemas are generated from these models (contract.py).

What a reading says is declared once, as the driver's own struct (drivers/reading.py): its model is made of that. So are
the messages of the no-loss path of what their two ends decode (noloss.py).

`readings` and `committed` follow the no-loss protocol (docs/noloss.md, sections 2 to 4). What may change within /1 is
said in docs/bus.md, "What may change"; subscribers must ignore keys they do not know, so the models here do the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, RootModel, TypeAdapter

from acquire.bus import noloss
from acquire.bus.declared import model_of
from acquire.bus.names import Name
from acquire.seen import Seen
from drivers import Also, Axis, Reading


class Message(BaseModel):
    """Base of all messages and entries: unknown keys are kept out of the way, not refused."""

    # built when first used: a command that waits for few of them does not wait for all
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


LONGEST_WORDS = 120  # characters of what crossed a wire

NOT_ATTACHED = ("axes", "origin", "raw", "raw_encoding")  # subscribers get the number; the curve is in `readings`

if TYPE_CHECKING:  # what mypy is told: the declaration's fields (in a message flags and raw are text)
    ReadingEntry = Reading
    AttachedReading = Reading
else:

    class Column(model_of(Axis, Message)):
        """One column of an array reading."""

    class AlsoValue(model_of(Also, Message)):
        """A further quantity that came in the same reply."""

    _NESTED = {Axis: Column, Also: AlsoValue}

    class ReadingEntry(model_of(Reading, Message, _NESTED), allow_inf_nan=False):
        """One reading, with its raw bytes and, of an array, its columns."""

    class AttachedReading(model_of(Reading, Message, _NESTED, without=NOT_ATTACHED), allow_inf_nan=False):
        """A reading without its arrays and raw bytes; those are in `readings` under the same stream and seq."""

        stream: UUID
        seq: int = Field(ge=1)


class MarkerEntry(Message):
    """Begin or end of a measurement, put into the instrument's own stream so that attribution survives replay."""

    kind: Literal["marker"]
    mark: Literal["begin", "end"]
    measurement: UUID
    session: str
    step: str
    time: str
    channel: str | None = Field(None, description="the input measured; null: the instrument has but one")


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


Count = Annotated[int, Field(ge=0)]
Seq = Annotated[int, Field(ge=1)]
_PROMISED = {noloss.Id: UUID, noloss.Epoch: str, noloss.Host: str, noloss.Count: Count, noloss.Seq: Seq}


def _of_path(declaration: type[msgspec.Struct], **fields: Any) -> type[BaseModel]:
    """The model of a message of the no-loss path."""
    return model_of(declaration, Message, _PROMISED, **fields)


def _tag(schema: str) -> Any:
    return Literal[schema], Field(schema, alias="schema")


class Accepts(Message):
    """A command an instrument accepts, with the JSON Schema of its parameters."""

    name: str
    title: str
    parameters: dict[str, Any]
    while_measuring: bool = Field(False, description="carried out while a measurement is open, whatever its step")
    now: bool = Field(True, description="whether it would be carried out in the state told here")
    within_s: float | None = Field(None, description="given up, and the link recovered, when it takes longer")


class Framing(Message):
    """The instrument's own commands that frame a measurement, in order: its model says which, nobody types them."""

    zero: list[str] = Field([], description="sent in a zero step")
    before: list[str] = Field([], description="sent before the begin marker")
    start: list[str] = Field([], description="sent after the begin marker")
    stop: list[str] = Field([], description="sent before the end marker")


class Crossed(Message):
    """Bytes that crossed an instrument's wire, as text: what does not print is an escape, as \\r or \\x06."""

    text: str = Field(
        max_length=LONGEST_WORDS, pattern=r"^[\x20-\x7e]*$", description="the end of it, where it is long"
    )
    at: str = Field(description="when, UTC")


class State(Message):
    """Retained state of an instrument or of the daemon. "offline" is the last will's word."""

    schema_: Literal["state/1"] = Field("state/1", alias="schema")
    state: Literal["starting", "ready", "measuring", "fault", "not-acquiring", "stopped", "offline"]
    since: str = Field(description='a moment (UTC); of "offline": "unknown", since a last will is written beforehand')
    valid_until: str | None = Field(
        None, description="refreshed before this moment (UTC) while somebody is there; after it nothing is known"
    )
    why: str | None = Field(
        None, description="one plain sentence: why the state is not ready, or what somebody must know of although it is"
    )
    driver: str | None = Field(None, description="its model's name, as `acquire drivers` lists it")
    model: str | None = Field(None, description="as the instrument itself spells it")
    serial: str | None = None
    firmware: str | None = None
    measures: str | None = Field(None, description="the quantity it is set to give now")
    integrates: Literal["running", "reset", "elements", "none"] | None = Field(
        None, description="how that quantity adds up: it runs on, from a reset, by dosimeter element, or not at all"
    )
    framing: Framing | None = None
    channels: list[str] = Field([], description="the inputs of an instrument with several")
    settings: dict[str, Any] = Field({}, description="what the instrument itself says it is set to, read back")
    stream: UUID | None = None
    measurement: UUID | None = None
    emitted: int | None = Field(None, description="entries appended to the spool since start")
    last_request: Crossed | None = Field(None, description="the last bytes sent to it when this was said")
    last_reply: Crossed | None = Field(None, description="the last bytes that came from it when this was said")
    run: UUID | None = Field(None, description="made when the daemon starts; a command that names it acts in no other")
    commands: list[Accepts] = []


# Commands that only make things safer, whenever they come: an end names its measurement, and does nothing where that is
# not under way. A late `hold` would stop the next measurement, so it is not among them.
NEVER_TOO_LATE = ("end",)


class Command(Message):
    """A request. Answered on the MQTT 5 response topic, or on `reply_to`. Same `id`, same answer.

    What keeps a request from acting late or twice is optional: `sent` with `valid_s`, and `run` (docs/commands.md).
    """

    schema_: Literal["command/1"] = Field("command/1", alias="schema")
    id: UUID
    by: Seen = Field(
        min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$",
        description="who asks: a user or program name, never a patient",
    )  # fmt: skip
    reply_to: str | None = None
    sent: AwareDatetime | None = Field(None, description="the asker's clock, with its time zone")
    valid_s: float = Field(60, gt=0, le=300, description="from `sent` on; later it is refused, and nothing is done")
    run: UUID | None = Field(None, description="the instrument's `run` as its state told it")
    parameters: dict[str, Any] = {}


class Answer(Message):
    """Answer to a command: ok with a result, or a plain refusal."""

    schema_: Literal["answer/1"] = Field("answer/1", alias="schema")
    id: UUID
    ok: bool
    result: dict[str, Any] = {}
    error: str | None = None


class Attached(Message):
    """Readings that the store has committed and that belong to this measurement."""

    measurement: UUID
    step: str
    readings: list[AttachedReading]


class StepChange(Message):
    """A step began, ended, was given up or was left out."""

    mark: Literal["begin", "end", "abandoned", "not-measured"]
    step: str
    measurement: UUID | None = Field(None, description="null for a step that was not measured")
    stream: UUID | None = Field(None, description="where the marker is, of begin and end")
    seq: int | None = Field(None, ge=1)
    time: str = Field(description="when it happened, UTC")
    beam_given: bool | None = Field(None, description="of an abandoned attempt")
    channel: str | None = Field(None, description="the input measured, of an instrument with several")


class StateChange(Message):
    """The session entered a state."""

    state: str = Field(description="PLANNED, READY, MEASURING, MEASURED, CALCULATED or CANCELLED")
    previous: str | None = Field(description="null when the session was started")
    order: str
    plan_version: int
    fraction: int
    simulated: bool = Field(description="true: not a patient's measurement, whatever the numbers look like")


class ResultChange(Message):
    """A new version of the result at a point. Numbers are absent where the decision is INVALID."""

    point: str
    version: int = Field(ge=1)
    decision: str = Field(
        description="PASS; PASS, uncertainty band; OUT OF TOLERANCE; ACTION; INVALID or REPORT ONLY"
    )  # fmt: skip
    dose_gy: float | None = None
    u_gy: float | None = Field(None, description="standard uncertainty, k = 1")
    expected_gy: float | None = None
    deviation_percent: float | None = None
    output_sha256: str = Field(description="of the stored result, as the record prints it")
    simulated: bool
    transcribed: bool | None = Field(None, description="true: its charge was entered from a form by hand")


class NoticeChange(Message):
    """Something must reach people, or what became of it. Who they are is not said."""

    notice: int = Field(ge=1)
    mark: str = Field(description="arisen, acknowledged (by one role), stand-in, not-delivered (a mail) or lifted")
    cause: str = Field(
        description="ACTION, OUT OF TOLERANCE, TWICE OUT, INVALID, RESULT AWAITED or RESULT NOT THERE"
    )  # fmt: skip
    point: str
    version: int | None = Field(None, ge=1, description="of the result; null where there is none")
    holds: bool = Field(description="true: the next fraction's session waits until the notice is lifted")
    order: str
    fraction: int
    simulated: bool


class _Event(Message):
    schema_: Literal["event/1"] = Field("event/1", alias="schema")
    session: Name
    time: str = Field(description="when it was told or, of state and result, when it happened, UTC")


class StateEvent(_Event):
    """The session entered a state."""

    event: Literal["state"]
    detail: StateChange


class StepEvent(_Event):
    """A step began, ended, was given up or was left out."""

    event: Literal["step"]
    detail: StepChange


class AttachedEvent(_Event):
    """Readings were committed and belong to a measurement of the session."""

    event: Literal["attached"]
    detail: Attached


class ResultEvent(_Event):
    """A point has a new result."""

    event: Literal["result"]
    detail: ResultChange


class NoticeEvent(_Event):
    """Something of the session must reach people, or what became of it."""

    event: Literal["notice"]
    detail: NoticeChange


class SessionEvent(
    RootModel[
        Annotated[StateEvent | StepEvent | AttachedEvent | ResultEvent | NoticeEvent, Field(discriminator="event")]
    ]
):
    """Something that happened in a session: ids only, never a person."""

    model_config = ConfigDict(defer_build=True)


ChainPlace = Annotated[
    tuple[Annotated[int, Field(ge=0)], Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]],
    Field(description="number and hash of the newest entry of a chain; 0 and zeros: it has none"),
]


class Anchor(Message):
    """The newest hashes of the store's chains. Kept elsewhere, they show later that a chain was recomputed or cut."""

    schema_: Literal["anchor/1"] = Field("anchor/1", alias="schema")
    store: UUID
    at: str = Field(description="UTC, ISO 8601")
    audit: ChainPlace
    seal: ChainPlace


_Part: Any = _of_path(noloss.Part, readings=(list[Entry], ...))
_readings = msgspec.json.Decoder(noloss.Readings)
_entries: TypeAdapter[list[Any]] = TypeAdapter(list[Entry], config=ConfigDict(defer_build=True))


def readings_of(payload: bytes) -> noloss.Readings:
    """A readings message for one who looks on, its entries as the contract's. Raises ValueError where it is none."""
    try:
        said = _readings.decode(payload)
    except RecursionError:
        raise ValueError("it is no JSON that can be read: brackets stand too deep in brackets") from None
    if said.schema_ != "readings/1":
        raise ValueError(f"it is of the schema {said.schema_[:40]!r}")
    said.readings = _entries.validate_python(said.readings)
    return said


MESSAGES: dict[str, type[BaseModel]] = {
    "readings/1": _of_path(noloss.Readings, schema_=_tag("readings/1"), readings=(list[Entry], ...)),
    "committed/1": _of_path(noloss.Committed, schema_=_tag("committed/1")),
    "batch/1": _of_path(noloss.Batch, schema_=_tag("batch/1"), parts=(list[_Part], ...)),
    "batch-committed/1": _of_path(noloss.BatchCommitted, schema_=_tag("batch-committed/1")),
    "state/1": State,
    "command/1": Command,
    "answer/1": Answer,
    "event/1": SessionEvent,
    "anchor/1": Anchor,
}
