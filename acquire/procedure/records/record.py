"""The base of the records, and how several of them stand in one JSON object.

Stored results keep their bytes for ever, so a record's spelling is fixed here and follows no document's. A field that
is absent from the JSON where it says nothing has a default (None, or UNSET where null says something else); one that is
always there has none. What a later release adds gets a default, and none is ever taken away: then every stored result
can be read, and one that is calculated again by its own version has its own bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

# As it was written: an integer stays one. The digest of a formula's inputs tells 100 from 100.0.
Number = int | float
Flat = Mapping[str, Any]  # a JSON object with the keys of several records, not taken apart yet


SPELT = {"reader_is": "is", "pmt_noise": "pmt-noise", "light": "reference-light"}  # names that Python cannot have


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A frozen record of named fields; see the module for what a default means."""


R = TypeVar("R", bound=msgspec.Struct)


def plain(*records: msgspec.Struct | None) -> dict[str, Any]:
    """The fields of these records in one object of dictionaries, lists, text and numbers."""
    made: dict[str, Any] = {}
    for record in records:
        if record is not None:
            made |= msgspec.json.decode(msgspec.json.encode(record))
    return made


def of_plain(flat: Flat, kind: type[R]) -> R:
    """The inverse, for one of them; keys of others are left. Raises msgspec.ValidationError (a ValueError)."""
    return msgspec.convert(flat, kind)


def of_document(document: object, kind: type[R]) -> R:
    """A record of what a person wrote: the fields that the record has, whatever else the document's model gets."""
    return msgspec.convert(document, kind, from_attributes=True)


def extended(record: msgspec.Struct, kind: type[R], **more: Any) -> R:
    """The record of a kind that has more fields."""
    return kind(**{name: getattr(record, name) for name in record.__struct_fields__}, **more)
