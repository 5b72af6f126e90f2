"""The quick struct and the model, which are made of one declaration, say the same of every entry."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from acquire.bus.codec import encode_reading, reading_decoder
from acquire.bus.messages import ReadingEntry
from acquire.canonical import canonical

GOOD: dict[str, Any] = {
    "kind": "scalar", "quantity": "charge", "unit": "C", "value": 1.566964e-08, "elapsed_s": 10.6, "u": 1e-12,
    "time": "2026-11-24T14:36:55.100000Z", "monotonic_s": 5118.5, "range": "2e-08", "flags": ["relative"],
    "also": {"rate": {"unit": "A", "value": None}}, "axes": {"signal": {"unit": "1", "values": [1, 2.5]}},
    "origin": {"name": "a.asc", "offset": 3}, "element": "T-014", "element_index": 1, "raw": "+15.66964E-09NCOUL",
    "raw_encoding": "base64", "role": "background", "note": None,
}  # fmt: skip
FINITE = st.floats(allow_nan=False, allow_infinity=False)
KEYS = st.sampled_from(["unit", "values", "value", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | FINITE | st.text(max_size=5)
    | st.sampled_from(["scalar", "text", "base64", "1.5", "unparsed"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner),
    max_leaves=4,
)  # fmt: skip


def model_takes(body: bytes) -> bool:
    try:
        ReadingEntry.model_validate_json(body, strict=True)
    except ValidationError:
        return False
    return True


def struct_takes(body: bytes) -> bool:
    try:
        reading_decoder.decode(body)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return False
    return True


def test_a_good_entry_is_taken_with_every_value() -> None:
    ours, theirs = reading_decoder.decode(canonical(GOOD)), ReadingEntry.model_validate(GOOD)
    assert msgspec.to_builtins(ours) == theirs.model_dump(exclude_defaults=True)


@pytest.mark.parametrize("key", list(ReadingEntry.model_fields))
def test_each_field_may_be_left_out_exactly_where_the_model_says_so(key: str) -> None:
    body = canonical({k: v for k, v in GOOD.items() if k != key})
    assert struct_takes(body) == model_takes(body) == (not ReadingEntry.model_fields[key].is_required())


@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(st.sampled_from([*ReadingEntry.model_fields, "unknown"]), JSON)
def test_what_the_struct_takes_the_model_takes(key: str, value: Any) -> None:
    """The other way round the model may be kinder (1.0 for an integer): such an entry goes the slow way."""
    body = json.dumps(GOOD | {key: value}, allow_nan=False).encode()
    if struct_takes(body):
        assert model_takes(body)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1E400", "9" * 400, "NaN", "Infinity", "01", "1.", "+1"])
def test_a_number_that_is_none_is_refused(number: str) -> None:
    body = canonical(GOOD).replace(b'"value":1.566964e-8', b'"value":' + number.encode())
    assert number.encode() in body
    assert not struct_takes(body)


def test_a_bound_holds() -> None:
    assert not struct_takes(canonical(GOOD | {"u": -1e-12}))


@pytest.mark.slow
@settings(max_examples=1000, deadline=None)
@given(st.dictionaries(st.sampled_from([*ReadingEntry.model_fields, "unknown"]), JSON, max_size=3), st.randoms())
def test_what_is_called_canonical_is(changes: dict[str, Any], chance: Any) -> None:
    shuffled = list((GOOD | changes).items())
    chance.shuffle(shuffled)
    for body in (canonical(GOOD | changes), json.dumps(dict(shuffled), allow_nan=False).encode()):
        if struct_takes(body) and encode_reading(reading_decoder.decode(body)) == body:
            assert body == canonical(json.loads(body))
