"""`acquire command` on a running service with simulated instruments: Mosquitto (MQTT 5), embedded broker (3.1.1)."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from brokers import free_port
from command_line import acquire_beside
from processes import Process, ask

CONFIG = """
site = "clinic"
[broker]
mode = "{mode}"
port = {port}
[spool]
path = "spool.db"
[store]
url = "sqlite:///store.db"
[[simulator]]
id = "sim-6517b"
model = "keithley-6517b"
listen = "tcp:127.0.0.1:0"
control = "tcp:127.0.0.1:{control}"
speed = 5
[[simulator]]
id = "sim-tango"
model = "ptw-unidos-tango"
listen = "tcp:127.0.0.1:0"
speed = 50
[[instrument]]
id = "electrometer-1"
model = "keithley-6517b"
resource = "simulator:sim-6517b"
settings = {{ function = "charge", range_si = 2e-8, nplc = 0.1, timeout_s = 0.5 }}
[[instrument]]
id = "electrometer-2"
model = "ptw-unidos-tango"
resource = "simulator:sim-tango"
settings = {{ electrical = true, poll_interval_s = 0.05 }}
"""


@dataclass
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Clinic:
    folder: Path
    service: Process
    control: str

    async def acquire(self, *arguments: str) -> Said:
        done = await acquire_beside(*arguments, cwd=self.folder)
        assert "Traceback" not in done.stderr
        return Said(done.returncode, done.stdout, done.stderr)

    async def command(self, *arguments: str, by: str = "MP-1") -> Said:
        return await self.acquire("command", *arguments, "--by", by, "--config", "service.toml", "--timeout", "20")

    async def ready(self) -> None:
        for _ in range(60):
            said = [
                await self.acquire("command", f"electrometer-{n}", "--list", "--json", "-c", "service.toml")
                for n in (1, 2)
            ]
            if all(each.code == 0 and each.json["state"] == "ready" for each in said):
                return
            await asyncio.sleep(0.2)
        raise AssertionError(self.service.log())


@asynccontextmanager
async def clinic_in(folder: Path, mode: str) -> AsyncIterator[Clinic]:
    control = free_port()
    (folder / "service.toml").write_text(CONFIG.format(mode=mode, port=free_port(), control=control))
    service = Process(folder, "service", "run", str(folder / "service.toml"))
    await service.start()
    try:
        clinic = Clinic(folder, service, f"tcp:127.0.0.1:{control}")
        await clinic.ready()
        yield clinic
    finally:
        assert await service.stop() == 0, service.log()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["mosquitto", "embedded"])
async def test_a_person_asks_instruments_from_the_command_line(tmp_path: Path, mode: str) -> None:
    async with clinic_in(tmp_path, mode) as clinic:
        await what_it_accepts(clinic)
        await done_and_refused(clinic)
        await within_a_measurement(clinic)
        await an_instrument_that_hangs(clinic)
        lines = [json.loads(each) for each in next(tmp_path.glob("commands-*.jsonl")).read_text().splitlines()]
    assert {(each["by"], each["name"], each["ok"]) for each in lines} >= {
        ("MP-1", "range", True), ("MP-1", "range", False), ("MP-1", "zero", True), ("MD-2", "begin", True),
    }  # fmt: skip
    assert "Traceback" not in clinic.service.log()


async def what_it_accepts(clinic: Clinic) -> None:
    told = (await clinic.acquire("command", "electrometer-1", "--list", "--json", "-c", "service.toml")).json
    commands = {each["name"]: each for each in told["commands"]}
    assert commands["range"]["parameters"]["properties"]["range_si"]["anyOf"][0]["exclusiveMinimum"] == 0
    assert [name for name, each in commands.items() if each["while_measuring"]] == ["end", "errors"]
    assert [name for name, each in commands.items() if not each["now"]] == ["end"]
    shown = await clinic.acquire("command", "electrometer-2", "--list", "-c", "service.toml")
    assert re.search(r"electrometer-2 is ready since 20", shown.out)
    assert "VERY_LOW" in shown.out


async def done_and_refused(clinic: Clinic) -> None:
    said = await clinic.command("electrometer-1", "range", "range_si=2e-9", "--json")
    assert said.code == 0, said.err
    assert (said.json["ok"], said.json["result"], said.json["command"]) == (True, {"range_si": 2e-9}, "range")
    said = await clinic.command("electrometer-1", "range", "range_si=null")
    assert (said.code, said.out) == (0, "range_si: None\n")
    said = await clinic.command("electrometer-2", "zero", "--json")
    assert (said.code, said.json["result"]["status"]) == (0, "Passed")
    for arguments, code, sentence in (
        (
            ["electrometer-1", "range", "range_si=-1"],
            2,
            "range_si of range cannot be '-1'; allowed is a number above 0, or null.",
        ),
        (
            ["electrometer-1", "function", "function=chrage"],
            2,
            "allowed is one of charge, current, voltage, resistance.",
        ),
        (["electrometer-1", "dance"], 2, "electrometer-1 has no command 'dance'; it has begin, end, zero,"),
        (["electrometer-1"], 2, "Say what electrometer-1 shall do"),
        (["Electrometer 1", "zero"], 2, "cannot name an instrument"),
        (["electrometer-9", "zero"], 1, "Nothing is known of an instrument electrometer-9 on this broker"),
        (
            ["electrometer-1", "range", "range_si=1"],
            1,
            "refused ':SENS:CHAR:RANG 1' (-222 Parameter data out of range)",
        ),
    ):
        said = await clinic.command(*arguments)
        assert (said.code, said.out) == (code, ""), said
        assert sentence in said.err
    said = await clinic.command("electrometer-1", "zero", by="x\ny")
    assert (said.code, "--by takes 1 to 100 printable characters" in said.err) == (2, True)


async def within_a_measurement(clinic: Clinic) -> None:
    """A zero step as the plan has it: begin allows zero, and nothing else that would change what is measured."""
    for instrument, allowed, refused in (
        (
            "electrometer-1",
            ["zero", "errors"],
            ["range", "function", "relative", "device-clear", "set-up", "reset-charge"],
        ),
        ("electrometer-2", ["zero", "start", "hold"], ["range", "reset", "self-test"]),
    ):
        mark = [f"measurement={uuid4()}", "session=s-1", "step=zero-b1"]
        assert (await clinic.command(instrument, "begin", *mark, "allows=zero", by="MD-2")).code == 0
        for name in refused:
            given = {
                "range": "range_si=2e-9" if instrument.endswith("1") else "range=LOW",
                "function": "function=current",
            }
            words = [given[name]] if name in given else ["on=true"] if name == "relative" else []
            said = await clinic.command(instrument, name, *words)
            assert said.code == 1, said
            assert f"{instrument} is measuring (step zero-b1 of session s-1, {mark[0].replace('=', ' ')})" in said.err
            assert f"which does not allow {name}; until its end it takes" in said.err
        for name in allowed:
            assert (await clinic.command(instrument, name)).code == 0
        assert (await clinic.command(instrument, "end", *mark)).code == 0


async def an_instrument_that_hangs(clinic: Clinic) -> None:
    """It stops answering: the command is answered all the same, and once it speaks again it is found again."""
    assert (await ask(clinic.control, {"do": "fault", "fault": "hang=2@1"}))["ok"]
    said = await clinic.command("electrometer-1", "zero")
    assert said.code in (0, 1)
    if said.code:
        assert "may have been done or not" in said.err or "is not ready" in said.err
    await clinic.ready()
    assert (await clinic.command("electrometer-1", "zero")).code == 0


@pytest.mark.slow
async def test_a_service_that_is_gone_is_told_at_once(tmp_path: Path) -> None:
    async with clinic_in(tmp_path, "mosquitto") as clinic:
        pass
    said = await clinic.command("electrometer-1", "zero")
    assert (said.code, "The broker cannot be had" in said.err) == (1, True)
    said = await clinic.acquire("command", "electrometer-1", "zero", "--by", "MP-1", "--host", "127.0.0.1")
    assert (said.code, "--host needs --site SITE" in said.err) == (2, True)
    said = await clinic.acquire("command", "electrometer-1", "zero", "--config", "service.toml")
    assert (said.code, "Say who asks: --by ROLE" in said.err) == (2, True)
