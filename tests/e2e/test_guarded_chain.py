"""Two acquisition hosts, a store, an operator and a viewer under the rules that `acquire broker config` writes."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from brokers import Started, free_port
from certificates import Authority
from processes import Process
from waiting import until

from acquire.bus.client import connect
from acquire.bus.instrument_client import NotDone, instrument_client
from acquire.bus.names import Topics
from acquire.config import load

ACQUIRE = Path(sys.executable).with_name("acquire")
TOPICS = Topics("clinic")
ROLES = ("room-1", "room-2", "store", "operator", "viewer")
PASSPHRASE = "open-sesame-77331"
IN_ENVIRONMENT = "OPERATOR_PASSWORD"

HOST = """
host = "{name}"
[spool]
path = "{name}.db"
[[simulator]]
id = "sim"
model = "keithley-6517b"
listen = "tcp:127.0.0.1:0"
seed = 1
[[instrument]]
id = "{instrument}"
model = "keithley-6517b"
resource = "simulator:sim"
settings = {{ nplc = 0.1, range_si = 2e-8 }}
"""
STORE = """
[store]
url = "sqlite:///store.db"
"""


@dataclass
class Clinic:
    folder: Path
    authority: Authority
    identify: str
    port: int = field(default_factory=free_port)
    processes: dict[str, Process] = field(default_factory=dict)

    def configure(self) -> None:
        """One file for each role, and the broker's from the command."""
        bodies = {
            "room-1": HOST.format(name="room-1", instrument="electrometer-1"),
            "room-2": HOST.format(name="room-2", instrument="electrometer-2"),
            "store": STORE,
        }
        for name in ROLES:
            top, _, rest = bodies.get(name, "").lstrip().partition("\n")
            own = (top, rest) if top.startswith("host") else ("", top + "\n" + rest)
            self.file(name).write_text(f'site = "clinic"\n{own[0]}\n{self._broker(name)}\n{own[1]}')
        hosts = [str(self.file(name)) for name in bodies]
        command = [str(ACQUIRE), "broker", "config", *hosts, "-o", str(self.folder / "broker"), "--json"]
        done = subprocess.run([*command, "--identify", self.identify], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert [each["name"] for each in told["roles"]] == list(ROLES)
        assert told["port"] == self.port

    def _broker(self, name: str) -> str:
        who = f'[broker]\nmode = "external"\nhost = "127.0.0.1"\nport = {self.port}\nusername = "{name}"\n'
        if self.identify == "passwords":
            secret = f'password_file = "broker/secrets/{name}.password"'
            if name == "operator":
                secret = f'password_env = "{IN_ENVIRONMENT}"'
            return who + f'{secret}\ntls = {{ ca_file = "ca/ca.crt" }}\n'
        self.authority.issue(name, passphrase=PASSPHRASE)
        key = f'cert_file = "ca/{name}.crt", key_file = "ca/{name}.key", key_passphrase_file = "passphrase"'
        return who + f'tls = {{ ca_file = "ca/ca.crt", {key} }}\n'

    def file(self, name: str) -> Path:
        return self.folder / f"{name}.toml"

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        path = self.folder / "store.db"
        if not path.exists():
            return []
        uri = f"file:{path}?mode=ro"
        with suppress(sqlite3.OperationalError), closing(sqlite3.connect(uri, uri=True, timeout=10)) as db:
            return db.execute(sql).fetchall()  # an error: the tables are not made yet
        return []

    def stored(self, instrument: str) -> int:
        by = f"SELECT count(*) FROM entry JOIN stream USING (stream) WHERE instrument = '{instrument}'"
        rows = self.rows(by + " AND status = 'stored'")
        return int(rows[0][0]) if rows else 0


@asynccontextmanager
async def clinic_in(folder: Path, identify: str) -> AsyncIterator[Clinic]:
    clinic = Clinic(folder, Authority(folder / "ca"), identify)
    (folder / "passphrase").write_text(PASSPHRASE + "\n")
    clinic.configure()
    broker = folder / "broker"
    (broker / "ca.crt").write_bytes(clinic.authority.certificate.read_bytes())
    clinic.authority.issue("broker", into=broker, hosts="IP:127.0.0.1")
    with (broker / "mosquitto.conf").open("a") as conf:
        conf.write("user root\n")
    mosquitto = Started(broker / "mosquitto.conf", clinic.port)
    await mosquitto.start()
    try:
        for name in ("store", "room-1", "room-2"):
            clinic.processes[name] = Process(folder, name, "run", str(clinic.file(name)), "--verbose")
            await clinic.processes[name].start()
        yield clinic
    finally:
        for process in clinic.processes.values():
            await process.kill()
        await mosquitto.kill()


@pytest.mark.slow
@pytest.mark.parametrize("identify", ["certificates", "passwords"])
async def test_readings_commands_and_states_pass_and_no_secret_is_told(
    tmp_path: Path, identify: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with clinic_in(tmp_path, identify) as clinic:
        if identify == "passwords":
            secret = (tmp_path / "broker" / "secrets" / "operator.password").read_text().strip()
            monkeypatch.setenv(IN_ENVIRONMENT, secret)
        await until(
            lambda: clinic.stored("electrometer-1") > 20 and clinic.stored("electrometer-2") > 20, 30, "readings"
        )

        operator = load(clinic.file("operator")).endpoint()
        async with instrument_client(operator, TOPICS, "MP-1", timeout_s=10) as asking:
            mark = {"measurement": str(uuid4()), "session": "s-1", "step": "b1"}
            begun = await asking.command("electrometer-1", "begin", mark)
            ended = await asking.command("electrometer-1", "end", mark)
            assert ended["seq"] > begun["seq"]
            assert ended["stream"] == begun["stream"]
        asked = [
            str(ACQUIRE),
            "command",
            "electrometer-2",
            "errors",
            "--by",
            "MP-1",
            "-c",
            str(clinic.file("operator")),
        ]
        done = await asyncio.to_thread(
            lambda: subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False)
        )
        assert done.returncode == 0, done.stderr
        viewer = load(clinic.file("viewer")).endpoint()
        async with instrument_client(viewer, TOPICS, "nobody", timeout_s=2) as asking:
            with pytest.raises(NotDone, match="electrometer-1 did not answer to begin"):
                await asking.command("electrometer-1", "begin", {**mark, "measurement": str(uuid4())})

        command = [str(ACQUIRE), "tail", "--config", str(clinic.file("viewer")), "--count", "12", "--json"]
        seen = await asyncio.to_thread(
            lambda: subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        )
        topics = {json.loads(line)["topic"] for line in seen.stdout.splitlines()}
        assert TOPICS.state("electrometer-1") in topics  # retained
        assert TOPICS.host_state("room-1") in topics

        await clinic.processes["room-1"].kill()
        wanted = {"room-1": "offline", "room-2": "ready", "store": "ready"}
        async with asyncio.timeout(60):
            assert await daemon_states(clinic, wanted) == wanted
        for name in ("room-2", "store"):
            assert await clinic.processes[name].stop() == 0
        assert clinic.rows("SELECT * FROM unreadable") == []
        assert clinic.rows("SELECT what FROM alarm") == []
        nothing_told(clinic, seen.stdout + seen.stderr)


async def daemon_states(clinic: Clinic, wanted: dict[str, str]) -> dict[str, str]:
    """The retained states of the hosts as a viewer sees them, once they are as wanted."""
    states: dict[str, str] = {}
    async with connect(load(clinic.file("viewer")).endpoint(), f"states-{uuid4().hex[:8]}") as connection:
        await connection.subscribe(f"dosimetry/v1/{TOPICS.site}/daemon/+/state")
        async for message in connection.messages():
            states[message.topic.split("/")[4]] = json.loads(message.payload)["state"]
            if states == wanted:
                break
    return states


def nothing_told(clinic: Clinic, output: str) -> None:
    """No password or passphrase is in any log, output, spool or store."""
    secrets = [path.read_text().strip() for path in (clinic.folder / "broker").glob("secrets/*")] + [PASSPHRASE]
    assert len(secrets) == (6 if clinic.identify == "passwords" else 1)
    told = [output.encode()] + [
        path.read_bytes() for path in (*clinic.folder.rglob("*.log"), *clinic.folder.glob("*.db*"))
    ]
    assert sum(map(len, told)) > 10_000
    for secret in secrets:
        assert not any(secret.encode() in each for each in told)
