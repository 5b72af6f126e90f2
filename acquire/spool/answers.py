"""The store's answers as they come: one, or one for each stream of a batch. Their keys: docs/noloss.md, section 2."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import msgspec

_Id = Annotated[str, msgspec.Meta(max_length=64)]
_Seq = Annotated[int, msgspec.Meta(ge=0, le=2**62)]

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


class _BatchCommitted(msgspec.Struct, rename={"schema_": "schema", "query": "ask"}):
    schema_: Annotated[str, msgspec.Meta(pattern="^batch-committed/1$")]
    through: dict[_Id, _Seq]
    store: _Id
    epoch: _Id
    query: _Id


_committed = msgspec.json.Decoder(_Committed)
_batch_committed = msgspec.json.Decoder(_BatchCommitted)


def answer(payload: bytes) -> Answer:
    """The answer to a message. Raises what is in NOT_AN_ANSWER."""
    said = _committed.decode(payload)
    return Answer(said.stream, said.through, said.store, said.epoch, said.query, said.batches)


def answers_to_batch(payload: bytes) -> list[Answer]:
    """The answers to a batch. Raises what is in NOT_AN_ANSWER."""
    said = _batch_committed.decode(payload)
    return [Answer(stream, n, said.store, said.epoch, said.query, True) for stream, n in said.through.items()]
