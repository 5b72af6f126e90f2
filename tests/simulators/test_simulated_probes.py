"""The two invented probes say what docs/invented-protocols.md says they do."""

from __future__ import annotations

import functools
import operator

import pytest
from wire_talk import advance, converse

from simulators.clock import SteppedClock
from simulators.probes.diode_12 import SimulatedDiode12
from simulators.probes.mosfet_5 import SimulatedMosfet5


async def ask(unit: SimulatedDiode12 | SimulatedMosfet5, request: str) -> str:
    said = (await converse(unit, [request.encode() + b"\r\n"])).decode()
    assert said.endswith("\r\n")
    return said.removesuffix("\r\n")


async def checked(unit: SimulatedDiode12, request: str) -> str:
    text, _, digits = (await ask(unit, request)).rpartition("*")
    assert digits == f"{functools.reduce(operator.xor, text.encode(), 0):02X}"
    return text


async def test_a_dx12_integrates_from_its_reset_and_gives_every_channel_its_own() -> None:
    unit = SimulatedDiode12(SteppedClock())
    assert await checked(unit, "ID?") == "DX12 0012345 1.03"
    assert await checked(unit, "M?") == "ERR 04"
    assert await checked(unit, "RANGE?") == "RANGE NONE"
    assert await checked(unit, "RANGE LOW") == "RANGE LOW"
    assert await checked(unit, "ZERO") == "ZERO OK"
    assert unit.clock.now() == 2.0
    assert await checked(unit, "RESET") == "RESET OK"
    unit.inputs[2].expose(16.95e-9, 2.0)
    unit.inputs[1].expose(2.31e-9, 2.0)
    advance(unit, 3.0)
    head, *channels = (await checked(unit, "M?")).split(";")
    assert head == "M 00101,RUN,LOW,00003.05"
    assert len(channels) == 12
    assert channels[1:4] == [
        "+2.3100E-09,+0.0000E+00,OK".replace("+0.0000E+00", "+0.0000E-09"),
        "+1.6950E-08,+0.0000E-09,OK", "+0.0000E-09,+0.0000E-09,LO",
    ]  # fmt: skip


async def test_a_dx12_numbers_its_conversions_holds_and_says_what_it_cannot() -> None:
    unit = SimulatedDiode12(SteppedClock())
    for each in ("RANGE LOW", "RESET"):
        await checked(unit, each)
    numbers = [(await checked(unit, "M?"))[2:7] for _ in range(20)]
    assert numbers == [f"{n:05d}" for n in range(1, 21)]
    assert unit.clock.now() == pytest.approx(1.0), "20 in a second"
    unit.inputs[0].expose(60e-9, 2.0)
    advance(unit, 2.5)
    assert (await checked(unit, "M?")).split(";")[1].endswith(",OL")
    assert await checked(unit, "HOLD") == "HOLD OK"
    held = (await checked(unit, "M?")).partition(",")[2]
    advance(unit, 5)
    assert (await checked(unit, "M?")).partition(",")[2] == held
    assert held.startswith("HLD,")
    assert [await checked(unit, each) for each in ("RANGE MID", "M", "m?")] == ["ERR 02", "ERR 01", "ERR 01"]


async def test_an_mr5_tells_thresholds_before_and_after_the_beam_and_when_the_drift_wait_is_over() -> None:
    unit = SimulatedMosfet5(SteppedClock())
    assert await ask(unit, "WHO") == "MR5 0507 V2.1"
    assert [await ask(unit, each) for each in ("BIAS", "WAIT")] == ["BIAS OFF", "WAIT 000"]
    assert [await ask(unit, each) for each in ("BIAS STD", "WAIT 120", "CLEAR")] == ["BIAS STD", "WAIT 120", "CLEAR OK"]
    assert await ask(unit, "VT 3") == "VT 3 MF-3 PRE 06412.0 0000 OK"
    unit.inputs[2].expose(32.95e-9, 10.0)
    advance(unit, 30.0)
    early = (await ask(unit, "VT 3")).split(" ")
    assert (early[3], early[5], early[6]) == ("POS", "0020", "WT")
    assert 6741.5 < float(early[4]) < 6745, "it still falls"
    advance(unit, 100.0)
    assert await ask(unit, "VT 3") == "VT 3 MF-3 POS 06741.5 0120 OK"
    assert (await ask(unit, "VT 2")).startswith("VT 2 MF-2 PRE ")


async def test_an_mr5_says_what_it_cannot() -> None:
    unit = SimulatedMosfet5(SteppedClock(), sensors=("-", "", "MF-9", "MF-8", "MF-7"), start_mv=(1, 2, 20001, 3, 4))
    assert await ask(unit, "VT 1") == "VT 1 - PRE 00001.0 0000 OK"
    assert await ask(unit, "VT 2") == "VT 2 - PRE -----.- 0000 NS"
    assert await ask(unit, "VT 3") == "VT 3 MF-9 PRE -----.- 0000 OV"
    assert [await ask(unit, each) for each in ("VT 6", "BIAS MAX", "WAIT 601", "WAIT x")] == ["?2"] * 4
    assert [await ask(unit, each) for each in ("VT", "who", "ID?")] == ["?1"] * 3


def test_what_cannot_be_set_up_is_a_sentence() -> None:
    with pytest.raises(ValueError, match="allowed are 12"):
        SimulatedDiode12(SteppedClock(), shares=(1, 2))
    with pytest.raises(ValueError, match="expose takes a channel of 1 to 12"):
        SimulatedDiode12(SteppedClock()).set_state("expose", {"channel": 13})
    with pytest.raises(ValueError, match="have 5 entries"):
        SimulatedMosfet5(SteppedClock(), sensors=("A",))
