"""A reader run: noise and light, clock, elements read twice; elements against each other and their own history."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from records import COUNTS, counts, record, told, unjudged

from acquire.quality import Limits, ReaderRecord, against_history, of_run, spread

PC = "pC"


def card(name: str, value: float, role: str = "sample", element: str | None = None, clock: str = "") -> ReaderRecord:
    """One place of a card, as WinREMS exports it."""
    return ReaderRecord(name=name, role=role, element=element if role == "sample" else None, channel="element 2",
                        unit=PC, value=value, clock=clock or None)  # fmt: skip


def a_run(
    light: Sequence[float], noise: Sequence[float] = (), doses: Sequence[float] = (60_000,) * 3, name: str = "c"
) -> list[ReaderRecord]:
    """P and R before every third card, and at the end."""
    noises = noise or [100.0] * len(light)
    made = []
    for k, (p, r) in enumerate(zip(noises, light, strict=True)):
        made += [card(f"P{k}", p, "pmt-noise"), card(f"R{k}", r, "reference-light")]
        if k < len(light) - 1:
            made += [card(f"{name}{k}.{n}", dose, element=f"{name}{k}.{n}") for n, dose in enumerate(doses)]
    return made


def quiet(n: int, seed: int = 1, jitter: float = 0.005) -> np.ndarray:
    """Reference light of 78,000 with the scatter that a simulated reader has."""
    return 78_000 * (1 + jitter * np.random.default_rng(seed).normal(size=n))


def test_a_run_whose_light_and_noise_stay_has_no_finding() -> None:
    for seed in range(50):
        light = quiet(8, seed)
        noise = 90 + 10 * np.random.default_rng(seed).normal(size=8)
        assert told(of_run(a_run(light.tolist(), noise.tolist()))) == []


def test_reference_light_beyond_five_percent_of_its_running_mean_blocks_the_run() -> None:
    light = quiet(6)
    light[4] *= 1.06
    (found,) = (f for f in of_run(a_run(light.tolist())) if f.severity != "not-judged")
    assert (found.check, found.severity, found.of) == ("Reference light", "refuse", "element 2")
    assert "at R4; the limit is 5 %: the run's readings cannot be compared" in found.sentence
    assert told(of_run(a_run(light.tolist()), Limits(reference_light_percent=8))) == []


def test_light_that_rises_by_one_percent_from_check_to_check_is_a_drift_long_before_five() -> None:
    drifting = quiet(5, jitter=0.001) * 1.01 ** np.arange(5)
    assert told(of_run(a_run(drifting.tolist()))) == ["Drift of the reference light: remark"]
    long = quiet(12, jitter=0.001) * 1.01 ** np.arange(12)
    assert told(of_run(a_run(long.tolist()))) == ["Reference light: refuse", "Drift of the reference light: remark"]


def test_noise_counts_where_it_can_change_a_dose() -> None:
    """Real PMT noise moves by more than 5 % all the time; beside 60,000 pC that is nothing, beside 400 pC a doubt."""
    noise = [90.0, 110.0, 95.0, 130.0]
    assert told(of_run(a_run(quiet(4).tolist(), noise))) == []
    assert told(of_run(a_run(quiet(4).tolist(), noise, (400.0, 60_000.0)))) == ["PMT noise: doubt"]
    assert told(of_run(a_run(quiet(4).tolist(), [90.0, 92.0, 91.0, 89.0], (400.0,)))) == []


def test_a_place_of_the_card_that_nobody_used_is_not_judged_by_its_light() -> None:
    used = a_run(quiet(3).tolist())
    other = [ReaderRecord(name="R", role="reference-light", channel="element 4", unit=PC, value=v) for v in (5e4, 9e4)]
    assert told(of_run([*used[:2], *other, *used[2:]])) == []


def test_a_run_without_its_checks_is_said_not_to_be_judged_and_one_that_ends_without_them_is_told() -> None:
    found = of_run([card("c1", 60_000, element="c1")])
    assert told(found) == []
    assert "Reference light is not judged: the run holds no record of it." in unjudged(found)
    open_ended = a_run(quiet(3).tolist())[:-2]
    assert told(of_run(open_ended)) == ["PMT noise: remark", "Reference light: remark"]
    assert "not read at the end of the run" in of_run(open_ended)[0].sentence


def test_a_dosimeter_that_reads_the_noise_alone_is_missing() -> None:
    run = a_run(quiet(4).tolist(), [100.0, 104.0, 96.0, 101.0])
    assert told(of_run([*run[:3], card("gone", 103.0, element="gone"), *run[3:]]), "gone") == [
        "Missing dosimeter: refuse"
    ]
    assert told(of_run([*run[:3], card("low", 150.0, element="low"), *run[3:]]), "low") == []


def test_the_clock_goes_forward() -> None:
    times = ["2026-01-05T09:00:00", "2026-01-05T09:01:00", "2026-01-05T08:59:00"]
    cards = [card(f"c{k}", 60_000, element=f"c{k}", clock=t) for k, t in enumerate(times)]
    assert told(of_run(cards)) == ["Clock: remark"]
    assert told(of_run(cards[:2])) == []


@pytest.mark.parametrize(
    ("second", "severity", "said"),
    [
        (200.0, "remark", "is 0.333 % of the first: the first counts."),
        (12_000.0, "remark", "the first counts, and it had not been emptied."),
        (58_000.0, "doubt", "one of them is of another dosimeter."),
    ],
)
def test_an_element_that_stands_twice(second: float, severity: str, said: str) -> None:
    run = [card("line 3", 60_000, element="chip"), card("line 9", second, element="chip")]
    (found,) = (f for f in of_run(run) if f.check == "Read twice")
    assert found.severity == severity
    assert found.sentence.endswith(said)
    assert "(line 3, line 9)" in found.sentence


def test_steps_of_a_sequence_are_no_second_reading() -> None:
    first, second = (record(counts(10, k), "a", attributes={"sequenceStepNumber": str(k)}) for k in (2, 5))
    assert told(of_run([first, second])) == []


# --- elements that received the same, and an element's own history ---

GOOD = {"S-1": 641.2, "S-2": 655.0, "S-3": 633.7}


def test_without_a_limit_nothing_passes_silently() -> None:
    for found in (
        spread("standards", GOOD, None, "limits.standards_percent"),
        against_history("T-1", 1.0, [1.0] * 4, None),
    ):
        assert [f.severity.value for f in found] == ["not-judged"]
        assert "is not judged: no limit given" in found[0].sentence


def test_standards_judge_each_other() -> None:
    assert spread("standards", GOOD, 5.0, "") == []
    for name, value in GOOD.items():
        for wrong in (0.4, 0.8 * value):  # not irradiated; 20 % low
            (found,) = spread("standards", GOOD | {name: wrong}, 10.0, "")
            assert (found.of, found.severity.value) == (name, "refuse")
            assert "from the median of the standards; the limit is 10 %" in found.sentence


def test_of_two_nobody_can_say_which_and_one_has_nothing_to_be_held_against() -> None:
    (found,) = spread("controls", {"C-1": 0.35, "C-2": 12.0}, 30.0, "")
    assert (found.of, found.severity.value) == ("C-1, C-2", "refuse")
    assert spread("controls", {"C-1": 0.35, "C-2": 0.38}, 30.0, "") == []
    (alone,) = spread("controls", {"C-1": 0.35}, 30.0, "")
    assert alone.severity.value == "not-judged"


def test_standards_that_read_nothing_at_all_are_refused() -> None:
    found = spread("standards", dict.fromkeys(GOOD, 0.0), 5.0, "")
    assert [f.of for f in found] == list(GOOD)


def test_an_element_against_its_own_earlier_sensitivities() -> None:
    assert against_history("T-1", 1.01, [1.0, 0.99, 1.02, 1.0], 3.0) == []
    (changed,) = against_history("T-1", 0.9, [1.0, 0.99, 1.02, 1.0], 3.0)
    assert changed.sentence.startswith("The sensitivity of T-1 is -10.0 % from its own earlier ones")
    (young,) = against_history("T-1", 0.9, [1.0, 1.0], 3.0)
    assert "has 2 earlier sensitivities, and 3 are needed" in young.sentence


# --- limits ---


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_a_limit_is_a_finite_number_above_zero(bad: float) -> None:
    with pytest.raises(ValueError, match=r"spike_sigma is .*; it must be a finite number above 0"):
        Limits(spike_sigma=bad)
    assert Limits(set_high_voltage_v=-1269.0).set_high_voltage_v == -1269.0


def test_a_finding_goes_into_json_with_six_digits() -> None:
    run = a_run([78_000.0, 78_000.0, 88_000.0])
    (found,) = (f.to_json() for f in of_run(run) if f.severity == "refuse")
    assert found["value"] == 12.8205
    assert set(found) == {"check", "severity", "of", "value", "limit", "unit", "sentence", "source"}
    assert COUNTS not in found["sentence"]


def test_every_limit_stands_in_the_table_of_the_documentation() -> None:
    page = (Path(__file__).parents[3] / "docs" / "quality-of-curves.md").read_text("utf-8")
    assert [f.name for f in fields(Limits) if f"`{f.name}`" not in page] == []
    for field in fields(Limits):
        if field.default is None and not field.name.startswith("set_") and field.name != "dead_time_ns":
            assert re.search(rf"`{field.name}`,[^|]*\*\*none given\*\*", page), field.name
