"""A name server that never answers holds up what waits for it and nothing else: a service and a command still end."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from certificates import Authority
from noticed import BEYOND, calculated, diode_case
from processes import Process
from silent_names import SilentNames

from acquire.store.database import connect as open_store

# Whatever the service looks up while it runs, each under a name of its own.
EVERYWHERE = """
site = "clinic"
[broker]
mode = "external"
host = "broker.example"
[spool]
path = "spool.db"
[store]
url = "sqlite:///store.db"
[watching]
host = "watching.example"
port = 0
[bus]
home_assistant = true
sparkplug_group = "clinic"
[notices.mail]
host = "mail.example"
port = 25
security = "starttls"
sender = "dosimetry@clinic.test"
[[notices.recipient]]
name = "MP-1"
role = "physicist"
address = "mp-1@clinic.test"
[[notices.recipient]]
name = "RO-1"
role = "physician"
address = "ro-1@clinic.test"
"""
RESOURCES = {
    "tcp": "tcp:tcp.example:5025",
    "socket": "TCPIP::socket.example::5025::SOCKET",
    "hislip": "TCPIP::hislip.example::hislip0::INSTR",
    "vxi11": "TCPIP::vxi11.example::inst0::INSTR",
    "pyvisa": "pyvisa:TCPIP::pyvisa.example::inst0::INSTR",
    "pyserial": "rfc2217://pyserial.example:4001",
    "prologix": "prologix:tcp:prologix.example:1234:27",
}
INSTRUMENT = """
[[instrument]]
id = "{name}"
model = "keithley-6517b"
resource = "{resource}"
"""
NAMES = [f"{name}.example" for name in ("broker", "watching", "mail", *RESOURCES)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_service_ends_while_every_name_is_looked_up(tmp_path: Path, number: int) -> None:
    await a_notice_is_due(tmp_path / "store.db")
    config = tmp_path / "service.toml"
    instruments = [INSTRUMENT.format(name=name, resource=resource) for name, resource in RESOURCES.items()]
    config.write_text(EVERYWHERE + "".join(instruments))
    names = SilentNames(tmp_path / "names")
    service = Process(tmp_path, "service", "run", str(config), before=names.before())
    await service.start()
    try:
        for name in NAMES:
            await names.asked_for(name)
        assert await service.stop(number) == 0
    finally:
        await service.kill()
    assert names.asked().count("broker.example") == 1  # a dozen connections to it


async def a_notice_is_due(store: Path) -> None:
    """So that there is something to be mailed."""
    connection = open_store(store, create=True)
    case = diode_case()
    case.add(connection)
    await calculated(connection, case, BEYOND)
    connection.close()


STARTING = """
site = "clinic"
[broker]
mode = "{mode}"
host = "{broker}"
[spool]
path = "spool.db"
[store]
url = "sqlite:///store.db"
{more}
"""
A_SIMULATOR = """
[[simulator]]
id = "sim"
model = "keithley-6517b"
listen = "tcp:listen.example:0"
"""
ORDERS = """
[orders]
listen = "listen.example:2575"
tls = { cert_file = "listener.crt", key_file = "listener.key", ca_file = "ca.crt" }
[[orders.sender]]
application = "RIS"
certificate = "RIS"
"""


@pytest.mark.parametrize(
    ("mode", "broker", "more"),
    [
        ("mosquitto", "listen.example", ""),
        ("embedded", "listen.example", ""),
        ("external", "127.0.0.1", A_SIMULATOR),
        ("external", "127.0.0.1", ORDERS),
    ],
)
async def test_the_service_ends_while_it_starts(tmp_path: Path, mode: str, broker: str, more: str) -> None:
    Authority(tmp_path).issue("listener")
    config = tmp_path / "service.toml"
    config.write_text(STARTING.format(mode=mode, broker=broker, more=more))
    names = SilentNames(tmp_path / "names")
    service = Process(tmp_path, "service", "run", str(config), before=names.before())
    await service.start()
    try:
        await names.asked_for("listen.example")
        assert await service.stop() == 0
    finally:
        await service.kill()
    assert "Traceback" not in service.log()


async def test_a_command_ends_with_ctrl_c(tmp_path: Path) -> None:
    names = SilentNames(tmp_path / "names")
    command = Process(tmp_path, "tail", "tail", "--host", "broker.example", before=names.before())
    await command.start()
    try:
        await names.asked_for("broker.example")
        assert await command.stop(signal.SIGINT) == 130
    finally:
        await command.kill()
