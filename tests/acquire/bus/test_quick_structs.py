"""What the two ends of the no-loss path read quickly has the keys of the contract's messages, no more and no fewer."""

from __future__ import annotations

import msgspec
import pytest
from pydantic import BaseModel

from acquire.bus import messages
from acquire.spool import answers
from acquire.store import envelope

PAIRS = [
    (envelope.Envelope, messages.Readings), (envelope.Part, messages.Part), (envelope.Batch, messages.Batch),
    (answers._Committed, messages.Committed), (answers._BatchCommitted, messages.BatchCommitted),
]  # fmt: skip


@pytest.mark.parametrize(("quick", "model"), PAIRS)
def test_keys_and_which_of_them_may_be_absent_are_the_contracts(
    quick: type[msgspec.Struct], model: type[BaseModel]
) -> None:
    stated = {field.alias or name: field.is_required() for name, field in model.model_fields.items()}
    read = {field.encode_name: field.required for field in msgspec.structs.fields(quick)}
    assert read.keys() == stated.keys()
    differ = {key for key in read if read[key] != stated[key]}
    assert differ <= {"schema", "checksums"}, "a batch's parts have checksums: envelope.ValidPart asks for them"
