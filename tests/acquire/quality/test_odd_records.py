"""Whatever a record holds, judging it does not raise: it stands between every readout and its dose."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from records import COUNTS

from acquire.quality import Column, Limits, ReaderRecord, of_run

ANY = st.floats(allow_nan=True, allow_infinity=True)
HARD = st.one_of(ANY, st.integers(-3, 3).map(float), st.sampled_from([0.0, 1.0, 1e15, 1e300, -1e300, 5e-324]))
UNITS = st.sampled_from([COUNTS, "{counts}/s", "nC", "1", ""])
NAMES = ("signal", "temperature", "time", "heater-time", "heater-temperature", "temperature-error", "high-voltage")
AXIS_UNITS = {"signal": UNITS, "temperature": st.sampled_from(["Cel", "K", "s"]), "time": st.sampled_from(["s", "ms"])}


def columns() -> st.SearchStrategy[dict[str, Column]]:
    return st.fixed_dictionaries(
        {},
        optional={
            name: st.builds(Column, AXIS_UNITS.get(name, st.sampled_from(["s", "Cel", "K", "V"])),
                            st.lists(HARD, max_size=45))
            for name in NAMES
        },
    )  # fmt: skip


RECORDS = st.builds(
    ReaderRecord,
    name=st.sampled_from(["a", "b", "c"]),
    kind=st.sampled_from(["glow-curve", "curve", "scalar"]),
    role=st.sampled_from(["sample", "pmt-noise", "reference-light", "background"]),
    mode=st.sampled_from([None, "TL", "OSL", "PREHEAT TL", "RL"]),
    element=st.sampled_from([None, "e1", "e2"]),
    channel=st.sampled_from([None, "UVVIS", "element 2"]),
    unit=UNITS,
    value=st.one_of(st.none(), HARD),
    clock=st.sampled_from([None, "2026-01-05T09:00:00", "no clock"]),
    columns=columns(),
    attributes=st.dictionaries(
        st.sampled_from(["RATE", "MaxTemp", "DEADTIME", "SET"]), st.sampled_from(["5", "0", "nan", "-", "1e-7"])
    ),
)


def said(records: list[ReaderRecord], limits: Limits) -> list[dict[str, Any]]:
    return [each.to_json() for each in of_run(records, limits)]


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(RECORDS, max_size=7), st.booleans())
def test_any_records_are_judged(records: list[ReaderRecord], sites_own: bool) -> None:
    limits = Limits(ends_percent=5.0, hot_end_percent=1.0, dead_time_ns=20.0) if sites_own else Limits()
    for each in said(records, limits):
        assert each["sentence"].endswith(".")
        assert each["source"]
        json.dumps(each)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(st.integers(0, 40), st.integers(0, 10**6)), min_size=20, max_size=120), st.data())
def test_any_counts_of_any_heating_are_judged_in_finite_numbers(counts: list[int], data: st.DataObject) -> None:
    kelvin = data.draw(st.lists(st.floats(250, 700), min_size=len(counts), max_size=len(counts)))
    made = {
        "signal": Column(COUNTS, counts),
        "temperature": Column("K", kelvin),
        "time": Column("s", [0.1 * n for n in range(len(counts))]),
    }
    runs = [
        ReaderRecord(name=f"c{n}", kind="glow-curve", element=f"c{n}", unit=COUNTS, value=1.0, columns=made)
        for n in range(5)
    ]
    for each in said(runs, Limits()):
        assert all(v is None or math.isfinite(v) for v in (each["value"], each["limit"]))


@pytest.mark.parametrize("n", [0, 1, 2, 3, 19, 20, 21])
def test_short_columns_are_judged(n: int) -> None:
    row = {"signal": Column(COUNTS, [5.0] * n), "temperature": Column("K", [300.0 + k for k in range(n)])}
    said([ReaderRecord(name="c", kind="glow-curve", columns=row, unit=COUNTS)], Limits())
