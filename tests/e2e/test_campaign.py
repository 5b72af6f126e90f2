"""A sample of the campaign of docs/noloss.md section 10, and that its plan can be replayed and its count can fail.

ACQUIRE_CAMPAIGN_SEED gives other faults; `make campaign` goes on for as long as one likes.
"""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

import pytest
from campaign.counting import Entry, missing_of
from campaign.plan import HOUSES, plan
from campaign.run import campaign

SEED = int(os.environ.get("ACQUIRE_CAMPAIGN_SEED", "20271"))
FAULTS = 5


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "seconds"), [("apart", 35.0), ("together", 20.0)])
async def test_nothing_is_lost_doubled_or_attached_wrongly(tmp_path: Path, kind: str, seconds: float) -> None:
    table = await campaign(tmp_path, kind, SEED, seconds, at_least=FAULTS)
    print("\n" + json.dumps(table, indent=1))
    assert table["wrong"] == []
    assert table["count of faults"] >= FAULTS
    assert table["stored"] > 300
    assert table["attached"] > 50
    assert table["could close"] > 0


@pytest.mark.parametrize("house", HOUSES)
def test_the_same_seed_gives_the_same_faults(house: str) -> None:
    first, again, other = (list(itertools.islice(plan(seed, house), 200)) for seed in (1, 1, 2))
    assert first == again != other
    kinds = len(HOUSES[house])
    assert {each.kind for each in first[:kinds]} == set(HOUSES[house])
    assert all({each.victim for each in first if each.kind == kind} == set(who) for kind, who in HOUSES[house].items())
    assert [each.kind for each in first].index("backup") < [each.kind for each in first].index("restore")


def numbered(*numbers: int, stream: str = "s", first: int = 1) -> list[Entry]:
    return [Entry(stream, seq, "scalar", "stored", n) for seq, n in enumerate(numbers, first)]


def test_a_number_that_is_in_no_entry_is_lost_unless_something_says_why() -> None:
    whole = [*numbered(1, 2, 3), *numbered(4, 5, stream="t")]
    assert missing_of("c", whole, 5) == (0, 0, [])
    within = missing_of("c", numbered(1, 3), 3)
    assert len(within.lost) == 1, "in the middle of a stream nothing is in the air"
    in_the_air = missing_of("c", [*numbered(1, 2), *numbered(4, stream="t")], 5)
    assert (in_the_air.in_the_air, in_the_air.lost) == (2, [])
    too_many = missing_of("c", [*numbered(1, 2), *numbered(6, stream="t")], 6)
    assert len(too_many.lost) == 1
    told = missing_of(
        "c", [*numbered(1, 2), Entry("t", 1, "gap", "refused", None), *numbered(9, stream="t", first=2)], 9
    )
    assert (told.gap, told.lost) == (6, [])
    last = missing_of("c", numbered(1, 2), 9)
    assert len(last.lost) == 1
