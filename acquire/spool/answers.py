"""The store's answers as they come: one, or one for each stream of a batch. Their keys: docs/noloss.md, section 2."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import msgspec

from acquire.checksum import is_altered

_Id = Annotated[str, msgspec.Meta(max_length=64)]
_Seq = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
_Sum = Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)]

NOT_AN_ANSWER = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # ValidationError is a DecodeError


class Answer(NamedTuple):
    """Committed through N, of one stream. `batches`: this store takes batches."""

    stream: str
    through: int
    store: str
    epoch: str
    query: str
    batches: bool


class _Committed(msgspec.Struct, rename={"schema_": "schema", "query": "ask"}):
    schema_: Annotated[str, msgspec.Meta(pattern="^committed/1$")]
    stream: _Id
    through: _Seq
    store: _Id
    epoch: _Id
    query: _Id
    batches: bool = False
    crc32: _Sum | None = None


class _BatchCommitted(msgspec.Struct, rename={"schema_": "schema", "query": "ask"}):
    schema_: Annotated[str, msgspec.Meta(pattern="^batch-committed/1$")]
    through: dict[_Id, _Seq]
    store: _Id
    epoch: _Id
    query: _Id
    crc32: _Sum | None = None


_committed = msgspec.json.Decoder(_Committed)
_batch_committed = msgspec.json.Decoder(_BatchCommitted)


def answer(payload: bytes) -> Answer:
    """The answer to a message. Raises what is in NOT_AN_ANSWER."""
    said = _committed.decode(payload)
    _must_be_as_sent(payload, said.crc32)
    return Answer(said.stream, said.through, said.store, said.epoch, said.query, said.batches)


def answers_to_batch(payload: bytes) -> list[Answer]:
    """The answers to a batch. Raises what is in NOT_AN_ANSWER."""
    said = _batch_committed.decode(payload)
    _must_be_as_sent(payload, said.crc32)
    return [Answer(stream, n, said.store, said.epoch, said.query, True) for stream, n in said.through.items()]


def _must_be_as_sent(payload: bytes, stated: int | None) -> None:
    if is_altered(payload, stated, b',"crc32":'):
        raise msgspec.ValidationError("it was altered on the way")
