"""Models are found by entry point, and somebody else's package adds one: an instrument on a wire and a file reader."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from wire_talk import converse

from simulators import MODELS, FileModel, SteppedClock, WireModel
from simulators.registry import Models

SHELF = {
    "fluke-4000m-plus",
    "keithley-6430", "keithley-6485", "keithley-6487", "keithley-6514", "keithley-6517a", "keithley-6517b",
    "panasonic-ud-716",
    "ptw-diamentor", "ptw-multidos", "ptw-unidos-classic", "ptw-unidos-romeo", "ptw-unidos-tango",
    "risoe-bin", "risoe-da-20", "thorlabs-pm100", "winrems", "xsyg",
}  # fmt: skip
MODULE = """
from simulators import FileModel, Instrument, LineFramer, Reply, Session, WireModel


class Echo(Session):
    def __init__(self):
        self.framer = LineFramer(80)

    def feed(self, data):
        return self.framer.feed(data)

    async def answer(self, request):
        return Reply(b"echo " + request + b"\\n")


class EchoMeter(Instrument):
    model = "echo-1"
    banner = b""

    def open_session(self):
        return Echo()

    power_cycle = is_identification = become = front_panel = busy = stray_line = sentinels = back_doors = state = None


class Reader:
    def __init__(self, folder, clock, seed, options):
        self.emitted = 0


METER = WireModel("echo-1", "Echo meter", ("all of it",), (), lambda clock, seed, options: EchoMeter(clock, seed))
READER = FileModel("echo-files", "Echo reader", ("all of it",), ("file",), Reader)
NOTHING = 3
"""
POINTS = """[acquire.simulators]
echo-1 = echo_package:METER
echo-files = echo_package:READER
echo-broken = echo_package:MISSING
echo-wrong = echo_package:NOTHING
xsyg = echo_package:READER
"""
WIRED = sorted(SHELF - {"risoe-bin", "winrems", "xsyg"})


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Models]:
    """The models as they are after somebody installed another package."""
    (tmp_path / "echo_package.py").write_text(MODULE)
    info = tmp_path / "echo_package-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: echo-package\nVersion: 1\n")
    (info / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Models()
    sys.modules.pop("echo_package", None)


def test_the_house_has_these_models_and_each_says_what_is_assumed() -> None:
    assert set(MODELS) >= SHELF
    assert all(MODELS[name].assumed and MODELS[name].title for name in SHELF)
    assert {name for name in SHELF if isinstance(MODELS[name], FileModel)} == {"risoe-bin", "winrems", "xsyg"}


async def test_a_strangers_package_adds_a_model_beside_ours(shelf: Models) -> None:
    assert set(shelf) == set(MODELS) | {"echo-1", "echo-files", "echo-broken", "echo-wrong"}
    meter = shelf["echo-1"]
    assert isinstance(meter, WireModel)
    assert await converse(meter.make(SteppedClock(), 0, {}), [b"hello\n"]) == b"echo hello\n"
    assert isinstance(shelf["echo-files"], FileModel)
    with pytest.raises(ValueError, match="echo-files has no option 'colour'; its options are file"):
        shelf["echo-files"].check_options({"colour": 1})


@pytest.mark.parametrize(
    ("name", "told"),
    [("echo-broken", "cannot be loaded"), ("echo-wrong", "must give a WireModel"), ("xsyg", "Two packages offer")],
)
def test_a_package_that_cannot_be_loaded_spoils_only_its_own_model(shelf: Models, name: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        shelf[name]
    assert shelf["keithley-6517b"].title == "Keithley 6517B electrometer"


@pytest.mark.parametrize("model", WIRED)
async def test_every_instrument_on_a_wire_does_what_the_faults_ask_of_it(model: str) -> None:
    info = MODELS[model]
    assert isinstance(info, WireModel)
    instrument = info.make(SteppedClock(), 1, {})
    named = {"ptw": (b"PTW", b"SER"), "fluke": (b"F", b"F"), "panasonic": (), "risoe": (b"ST 0", b"ST 0")}
    asked = named.get(model.partition("-")[0], (b"*IDN?", b"*IDN?"))
    assert instrument.model == model
    assert all(instrument.is_identification(each) for each in asked[:1])
    seen = [await converse(instrument, [each + b"\n" for each in asked])]
    for other in ("serial", "device"):
        instrument.become(other)
        seen.append(await converse(instrument, [each + b"\n" for each in asked]))
    answers = {"fluke": 2, "panasonic": 1, "risoe": 2}.get(model.partition("-")[0], 3)
    assert len(set(seen)) == answers, "a 4000M+ and a MiniSys have no serial number, and a UD-716 answers nothing"
    assert instrument.stray_line().endswith((b"\r", b"\n"))
    json.dumps(dict(instrument.state()))
    before = dict(instrument.state())
    instrument.front_panel("range")
    assert dict(instrument.state()) != before
    with pytest.raises(ValueError, match="nobody can turn 'dial'"):
        instrument.front_panel("dial")
    with pytest.raises(ValueError, match="has no state 'mood' to set"):
        instrument.set_state("mood", 1)
    instrument.power_cycle()
    assert {**instrument.state(), "time_s": 0} == {**before, "time_s": 0}
