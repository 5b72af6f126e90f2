"""The explored model of docs/noloss.md: its rules hold in every state, and each of them is needed.

A quick exploration; `python tests/acquire/noloss/model` is the whole one (docs/noloss.md section 10).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from model.explore import explore
from model.mutants import MUTANTS, Mutant
from model.rules import Rules, Scenario
from model.scenarios import QUICK

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[3] / "docs" / "noloss.md"


@pytest.mark.parametrize("scenario", QUICK, ids=lambda each: each.name)
def test_every_invariant_holds_in_every_state(scenario: Scenario) -> None:
    found = explore(Rules(scenario))
    assert found.broken is None, "\n".join((found.broken or "", *found.way))
    assert found.states > 500


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda each: each.rule)
def test_a_rule_taken_away_breaks_an_invariant(mutant: Mutant) -> None:
    found = explore(Rules(mutant.scenario, mutant.rule))
    assert re.match(r"\d+: ", found.broken or "not noticed")
    assert found.way


def test_every_mutant_names_a_rule_of_the_page() -> None:
    """A rule is a section, and in sections 3, 4 and 9 a numbered paragraph."""
    text = PAGE.read_text()
    sections = dict(re.findall(r"(?ms)^## (\d+)\. (.*?)(?=^## |\Z)", text))
    for each in MUTANTS:
        section, _, paragraph = each.rule.split(" ")[0].rstrip("abc").partition(".")
        assert section in sections
        assert not paragraph or re.search(rf"(?m)^ ?{paragraph}\. ", sections[section]), each.rule


def test_mutants_are_different_rules() -> None:
    assert len({each.rule for each in MUTANTS}) == len(MUTANTS)
