"""What is wrong with a file or a setting is said in words: none of pydantic's own phrases reaches anybody."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, get_args
from uuid import UUID

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from acquire import tomlfile
from acquire.bus.messages import Entry
from acquire.config import Config
from acquire.procedure.documents.calibrations import Calibrations
from acquire.procedure.documents.curve_limits import LimitsFile
from acquire.procedure.documents.inventory import Inventory
from acquire.procedure.documents.plan import Plan
from acquire.procedure.stock.terms import Terms
from acquire.store.judge import Place, judge
from drivers import SerialSettings, registry
from drivers.files.formats import formats
from drivers.plain_words import form, plain
from drivers.profile.document import Profile
from drivers.toml_text import message

OWN = re.compile(
    r"Input should|should (have|be|match)|regex|pattern|Tuple|tuple|Field required|Value error|valid (string|number|"
    r"integer|dictionary|list|boolean)|instance of|Extra inputs|NoneType|ctx|pydantic|validator|dict\b|\bfloat\b|"
    r"\bint\b|\bstr\b|unable to parse|cannot stand here"
)
BAD: tuple[Any, ...] = (
    None, True, 3, 2.5, -1, 0, 10**6, -(10**6), 1e308, math.nan, math.inf, "", "x" * 500, "ä ö", "wert", "12", [],
    ["a"], [["a", 1]], [1.0, 2.0, 3.0], {}, {"a": 1}, {"": {}}, date(2027, 2, 5), datetime(2027, 2, 5, 10, 31),
    "2027-13-45", "31.12.2027", b"x", 10**400,
)  # fmt: skip
FILES = (Plan, Inventory, Calibrations, LimitsFile, Terms, Config, Profile, SerialSettings)


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from models_in(each)


def every_model() -> dict[str, type[BaseModel]]:
    settings = [registry.model(name).settings for name in registry.models()]
    options = [each.options for each in formats().values()]
    waiting: list[type[BaseModel]] = [*FILES, *settings, *options]
    found: dict[str, type[BaseModel]] = {}
    while waiting:
        model = waiting.pop()
        if found.setdefault(f"{model.__module__}.{model.__name__}", model) is model:
            inside = [m for f in model.model_fields.values() for m in models_in(f.annotation)]
            waiting += [m for m in inside if f"{m.__module__}.{m.__name__}" not in found]
    return found


MODELS = every_model()


@pytest.mark.parametrize("name", sorted(MODELS))
def test_no_field_of_a_model_says_it_in_pydantic_s_words(name: str) -> None:
    model = MODELS[name]
    for field, info in model.model_fields.items():
        for bad in BAD:
            try:
                model.model_validate({info.alias or field: bad})
            except ValidationError as error:
                for each in error.errors(include_url=False):
                    said = message(each, model).partition(" Allowed here: ")[0]
                    assert not OWN.search(said), (field, bad, each["type"], said)
            except (TypeError, AttributeError, OverflowError, OSError) as other:
                raise AssertionError(f"{field} lets {bad!r} through to {other!r}") from other


ENTRIES: dict[str, dict[str, Any]] = {
    "scalar": {"quantity": "charge", "unit": "C", "value": 1.0, "raw": "x"},
    "glow-curve": {"quantity": "counts", "unit": "{counts}", "value": 1.0, "raw": "x", "axes": {}},
    "marker": {"mark": "begin", "measurement": str(UUID(int=5)), "session": "s", "step": "b1"},
    "withheld": {"reason": "altered"},
    "gap": {"reason": "spool full", "count": 3},
}
READ = {"time": "2027-02-05T10:31:00Z", "monotonic_s": 1.0}


@pytest.mark.parametrize("kind", [*ENTRIES, "nothing of ours", None])
def test_what_the_store_refuses_of_a_message_is_said_in_words_whatever_field_is_wrong(kind: str | None) -> None:
    good = {**READ, **ENTRIES.get(str(kind), {}), "kind": kind}
    fields = {f for e in get_args(get_args(Entry)[0]) for f in e.model_fields} | {"flags", "axes", "origin"}
    refused = 0
    for field in sorted(fields):
        bad = [each for each in BAD if not isinstance(each, date | bytes)]
        values = [{k: v for k, v in good.items() if k != field}, *({**good, field: each} for each in bad)]
        for value in (each for each in values if each is not None):
            said = judge(Place("s", 1, 1), 1, json.dumps(value).encode()).reason
            refused += said is not None
            assert not OWN.search(said or ""), (field, value, said)
            assert not re.match(r"[^:]*: *$|: ", said or ""), (field, value, said)
    assert refused > 20


@pytest.mark.parametrize(
    "raw", [b"[", b"5", b'"x"', b"\xff", b"[" * 100_000, b"null", b'{"kind":"scalar","value":1e999}']
)
def test_what_is_no_entry_at_all_is_said_in_words(raw: bytes) -> None:
    said = judge(Place("s", 1, 1), 1, raw).reason
    assert said
    assert not OWN.search(said)
    assert "recursion" not in said
    assert "codec" not in said


def test_the_walk_reaches_what_people_write() -> None:
    assert len(MODELS) > 60
    assert {"Plan", "Point", "Fading", "FactorEntry", "Element", "BrachySource"} <= {
        m.__name__ for m in MODELS.values()
    }


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (tuple[int, ...], "wert", "'wert' is no list; write it in brackets, [ ... ]"),
        (float, "much", "'much' is no number; write it without quotes and with a decimal point"),
        (float, {}, "a table is no number; write it without quotes and with a decimal point"),
        (int, 2.5, "2.5 is no whole number"),
        (str, 12, "12 is no text; write it in quotes"),
        (bool, "perhaps", "'perhaps' is no answer; write true or false, without quotes"),
        (date, "31.12.2027", "'31.12.2027' is no day; write it without quotes as 2027-02-05"),
    ],
)
def test_what_is_said(kind: Any, value: Any, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    assert plain(caught.value.errors(include_url=False)[0]) == said


PLANS = [
    ("point = []", "point: at least 1 entry is needed; there is none"),
    ('order = "ORD A"', "order: 'ORD A' is not written as it must be: 1 to 64 letters, digits, '.', '_' or '-'"),
    ("version = 0", "version: 0 is out of range; it must be at least 1"),
    (
        'purpose = "routine"',
        "purpose: 'routine' is not known; allowed is 'patient', 'phantom', 'detector-calibration' or 'routine-qa'",
    ),
    ("fraction_gy = nan", "fraction_gy: nan is no finite number"),
    ("approved_on = 2027-02-05T10:31:00", "approved_on: 2027-02-05 10:31:00 has a time of day; a day is meant"),
]


@pytest.mark.parametrize(("line", "said"), PLANS)
def test_a_plan_file_says(line: str, said: str) -> None:
    with pytest.raises(tomlfile.FileProblem) as caught:
        tomlfile.read(line.encode(), "plan.toml", Plan)
    assert any(f"plan.toml, line 1, {said}" in each for each in caught.value.sentences)


def test_a_form_of_ones_own_is_told_and_what_nobody_put_into_words_is_refused_all_the_same() -> None:
    details: ErrorDetails = {
        "type": "string_pattern_mismatch", "loc": (), "msg": "", "input": "a",
        "ctx": {"pattern": form("^[0-9]$", "a digit")},
    }  # fmt: skip
    assert plain(details) == "'a' is not written as it must be: a digit"
    assert plain({"type": "something_new", "loc": (), "msg": "", "input": ["a"]}) == "a list cannot stand here"
