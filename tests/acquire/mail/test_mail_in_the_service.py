"""The service that runs sends what its store has to say, goes on where a killed one ended, and tells the bus of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from brokers import running_mosquitto
from mail_servers import Inbox, mail_server
from noticed import BEYOND, calculated, diode_case

from acquire.bus.client import connect
from acquire.bus.endpoint import Endpoint
from acquire.config import load
from acquire.service import service
from acquire.store.database import connect as open_store

CONFIG = """
site = "clinic"
[broker]
mode = "external"
port = {broker}
[store]
url = "sqlite:///store.db"
[notices.mail]
host = "127.0.0.1"
port = {mail}
security = "none"
sender = "dosimetry@clinic.example"
[[notices.recipient]]
name = "MP-1"
role = "physicist"
address = "mp-1@clinic.example"
[[notices.recipient]]
name = "RO-1"
role = "physician"
address = "ro-1@clinic.example"
"""


async def test_the_service_sends_mail_and_an_event_without_identity(tmp_path: Path) -> None:
    connection = open_store(tmp_path / "store.db", create=True)
    case = diode_case()
    case.add(connection)
    await calculated(connection, case, BEYOND)
    (patient,) = connection.execute("SELECT patient FROM orders").fetchone()
    connection.close()
    inbox, told = Inbox(), []
    async with running_mosquitto(tmp_path) as broker, mail_server(inbox) as port:
        (tmp_path / "service.toml").write_text(CONFIG.format(broker=broker.port, mail=port))
        async with connect(Endpoint("127.0.0.1", broker.port), "onlooker") as onlooker:
            await onlooker.subscribe("dosimetry/v1/clinic/sessions/+/events")
            async with service(load(tmp_path / "service.toml")), asyncio.timeout(20):
                async for message in onlooker.messages():
                    assert patient.encode() not in message.payload
                    told.append(json.loads(message.payload))
                    if told[-1]["event"] == "notice":
                        break
                while len(inbox.to) < 2:  # noqa: ASYNC110 - somebody else's server
                    await asyncio.sleep(0.02)
    assert sorted(inbox.to) == ["mp-1@clinic.example", "ro-1@clinic.example"]
    detail = told[-1]["detail"]
    assert (detail["mark"], detail["cause"], detail["point"], detail["holds"]) == ("arisen", "ACTION", "C2", True)
    assert "MP-1" not in json.dumps(told[-1])
