"""A Mosquitto whose service was killed: stopped at the next start if it is ours, named and left alone if it is not."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from brokers import free_port, running_mosquitto
from waiting import until

from acquire.broker import broker, orphans
from acquire.broker.processes import Process, listening_on
from acquire.bus.client import connect
from acquire.config import BrokerConfig
from acquire.errors import Refused

SERVICE = """
import asyncio, shutil, sys
from acquire.broker import broker
from acquire.config import BrokerConfig
if sys.argv[2] == "outlived":
    found = shutil.which
    shutil.which = lambda name, **where: None if name == "setpriv" else found(name, **where)
async def main():
    async with broker(BrokerConfig(mode="mosquitto", port=int(sys.argv[1]))):
        print("listening", flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the notes are is a folder of the test's own, for it and for its services."""
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.setenv("TMPDIR", str(place))
    yield place
    for note in place.glob("*/process.json"):
        os.kill(json.loads(note.read_text())["process"][0], signal.SIGKILL)


def service(port: int, how: str, *before: str) -> subprocess.Popen[str]:
    command = [*before, sys.executable, "-c", SERVICE, str(port), how]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "listening\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate(timeout=10)


def noted(place: Path) -> Process:
    (note,) = place.glob("*/process.json")
    return Process(*json.loads(note.read_text())["process"])


def config(port: int, mode: str = "mosquitto") -> BrokerConfig:
    return BrokerConfig.model_validate({"mode": mode, "port": port})


@pytest.mark.parametrize("mode", ["mosquitto", "embedded"])
async def test_an_orphan_of_ours_is_stopped_and_its_port_is_had_again(own_place: Path, mode: str) -> None:
    port = free_port()
    kill(service(port, "outlived"))
    orphan = noted(own_place)
    assert orphan.runs, "it has outlived its service"
    async with broker(config(port, mode)) as endpoint:
        assert not orphan.runs
        async with connect(endpoint, "a"):
            pass
    assert list(own_place.iterdir()) == []


async def test_the_broker_of_a_service_that_lives_is_left_alone_and_named(own_place: Path) -> None:
    port = free_port()
    process = service(port, "outlived")
    with pytest.raises(Refused, match=rf"the broker of another `acquire` service, process {process.pid}\. Stop that"):
        async with broker(config(port)):
            pass
    assert noted(own_place).runs
    kill(process)


async def test_somebody_elses_broker_is_left_alone_and_named(tmp_path: Path) -> None:
    async with running_mosquitto(tmp_path) as other:
        with pytest.raises(Refused, match=rf"process \d+ \(\S*mosquitto -c {tmp_path}\S*\) does\. Choose another port"):
            async with broker(config(other.port)):
                pass
        async with connect(other.endpoint, "a"):
            pass


@pytest.mark.parametrize("what", ["began at another time", "another command", "a folder that others may write"])
async def test_a_process_that_is_not_the_one_noted_is_never_stopped(own_place: Path, what: str) -> None:
    kill(service(free_port(), "outlived"))
    (folder,) = own_place.iterdir()
    note = json.loads((folder / "process.json").read_text())
    kept = json.dumps(note)
    orphan = noted(own_place)
    if what == "began at another time":
        note["process"][1] += 1
    elif what == "another command":
        note["command"][-1] = "/etc/mosquitto/mosquitto.conf"
    else:
        folder.chmod(0o777)
    (folder / "process.json").write_text(json.dumps(note))
    assert orphans.stop_orphans() == []
    assert orphan.runs
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    (folder / "process.json").write_text(kept)
    assert orphans.stop_orphans() == [orphan.pid], "as it was noted, it is"


async def test_it_dies_with_its_service_where_the_system_can(own_place: Path, tmp_path: Path) -> None:
    """The kernel forgets the wish of a process that gives up root's rights, as Mosquitto does: so without them."""
    before: list[str] = []
    if os.geteuid() == 0:
        assert shutil.which("setpriv")
        own_place.chmod(0o777)
        for folder in (tmp_path, *(each for each in tmp_path.parents if "pytest-of" in str(each))):
            folder.chmod(folder.stat().st_mode | 0o011)
        before = ["setpriv", "--reuid=65534", "--clear-groups", "--"]
    process = service(free_port(), "dies with it", *before)
    mosquitto = noted(own_place)
    assert mosquitto.runs
    kill(process)
    await until(lambda: not mosquitto.runs, 5, "the broker's end")


async def test_one_that_ends_by_itself_is_started_again(own_place: Path) -> None:
    port = free_port()
    async with broker(config(port)) as endpoint:
        first = noted(own_place)
        os.kill(first.pid, signal.SIGKILL)
        await until(lambda: noted(own_place) != first, 10, "another mosquitto")
        await until(lambda: listening_on(port) is not None, 10, "its listening")
        async with connect(endpoint, "a"):
            pass
    await asyncio.sleep(0)
    assert listening_on(port) is None
