"""The profile of docs/write-a-profile.md goes through every fault like the driver of the same probe."""

from __future__ import annotations

import profile_page
import pytest
from fleet_campaign import campaign_of, faults_on
from fleet_wires import WIRES, Kind


@pytest.mark.parametrize("wire", WIRES, ids=lambda each: each.name)
def test_no_fault_gives_a_wrong_number_and_readings_flow_again(wire: Kind) -> None:
    results = campaign_of(profile_page.model(), profile_page.simulated(), wire, faults_on(wire.name))
    assert {fault: repr(error) for fault, error in results.items() if error is not None} == {}
