"""A reading goes from the struct to canonical JSON in one step, and the bytes are those of the long way round."""

from __future__ import annotations

import base64
import math
import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquire.bus.codec import encode_reading, reading_decoder
from acquire.bus.messages import ReadingEntry
from acquire.canonical import canonical
from acquire.instruments.entries import reading_body
from drivers import Also, Axis, Flag, Reading
from drivers.reading import NO_VALUE

FINITE = st.floats(allow_nan=False, allow_infinity=False)
INTEGERS = st.integers(-(2**63), 2**63 - 1)


def leaves(numbers: st.SearchStrategy[float]) -> dict[Any, st.SearchStrategy[Any]]:
    return {
        str: st.text(max_size=8), int: INTEGERS, float: numbers, type(None): st.none(), Flag: st.sampled_from(Flag),
        bytes: st.binary(max_size=20) | st.text(max_size=20).map(str.encode),
        Also: st.builds(Also, unit=st.text(max_size=3), value=st.none() | numbers),
        Axis: st.builds(Axis, unit=st.text(max_size=3), values=st.lists(numbers, max_size=4).map(tuple)),
    }  # fmt: skip


def of(annotation: Any, leaf: dict[Any, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Anything of a declared type, so that a new field is tried without being named here."""
    if annotation in leaf:
        return leaf[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return of(arguments[0], leaf)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, types.UnionType):
        return st.one_of([of(each, leaf) for each in arguments])
    if origin is tuple:
        return st.lists(of(arguments[0], leaf), max_size=3).map(tuple)
    assert origin is dict, annotation
    return st.dictionaries(of(arguments[0], leaf), of(arguments[1], leaf), max_size=3)


def readings(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[Reading]:
    fields = [field for field in msgspec.structs.fields(Reading) if field.name != "raw_encoding"]
    needed = {field.name: of(field.type, leaves(numbers)) for field in fields if field.required}
    others = {field.name: of(field.type, leaves(numbers)) for field in fields if not field.required}
    return st.fixed_dictionaries(needed, optional=others).map(without_a_forbidden_number)


def without_a_forbidden_number(said: dict[str, Any]) -> Reading:
    value = said.get("value")
    if value is not None and (not math.isfinite(value) or not NO_VALUE.isdisjoint(said.get("flags", ()))):
        said = said | {"value": None}
    return Reading(**said)


def the_long_way(reading: Reading) -> bytes:
    """By way of a dictionary, as it was before."""
    said: dict[str, Any] = msgspec.to_builtins(reading, builtin_types=(bytes,))
    try:
        said["raw"] = reading.raw.decode("utf-8")
    except UnicodeDecodeError:
        said |= {"raw": base64.b64encode(reading.raw).decode("ascii"), "raw_encoding": "base64"}
    return canonical(said)


@pytest.mark.slow
@settings(max_examples=1000, deadline=None)
@given(readings(st.floats() | INTEGERS))
def test_the_bytes_are_those_of_the_long_way(reading: Reading) -> None:
    before = repr(reading)
    assert reading_body(reading) == the_long_way(reading)
    assert repr(reading) == before


@settings(max_examples=500, deadline=None)
@given(readings(st.floats(0, allow_infinity=False)))
def test_store_and_model_take_every_body_and_call_it_canonical(reading: Reading) -> None:
    body = reading_body(reading)
    assert encode_reading(reading_decoder.decode(body)) == body
    ReadingEntry.model_validate_json(body, strict=True)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", {"raw": ""}),
        (b"+15.6E-09NCOUL\r\n", {"raw": "+15.6E-09NCOUL\r\n"}),
        ("6,0 µGy".encode(), {"raw": "6,0 µGy"}),
        (b"+1\xff", {"raw": "KzH/", "raw_encoding": "base64"}),
        (b"\xed\xa0\x80", {"raw": "7aCA", "raw_encoding": "base64"}),
        (b"\x00\x01", {"raw": "\x00\x01"}),
    ],
)
def test_bytes_are_text_where_they_are_utf_8(raw: bytes, said: dict[str, str]) -> None:
    reading = Reading(kind="scalar", quantity="charge", unit="C", raw=raw, time="t", monotonic_s=1.0)
    body = {"kind": "scalar", "quantity": "charge", "unit": "C", "time": "t", "monotonic_s": 1.0}
    assert msgspec.json.decode(reading_body(reading)) == body | said


Take = Callable[[bytes], object]


@pytest.mark.parametrize(
    "take",
    [reading_decoder.decode, lambda body: ReadingEntry.model_validate_json(body, strict=True)],  # type: ignore[attr-defined]
    ids=["struct", "model"],
)
def test_a_flag_of_a_later_version_is_taken(take: Take) -> None:
    body = canonical({"kind": "scalar", "quantity": "charge", "unit": "C", "time": "t", "monotonic_s": 1.0, "raw": "",
                      "flags": ["a-word-of-tomorrow"]})  # fmt: skip
    assert take(body).flags == ("a-word-of-tomorrow",)  # type: ignore[attr-defined]
