"""The inputs of a result as they are kept: what the documents gave, what the readings came to, what forbids a number.

In the JSON they are one object; which records stand in it is known from the method of the point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import fields

from acquire.procedure.records.needs import Needs
from acquire.procedure.records.record import SPELT, Flat, Number, Record, of_plain, plain


class FindingRecord(Record, frozen=True, kw_only=True):
    """What a check of a curve found (acquire.quality); value and limit are None where it could not be judged."""

    check: str
    severity: str
    of: str | None
    value: Number | None
    limit: Number | None
    unit: str | None
    sentence: str
    source: str


class QualityControlValues(Record, frozen=True, kw_only=True):
    """What was read of PMT noise or reference light, None where there was no number."""

    unit: str
    values: tuple[Number | None, ...]


class FirstRecord(Record, frozen=True, kw_only=True):
    """The entry with which a reader run begins."""

    stream: str
    seq: int


class RunTold(Record, frozen=True, kw_only=True, rename=SPELT):
    """The reader run of a result: what names it, what was read in it, its quality control, and a sentence of it."""

    reader: str
    begins: str
    first: FirstRecord
    elements: tuple[str, ...]
    standards: tuple[str, ...]
    controls: tuple[str, ...]
    checks: tuple[str, ...]
    says: str
    states: str | None = None
    reader_is: str | None = None
    file: str | None = None
    offset: int | None = None
    pmt_noise: QualityControlValues | None = None
    light: QualityControlValues | None = None


class DwellRecord(Record, frozen=True, kw_only=True):
    """The console's dwell time against plan and decay."""

    days: Number
    strength_u: Number
    strength_u_percent: Number
    expected_s: Number
    console_s: Number
    deviation_percent: Number
    says: str


class InputsHead(Record, frozen=True, kw_only=True):
    """What the inputs of every method have. `invalid`: a sentence for each thing that forbids a number.

    transcribed: the sentence of a charge that was entered from a form.
    """

    point: str
    method: str
    invalid: tuple[str, ...]
    remarks: tuple[str, ...]
    channel: str | None = None
    bound_detector: str | None = None
    reader_run: RunTold | None = None
    transcribed: str | None = None
    dwell: DwellRecord | None = None
    quality: tuple[FindingRecord, ...] | None = None
    doubts: tuple[str, ...] | None = None


class Inputs(InputsHead, frozen=True, kw_only=True):
    """All of them. `needs` and `measured` are None where a document or a reading did not give them.

    parts: the inputs of the points that this one is the mean of; beside: of those that it could be exchanged with;
    began: of the part of the same beam that was given in another session, before it was interrupted.
    """

    needs: Needs | None = None
    measured: Struct | None = None
    parts: tuple[Inputs, ...] | None = None
    beside: tuple[Inputs, ...] | None = None
    began: Inputs | None = None

    def plain(self) -> dict[str, Any]:
        """As they are stored."""
        head = InputsHead(**{name: getattr(self, name) for name in InputsHead.__struct_fields__})
        parts = {} if self.parts is None else {"parts": [each.plain() for each in self.parts]}
        beside = {} if self.beside is None else {"beside": [each.plain() for each in self.beside]}
        began = {} if self.began is None else {"began": self.began.plain()}
        return plain(head, self.needs, self.measured) | parts | beside | began


Kinds = Callable[[str], tuple[type[Needs], type[Struct] | None]]  # of a method: its needs, and what was measured


def inputs_of(flat: Flat, kinds: Kinds) -> Inputs:
    """The inverse. Raises msgspec.ValidationError (a ValueError) for what are no inputs."""
    head = of_plain(flat, InputsHead)
    needs, measured = kinds(head.method)
    parts, beside, began = flat.get("parts"), flat.get("beside"), flat.get("began")
    return Inputs(
        **{name: getattr(head, name) for name in head.__struct_fields__},
        needs=of_plain(flat, needs) if "components" in flat else None,
        measured=of_plain(flat, measured) if measured is not None and _has(flat, measured) else None,
        parts=None if parts is None else tuple(inputs_of(each, kinds) for each in parts),
        beside=None if beside is None else tuple(inputs_of(each, kinds) for each in beside),
        began=None if began is None else inputs_of(began, kinds),
    )


def _has(flat: Mapping[str, Any], kind: type[Struct]) -> bool:
    """Whether what a record cannot be without is there: it was not measured otherwise."""
    return all(each.encode_name in flat for each in fields(kind) if each.required)
