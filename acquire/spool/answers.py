"""The store's answers as they come: one, or one for each stream of a batch."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from acquire.bus.noloss import BatchCommitted, Committed
from acquire.checksum import is_altered

NOT_AN_ANSWER = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # ValidationError is a DecodeError


class Answer(NamedTuple):
    """Committed through N, of one stream. `batches`: this store takes batches."""

    stream: str
    through: int
    store: str
    epoch: str
    query: str
    batches: bool


_committed = msgspec.json.Decoder(Committed)
_batch_committed = msgspec.json.Decoder(BatchCommitted)


def answer(payload: bytes) -> Answer:
    """The answer to a message. Raises what is in NOT_AN_ANSWER."""
    said = _committed.decode(payload)
    _must_be_as_sent(payload, said, "committed/1")
    return Answer(said.stream, said.through, said.store, said.epoch, said.query, said.batches)


def answers_to_batch(payload: bytes) -> list[Answer]:
    """The answers to a batch. Raises what is in NOT_AN_ANSWER."""
    said = _batch_committed.decode(payload)
    _must_be_as_sent(payload, said, "batch-committed/1")
    return [Answer(stream, n, said.store, said.epoch, said.query, True) for stream, n in said.through.items()]


def _must_be_as_sent(payload: bytes, said: Committed | BatchCommitted, schema: str) -> None:
    if said.schema_ != schema:
        raise msgspec.ValidationError(f"it is of the schema {said.schema_[:40]!r}")
    if is_altered(payload, said.crc32, b',"crc32":'):
        raise msgspec.ValidationError("it was altered on the way")
