"""KEY=VALUE words against published JSON Schemas; jsonschema says who is right."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquire.cli.parameters import NotAllowed, parse, takes
from acquire.instruments.marks import Begin
from drivers import Settings
from drivers.registry import model

SCHEMAS = {
    f"{each} {name}": spec.parameters.model_json_schema()
    for each in ("keithley-6517b", "ptw-unidos-tango")
    for name, spec in model(each).commands.items()
}


@pytest.mark.parametrize(
    ("which", "words", "wanted"),
    [
        ("keithley-6517b range", ["range_si=2e-8"], {"range_si": 2e-8}),
        ("keithley-6517b range", ["range_si=null"], {"range_si": None}),
        ("keithley-6517b range", [], {}),
        ("keithley-6517b zero-check", ["on=true"], {"on": True}),
        ("keithley-6517b function", ["function=current"], {"function": "current"}),
        ("ptw-unidos-tango interval", ["seconds=60"], {"seconds": 60}),
        ("ptw-unidos-tango zero", [], {}),
    ],
)
def test_words_are_read_by_the_schemas_types(which: str, words: list[str], wanted: dict[str, Any]) -> None:
    found = parse(which, SCHEMAS[which], words)
    assert found == wanted
    assert [type(each) for each in found.values()] == [type(each) for each in wanted.values()]


@pytest.mark.parametrize(
    ("which", "words", "said"),
    [
        (
            "keithley-6517b range",
            ["range_si=-1"],
            "range_si of {} cannot be '-1'; allowed is a number above 0, or null.",
        ),
        ("keithley-6517b range", ["range_si=nan"], "cannot be 'nan'"),
        ("keithley-6517b range", ["range_si=1e999"], "cannot be '1e999'"),
        ("keithley-6517b range", ["range_si=1_0"], "cannot be '1_0'"),
        ("keithley-6517b range", ["range_si=\u0661"], "cannot be '\u0661'"),
        (
            "keithley-6517b range",
            ["rnge_si=1"],
            "has no parameter 'rnge_si'. Did you mean 'range_si'? {} takes range_si",
        ),
        ("keithley-6517b range", ["range_si=1", "range_si=2"], "range_si stands more than once"),
        ("keithley-6517b range", ["2e-8"], "'2e-8' is no KEY=VALUE. {} takes range_si (a number above 0, or null)."),
        ("keithley-6517b function", [], "{} needs function: one of charge, current, voltage, resistance."),
        ("keithley-6517b function", ["function=chrage"], "allowed is one of charge, current, voltage, resistance."),
        ("keithley-6517b zero-check", ["on=1"], "allowed is true or false."),
        ("ptw-unidos-tango interval", ["seconds=1.5"], "allowed is a whole number from 1 to 3599999."),
        ("ptw-unidos-tango interval", ["seconds=0"], "allowed is a whole number from 1 to 3599999."),
        ("ptw-unidos-tango zero", ["now=true"], "{} takes no parameters."),
    ],
)
def test_what_is_not_allowed_is_said_with_the_key_and_what_is(which: str, words: list[str], said: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        parse(which, SCHEMAS[which], words)
    assert said.format(which) in str(refused.value)


def test_lists_texts_and_quotes() -> None:
    schema = Begin.model_json_schema()
    words = ["measurement=2b5157b1-9a4c-4b7c-8f4e-0d9f6a3f3c11", "session=s-1", "step=b1", "allows=zero,hold"]
    assert parse("begin", schema, words)["allows"] == ["zero", "hold"]
    assert parse("begin", schema, [*words[:3], 'allows=["zero"]'])["allows"] == ["zero"]
    assert parse("begin", schema, [*words[:2], 'step="null"'])["step"] == "null"
    assert "allows (a list, separated by commas, of a text of 1 to 64 characters)" in takes("begin", schema)
    with pytest.raises(NotAllowed, match="step of begin"):
        parse("begin", schema, [*words[:2], f"step={'x' * 201}"])


# --- anything ---------------------------------------------------------------------------------------------------------

numbers = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9)
leaves = st.one_of(
    st.just({"type": "null"}),
    st.just({"type": "boolean"}),
    st.fixed_dictionaries(
        {"type": st.just("integer")}, optional={"minimum": st.integers(-9, 9), "maximum": st.integers()}
    ),
    st.fixed_dictionaries(
        {"type": st.just("number")}, optional={"exclusiveMinimum": numbers, "maximum": numbers, "minimum": numbers}
    ),
    st.fixed_dictionaries(
        {"type": st.just("string")},
        optional={"minLength": st.integers(0, 3), "maxLength": st.integers(0, 9), "pattern": st.just("^[a-z]+$")},
    ),
    st.fixed_dictionaries({"enum": st.lists(st.sampled_from(["a", "LOW", "null", "1"]), min_size=1, unique=True)}),
)
properties = st.one_of(
    leaves,
    st.builds(lambda each: {"anyOf": each}, st.lists(leaves, min_size=1, max_size=3)),
    st.builds(lambda each: {"type": "array", "items": each}, leaves),
)
texts = st.one_of(
    st.text(max_size=12),
    numbers.map(str),
    st.integers().map(str),
    st.sampled_from(["true", "false", "null", "[]", '"a"']),
)


@given(
    st.dictionaries(st.sampled_from("abc"), properties), st.lists(st.tuples(st.sampled_from("abcd"), texts), max_size=4)
)
def test_whatever_is_accepted_is_valid_by_the_schema(each: dict[str, Any], words: list[tuple[str, str]]) -> None:
    schema = {"type": "object", "properties": each, "additionalProperties": False}
    try:
        found = parse("x", schema, [f"{key}={text}" for key, text in words])
    except NotAllowed:
        return
    assert [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(found)] == []
    assert found.keys() == {key for key, _ in words}, "what was said is taken, and nothing else"
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@given(numbers | st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(max_size=20))
def test_every_value_of_a_schema_can_be_said(value: object) -> None:
    kind = {float: "number", int: "integer", bool: "boolean", str: "string", type(None): "null"}[type(value)]
    schema = {"properties": {"x": {"anyOf": [{"type": kind}, {"type": "null"}]}}}
    for said in [json.dumps(value)] + ([value] if isinstance(value, str) and not ambiguous(value) else []):
        assert parse("c", schema, [f"x={said}"]) == {"x": value}


def ambiguous(text: str) -> bool:
    return text == "null" or (len(text) > 1 and text[0] == text[-1] == '"')


@given(st.dictionaries(st.text(max_size=5), st.none() | st.booleans() | st.text(max_size=5) | numbers | st.integers()))
def test_what_a_driver_takes_from_a_request_is_valid_by_its_schema(given_parameters: dict[str, Any]) -> None:
    class Parameters(Settings):
        a: float | None = None
        b: int = 0
        on: bool = False

    parameters = {"a": 1.5} | {key: v for key, v in given_parameters.items() if key in ("a", "b", "on")}
    try:
        taken = Parameters.from_request(parameters)
    except ValueError:
        return
    schema = Parameters.model_json_schema()
    assert [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(parameters)] == []
    assert taken.model_dump() == {"b": 0, "on": False} | parameters, "taken as it was said, and by default elsewhere"


def test_infinity_and_texts_are_no_numbers_for_a_driver() -> None:
    parameters = model("keithley-6517b").commands["range"].parameters
    for bad in (float("inf"), float("nan"), "1", True):
        with pytest.raises(ValueError, match="range_si"):
            parameters.from_request({"range_si": bad})
    assert parameters.from_request({"range_si": 1}) == parameters(range_si=1.0)  # type: ignore[call-arg]
