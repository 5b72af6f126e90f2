"""An amended record has "was" and the old figure beside each figure that changed, and beside no other."""

from __future__ import annotations

import copy
import re
from typing import Any

from acquire.record import html
from acquire.record.was import changed_figures


def amended(record: dict[str, Any], **changed: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A second version of a record in which B1 has another factor and dose, and P4 another reading of a chip."""
    now = copy.deepcopy(record)
    points = {point["id"]: point for point in now["points"]}
    b1, p4 = points["B1"], points["P4"]
    b1["result"] |= {"dose_gy": 0.4821, "expanded_gy": 0.0189, "deviation_percent": 3.0} | changed
    b1["inputs"]["factors"]["n_cal"]["value"] = 3.155
    p4["inputs"]["elements"][0]["value"] = 41.5
    found = changed_figures(record["points"], now["points"])
    return now | {"version": 2, "was": {"version": 1, "points": found}}, found


async def test_changed_figures_are_found_and_no_others(record: dict[str, Any]) -> None:
    _, found = amended(record)
    old = {point["id"]: point for point in record["points"]}
    assert found.keys() == {"B1", "P4"}
    assert found["B1"].keys() == {"dose_gy", "expanded_gy", "deviation_percent", "factor n_cal"}
    assert found["B1"]["dose_gy"] == old["B1"]["result"]["dose_gy"]
    assert found["P4"] == {"element T-014": [old["P4"]["inputs"]["elements"][0]["value"]]}
    assert changed_figures(record["points"], record["points"]) == {}


async def test_the_page_says_what_they_were(record: dict[str, Any]) -> None:
    page = re.sub(r"<[^>]+>", "", html(amended(record)[0]))
    for words in ("48.2 (was 47.3)", "+3.0 (was +1.1)", "48.2 ± 1.9 cGy (k = 2) (was 47.3)", "3.155 cGy/nC (was 3.097)",
                  "41.5 nC (was 40.93)"):  # fmt: skip
        assert words in page
    assert "(was " not in html(record)


async def test_a_result_that_came_or_went_says_so(record: dict[str, Any]) -> None:
    now = copy.deepcopy(record)
    b2 = next(point for point in now["points"] if point["id"] == "B2")
    b2["result"] = {"decision": "INVALID", "why": ["overload"], "version": 2, "at": b2["result"]["at"], "remarks": [],
                    "formula": "", "calculated_with": "", "course": None, "steps": [], "budget": []}  # fmt: skip
    gone = now | {"was": {"version": 1, "points": changed_figures(record["points"], now["points"])}}
    page = re.sub(r"<[^>]+>", "", html(gone))
    assert "no number (was 50.14)" in page
    assert "INVALID (was PASS, uncertainty band)" in page
    came = record | {"was": {"version": 1, "points": changed_figures(now["points"], record["points"])}}
    assert "50.1 ± 2.0 cGy (k = 2) (was none)" in re.sub(r"<[^>]+>", "", html(came))
