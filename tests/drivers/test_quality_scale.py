"""Every registered model against the rules of its level (docs/quality-scale.md)."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from fuzz.targets import FILES as FUZZED

from drivers import LEVELS, Model, Verified
from drivers.files import Format
from drivers.registry import model, models
from simulators.registry import model_named as simulated

DOCS = Path(__file__).parents[2] / "docs"
PAGES = "\n".join(page.read_text() for page in [*DOCS.rglob("*.md"), DOCS.parent / "README.md"])


@pytest.mark.parametrize("name", models())
def test_a_model_keeps_the_rules_of_its_level(name: str) -> None:
    found = model(name)
    assert found.level in range(1, len(LEVELS) + 1)
    assert found.assumed or found.level == len(LEVELS), "what was never run on an instrument assumes something"
    assert found.verified, "its own simulator at least"
    if isinstance(found.driver, Format):
        assert name in FUZZED, "a format is given damaged files"
    else:
        assert simulated(name).model == name
    assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", PAGES), f"no page of the documentation names {name}"


def test_the_level_is_the_highest_evidence() -> None:
    bare = replace(model(models()[0]), verified=())
    assert bare.level == 1
    steps = [Verified("its own simulator", "all"), Verified("a manual", "a line", "document"),
             Verified("a trace", "lines", "capture"), Verified("a client", "all", "program"),
             Verified("a unit", "all", "instrument", by="a physicist", firmware="1.0", date="2027-02-03")]  # fmt: skip
    levels = [replace(bare, verified=tuple(steps[: n + 1])).level for n in range(len(steps))]
    assert levels == [1, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "instrument"},
        {"kind": "instrument", "by": "a physicist", "firmware": "1.0"},
        {"kind": "capture", "date": "2027-02-03"},
    ],
)
def test_who_firmware_and_date_belong_to_an_instrument_and_to_nothing_else(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="all three"):
        Verified("x", "y", **given)  # type: ignore[arg-type]


def test_a_model_without_evidence_says_so() -> None:
    found: Model = model("keithley-6430")
    assert (found.level, LEVELS[found.level - 1]) == (1, "written from the documents")
