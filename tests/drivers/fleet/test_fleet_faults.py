"""Every registered instrument that is asked over four wires through every fault of the line.

The models are asked for, not written down: one that is added is run here the day it is registered, before the
simulator of its name. The oracles are those of fleet_bench: no wrong number, no byte lost, no reading twice, no error
but an InstrumentError, a bounded close, readings that flow again.
"""

from __future__ import annotations

import pytest
from fleet import ASKED
from fleet_campaign import ACCOUNTS, FAULTS, OTHERS, another_answers, campaign
from fleet_wires import WIRES

pytestmark = pytest.mark.slow

NAMES = tuple(each.name for each in WIRES)


@pytest.mark.parametrize("fault", [*FAULTS, ACCOUNTS])
@pytest.mark.parametrize("name", ASKED)
def test_no_fault_gives_a_wrong_number_and_readings_flow_again(name: str, fault: str) -> None:
    found = {wire: campaign(name, wire) for wire in NAMES}
    wrong = {wire: error for wire, results in found.items() if (error := results.get(fault)) is not None}
    assert fault in found["perfect"], "it was not run"
    if wrong:
        raise AssertionError(f"{fault} on {', '.join(wrong)}") from next(iter(wrong.values()))


@pytest.mark.parametrize("wire", NAMES)
@pytest.mark.parametrize("fault", OTHERS)
@pytest.mark.parametrize("name", ASKED)
def test_another_instrument_is_never_taken_for_the_one_configured(name: str, fault: str, wire: str) -> None:
    for trouble in another_answers(name, wire, fault):
        assert trouble.startswith("WrongInstrument")
