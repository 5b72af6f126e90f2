"""Before every marker an instrument is asked once more, whoever wrote its driver.

What it collected since it was asked last belongs to the step before, however seldom it is read otherwise.
"""

from __future__ import annotations

import pytest
from fleet import ASKED, both
from fleet_bench import TIMEOUT_S, bench
from fleet_wires import WIRES

READS_SAMPLES = "risoe-da-20"  # a sequence is carried on by takes, and lies between no markers


@pytest.mark.virtual_time
@pytest.mark.parametrize("name", [each for each in ASKED if each != READS_SAMPLES])
async def test_a_marker_stands_behind_a_reading_of_its_moment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench(*both(name), WIRES[0], monkeypatch, timeout_s=5 * TIMEOUT_S) as it:
        assert await it.open()
        assert await it.flows_again()
        values = it.values
        await it.flush()
        assert it.values > values, f"{it.model.name} gave nothing: {it.troubles}"
