"""The messages of the no-loss path (docs/noloss.md section 2), each declared once, as the two ends decode it.

Model and schema of the contract follow from these (messages.py), so that a new field is a line here and its use. Here
an id is any short text and a number has an upper bound: what the two ends must bear; the contract promises UUIDs.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from drivers.reading import says

Id = Annotated[str, Meta(pattern=r"^[0-9A-Za-z._-]{1,64}\Z")]
Epoch = Annotated[str, Meta(pattern=r"^[0-9A-Za-z._-]{1,64}\Z", title="epoch")]
Host = Annotated[str, Meta(pattern=r"^([a-z0-9][a-z0-9._-]{0,63})?\Z")]
Count = Annotated[int, Meta(ge=0, le=2**62)]
Seq = Annotated[int, Meta(ge=0, le=2**62, title="seq")]  # the contract promises 1 and more
Checksum = Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]
Ended = Literal["closed", "link-lost", "crash", "spool-full", "restored", "receded"]
Sum = Annotated[Checksum | None, says("CRC-32 of the message's bytes before the entries or, of an answer, before this")]

ON_THE_WIRE = {"schema_": "schema", "query": "ask", "unconfirmed_streams": "older", "copy_": "copy"}


class OfStream(msgspec.Struct, rename=ON_THE_WIRE, kw_only=True):
    """What a source says of one stream. `readings` holds seq first_seq, first_seq+1, ... without a gap."""

    stream: Id
    first_seq: Seq
    readings: list[Any]
    head: Count
    oldest: Seq
    ended: Ended | None
    why: Annotated[str | None, says("the sentence of the fault that ended the stream, where one did")] = None
    unconfirmed_streams: Count
    crc32: Sum = None


class Readings(OfStream, rename=ON_THE_WIRE, kw_only=True):
    """Source to store. `readings` holds seq first_seq, first_seq+1, ... without a gap; empty it is a question."""

    schema_: str
    source: Id
    query: Id
    epoch: Epoch | None
    checksums: Annotated[list[Checksum] | None, says("one an entry, as they were made when it was appended")] = None
    host: Annotated[
        Host | None,
        says('the level under "daemon" where this source sends batches, "" without one; null: it sends none'),
    ] = None
    copy_: Annotated[bool, says("for onlookers: the store has these entries from a batch")] = False


class Part(OfStream, rename=ON_THE_WIRE, kw_only=True):
    """What a batch says of one stream: as much as a readings message does."""

    checksums: list[Checksum]


class Batch(msgspec.Struct, rename=ON_THE_WIRE, kw_only=True):
    """Host to store: several readings messages of one source in one, each of a stream that the store knows."""

    schema_: str
    source: Id
    query: Id
    epoch: Epoch | None
    parts: list[Any]
    crc32: Sum = None


class Committed(msgspec.Struct, rename=ON_THE_WIRE, kw_only=True):
    """Store to source: every seq 1..through of this stream is in this store, in this epoch."""

    schema_: str
    stream: Id
    through: Count
    store: Id
    epoch: Epoch
    query: Id
    batches: Annotated[bool, says("this store takes batches")] = False
    crc32: Sum = None


class BatchCommitted(msgspec.Struct, rename=ON_THE_WIRE, kw_only=True):
    """Store to host: as many committed messages in one, by stream."""

    schema_: str
    store: Id
    epoch: Epoch
    query: Id
    through: dict[Id, Count]
    crc32: Sum = None
