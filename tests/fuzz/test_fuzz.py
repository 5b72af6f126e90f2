"""No parser lets an error out that it does not declare, whatever it is given.

A few inputs for each parser belong to the suite. Many, with a seed of their own:

    ACQUIRE_FUZZ=30000 python -m pytest tests/fuzz -s -k xsyg
    ACQUIRE_FUZZ=30000 ACQUIRE_FUZZ_SEED=12345 python -m pytest tests/fuzz -s -k xsyg    # the same once more

A find is printed with seed and number, and becomes a test of its own beside the parser (test_finds.py).
"""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Iterator

import pytest

from fuzz import seeds
from fuzz.mutate import mutated
from fuzz.targets import FILES, NAMES, Target, targets, try_one
from fuzz.wrong_numbers import counted

IN_THE_SUITE = 60
SEED_OF_THE_SUITE = 20261128
MANY = os.environ.get("ACQUIRE_FUZZ")
COUNT = int(MANY) if MANY else IN_THE_SUITE
SEED = int(os.environ.get("ACQUIRE_FUZZ_SEED") or (secrets.randbits(32) if MANY else SEED_OF_THE_SUITE))


@pytest.fixture(scope="module")
def known() -> Iterator[dict[str, Target]]:
    with targets() as found:
        yield found


def finds(target: Target, seed: int, count: int) -> Iterator[str]:
    """A line for each input that the parser did not take as it should; the input can be made again from it."""
    for number in range(count):
        data = mutated(random.Random(f"{seed} {target.name} {number}"), target.seeds, target.mutations)
        if (wrong := try_one(target, data)) is not None:
            yield f"seed {seed}, {target.name} {number}: {wrong[:300]} for {data[:200]!r} ({len(data)} bytes)"


@pytest.mark.parametrize("name", NAMES)
def test_no_undeclared_error_leaves_a_parser(known: dict[str, Target], name: str) -> None:
    print(f"\nseed {SEED}: {COUNT} inputs for {name}")
    found = list(finds(known[name], SEED, COUNT))
    assert not found, f"{len(found)} of {COUNT}; the first: " + "\n".join(found[:5])


def test_every_parser_is_listed(known: dict[str, Target]) -> None:
    assert tuple(known) == NAMES


def test_no_two_formats_take_the_same_file_for_theirs() -> None:
    for name, made in seeds.FILES.items():
        for data in made():
            assert [each for each, fmt in FILES.items() if fmt.sniffed and fmt.detect(data)] == [
                name for fmt in (FILES[name],) if fmt.sniffed
            ]


def test_undamaged_inputs_are_taken(known: dict[str, Target]) -> None:
    for name in ("order", "plan-A-v2", "inventory", "calibrations", "spe", "columns"):
        for data in known[name].seeds:
            known[name].parse(data)


def test_a_find_is_made_again_from_its_seed_and_number(known: dict[str, Target]) -> None:
    def brittle(data: bytes) -> None:
        if data != b"1":
            raise ZeroDivisionError

    target = Target("brittle", brittle, (b"1",), known["scpi"].mutations)
    first, second = list(finds(target, 7, 20)), list(finds(target, 7, 20))
    assert first == second
    assert first
    assert all("ZeroDivisionError" in each for each in first)
    assert list(finds(target, 8, 20)) != first


@pytest.mark.parametrize(("name", "most"), [("6517", 45), ("unidos", 62)])
async def test_few_damaged_replies_of_an_electrometer_give_a_wrong_number(name: str, most: int) -> None:
    """Before ranges, numbers and decimals were held against each other it was 67 and 97 of these."""
    found = await counted(name, 800, 20261128)
    assert 0 < found["wrong"] <= most, found
    assert found["refused"] > 400
