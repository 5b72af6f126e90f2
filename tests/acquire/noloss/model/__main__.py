"""Every scenario, then every mutant: `python tests/acquire/noloss/model`; with `quick`, less of it.

With `ways`, the shortest way to each mutant's violation too; any other word: only the scenarios whose name has it.

Exit code 1: a scenario breaks an invariant, or nothing notices that a rule was taken away.
"""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from model.explore import Explored, explore
from model.mutants import MUTANTS
from model.rules import Rules
from model.scenarios import QUICK, SCENARIOS


def main(words: list[str]) -> int:
    """Print what was seen; the exit code."""
    named = [word for word in words if word not in ("quick", "ways")]
    scenarios = [
        each for each in (QUICK if "quick" in words else SCENARIOS) if not named or any(n in each.name for n in named)
    ]
    mutants = [] if named else MUTANTS
    failed = 0
    with multiprocessing.Pool() as pool:
        found = pool.imap(explore, [Rules(each) for each in scenarios])
        seen = pool.imap(explore, [Rules(each.scenario, each.rule) for each in mutants])
        total = 0
        for each, result in zip(scenarios, found, strict=True):
            total += result.states
            failed += result.broken is not None
            _say(each.name, result, "holds", ways=True)
        for mutant, result in zip(mutants, seen, strict=True):
            failed += result.broken is None
            _say(f"without {mutant.rule}: {mutant.instead}", result, "NOT NOTICED", ways="ways" in words)
    print(f"{total} states of {len(scenarios)} scenarios, {len(mutants)} mutants; {failed} not as it must be")
    return int(failed > 0)


def _say(name: str, found: Explored, otherwise: str, *, ways: bool) -> None:
    print(f"{name:78} {found.states:8} states {found.steps:9} steps, depth {found.depth:2}, {found.seconds:6.1f} s: "
          f"{found.broken or otherwise}", flush=True)  # fmt: skip
    if ways and found.way:
        print("    " + "\n    ".join(found.way))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
