"""Somebody else's driver and simulator, taken from the page that teaches them, installed and run by the daemon."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
import third_party
from brokers import free_port
from processes import ACQUIRE, Process, ask

from acquire.store.attribution import measurement
from acquire.store.database import connect

CONFIG = """
site = "clinic"
[broker]
mode = "embedded"
port = {port}
[spool]
path = "spool.db"
[store]
url = "sqlite:///store.db"
[[simulator]]
id = "sim-probe"
model = "example-probe"
listen = "tcp:127.0.0.1:0"
control = "tcp:127.0.0.1:{control}"
[[instrument]]
id = "probe-1"
model = "example-probe"
resource = "simulator:sim-probe"
settings = {{ range = "HIGH", poll_interval_s = 0.05 }}
"""
BROKEN = {
    "broken_at_import.py": "raise RuntimeError('no licence found')\n",
    "broken_class.py": "class Probe:\n    name = 'a-class'\n",
    "broken_name.py": "from dataclasses import replace\n\nfrom drivers.keithley import KEITHLEY_6485\n\n"
    "MODEL = replace(KEITHLEY_6485, name='something-else')\n",
    "pyproject.toml": """
[project]
name = "broken-probes"
version = "0.1"
[project.entry-points."acquire.drivers"]
at-import = "broken_at_import:MODEL"
a-class = "broken_class:Probe"
another-name = "broken_name:MODEL"
[project.entry-points."acquire.simulators"]
at-import = "broken_at_import:MODEL"
""",
}
FAULTS = {
    "at-import": "The driver of 'at-import' (broken_at_import:MODEL) cannot be loaded: RuntimeError: no licence found.",
    "a-class": "The entry point a-class of acquire.drivers (broken_class:Probe) gives no Model.",
    "another-name": "The entry point another-name of acquire.drivers (broken_name:MODEL) gives the model"
    " 'something-else'.",
}

ANEW = ("env",)  # a process that looks for itself what is installed


@dataclass
class Desk:
    """Commands of a person in one folder, and what was said: the transcript."""

    folder: Path
    said: list[str] = field(default_factory=list)

    async def acquire(self, *words: str, code: int = 0) -> str:
        """Run one; returns what it wrote, data and talk."""
        process = await asyncio.create_subprocess_exec(
            str(ACQUIRE), *words, cwd=self.folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        out, _ = await asyncio.wait_for(process.communicate(), 60)
        text = out.decode()
        self.said.append(f"$ acquire {' '.join(words)}\n{text}")
        assert process.returncode == code, text
        assert "Traceback" not in text
        return text

    async def mark(self, which: str, one: str, channel: str) -> None:
        """Begin or end a measurement of one channel."""
        words = [f"measurement={one}", "session=s-1", "step=irradiate", f"channel={channel}"]
        await self.acquire("command", "probe-1", which, *words, "--by", "MP-1", "-c", "service.toml")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Both packages installed beside the project, for every process that is started."""
    site = tmp_path / "site"
    pip = third_party.install(third_party.files(), site, tmp_path / "wheels")
    pip += third_party.install(BROKEN, site, tmp_path / "wheels")
    monkeypatch.setenv("PYTHONPATH", str(site))
    return Desk(
        tmp_path, ["$ pip install --no-index --no-deps --target site example_probe-1.0-py3-none-any.whl\n" + pip]
    )


@pytest.mark.slow
async def test_a_package_of_somebody_else_is_run_from_the_wire_to_the_store(desk: Desk) -> None:
    await it_is_listed_beside_broken_ones(desk)
    await it_is_read_without_a_service(desk)
    await it_runs_in_the_service(desk)
    (desk.folder / "transcript.txt").write_text("\n".join(desk.said))


async def it_is_listed_beside_broken_ones(desk: Desk) -> None:
    listed = {each["model"]: each for each in json.loads(await desk.acquire("drivers", "--json"))}
    assert {name: listed[name]["fault"] for name in FAULTS} == FAULTS
    found = listed["example-probe"]
    assert (found["vendor"], found["channels"], found["transports"]) == ("nobody", ["A", "B"], ["tcp", "serial"])
    assert found["quantities"] == [{"name": "charge", "unit": "C", "integrates": "running"}]
    assert found["framing"]["zero"] == ["zero"]
    assert "fault" not in listed["keithley-6517b"]
    refused = await desk.acquire("simulate", "at-import", "--listen", "tcp:127.0.0.1:0", code=2)
    assert "The simulator at-import (broken_at_import:MODEL) cannot be loaded: no licence found." in refused


async def it_is_read_without_a_service(desk: Desk) -> None:
    simulator = Process(
        desk.folder, "simulate", "simulate", "example-probe", "--listen", "tcp:127.0.0.1:0", before=ANEW
    )
    await simulator.start(reads_first_line=True)
    desk.said.append(f"$ acquire simulate example-probe --listen tcp:127.0.0.1:0\n{json.dumps(simulator.first_line)}\n")
    try:
        _, host, port, _ = simulator.first_line["resource"].split("::")
        text = await desk.acquire(
            "read", "example-probe", f"tcp:{host}:{port}", "--count", "3", "--set", "poll_interval_s=0"
        )
    finally:
        await simulator.stop()
    lines = [json.loads(each) for each in text.splitlines() if each.startswith("{")]
    assert "nobody PROBE, serial 42." in text
    assert [(each["seq"], each["channel"], each["unit"], each["range"]) for each in lines] == [
        (1, "A", "C", "LOW"), (2, "B", "C", "LOW"), (3, "A", "C", "LOW"),
    ]  # fmt: skip


async def it_runs_in_the_service(desk: Desk) -> None:
    control, one = free_port(), {"A": str(uuid4()), "B": str(uuid4())}
    (desk.folder / "service.toml").write_text(CONFIG.format(port=free_port(), control=control))
    await desk.acquire("check", "service.toml")
    async with service(desk):
        for channel, measured in one.items():
            await desk.mark("begin", measured, channel)
            assert (await ask(f"tcp:127.0.0.1:{control}", {"do": "expose", "charge_c": 2e-8, "duration_s": 0.1}))["ok"]
            latched = await desk.acquire("command", "probe-1", "latch", "--by", "MP-1", "-c", "service.toml")
            assert latched == "channels: 2\n"
            await desk.mark("end", measured, channel)
        await until_ended(desk, one["B"])
    store = connect(desk.folder / "store.db")
    try:
        for channel, charge_c in (("A", 2e-8), ("B", 2e-9)):
            found = measurement(store, one[channel])
            values = [each.body["value"] for each in found.readings]
            assert (found.state, found.channel, found.reason) == ("ended", channel, None)
            assert {each.body["channel"] for each in found.readings} == {channel}
            assert values[-1] - values[0] == pytest.approx(charge_c, rel=1e-3)
            assert {each.body["range"] for each in found.readings} == {"HIGH"}
            desk.said.append(
                f"store: channel {channel}, {len(values)} readings attached, charge {values[-1] - values[0]:.4e} C\n"
            )
    finally:
        store.close()


@asynccontextmanager
async def service(desk: Desk) -> AsyncIterator[None]:
    running = Process(desk.folder, "service", "run", str(desk.folder / "service.toml"), before=ANEW)
    await running.start()
    desk.said.append("$ acquire run service.toml &\n")
    try:
        await until_ready(desk, running)
        yield
    finally:
        assert await running.stop() == 0, running.log()
    assert "Traceback" not in running.log()


async def until_ready(desk: Desk, running: Process) -> None:
    for _ in range(40):
        process = await asyncio.create_subprocess_exec(
            str(ACQUIRE), "command", "probe-1", "--list", "--json", "-c", "service.toml", cwd=desk.folder,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        out, _ = await asyncio.wait_for(process.communicate(), 60)
        if process.returncode == 0 and json.loads(out)["state"] == "ready":
            return
        await asyncio.sleep(0.2)
    raise AssertionError(running.log())


async def until_ended(desk: Desk, one: str) -> None:
    """The end marker is in the store."""
    store = connect(desk.folder / "store.db")
    try:
        for _ in range(200):
            if measurement(store, one).state == "ended":
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{one} has not ended in the store")
    finally:
        store.close()
