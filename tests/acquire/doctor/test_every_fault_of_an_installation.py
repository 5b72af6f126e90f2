"""Every fault that the doctor knows is planted for real, and looked for where it is not and where it is."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

import planted_broker
import planted_clocks
import planted_people
import planted_places
import planted_ports
import planted_service
import planted_stock
import pytest
from installations import FAULTS, Fault, Installation

from acquire.doctor.checks import CHECKS
from acquire.doctor.finding import CAUSES

PLANTS = (
    planted_broker, planted_clocks, planted_people, planted_places, planted_ports, planted_service, planted_stock,
)  # fmt: skip


def test_every_cause_of_every_check_is_planted() -> None:
    known = {cause for check in CHECKS for cause in check.causes} | {"not-looked-at"}
    assert known == set(CAUSES)
    elsewhere = {
        "port-forbidden",
        "not-looked-at",
    }  # test_doctor_beside_others.py: as another account, a file system that hangs
    assert {fault.cause for fault in FAULTS} | elsewhere == known


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.cause}-{fault.plant.__name__}")
async def test_a_fault_is_found_with_its_remedy_and_only_where_it_is(fault: Fault, tmp_path: Path) -> None:
    it = Installation(tmp_path)
    async with aclosing(fault.plant(it)) as steps:
        await anext(steps)
        assert await it.finds(fault.cause, *fault.ask) == []
        await anext(steps)
        found = await it.finds(fault.cause, *fault.ask)
    assert {each.cause for each in found} == {fault.cause}, found
    says = next((each.says for each in found if fault.says[0] in each.says), found[0].says)
    for part in fault.says:
        assert part in says
    assert says.endswith((".", "?"))
    assert "\n" not in says
