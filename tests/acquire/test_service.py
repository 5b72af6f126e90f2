"""What keeps the service from starting is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from brokers import running_mosquitto

from acquire.config import load
from acquire.errors import Refused
from acquire.service import service

CONFIG = """
site = "clinic"
[broker]
mode = "external"
port = {port}
[spool]
path = "spool.db"
[[simulator]]
id = "sim"
model = "keithley-6517b"
listen = "{listen}"
control = "{control}"
"""


@pytest.mark.parametrize("taken", ["listen", "control"])
async def test_a_port_of_a_simulator_that_is_taken(tmp_path: Path, taken: str) -> None:
    async with running_mosquitto(tmp_path) as broker:
        places = {"listen": "tcp:127.0.0.1:0", "control": "tcp:127.0.0.1:0"} | {taken: f"tcp:127.0.0.1:{broker.port}"}
        (tmp_path / "service.toml").write_text(CONFIG.format(port=broker.port, **places))
        sentence = rf"The simulator sim cannot be had at .*{broker.port}.*: .*in use.*; give it another place"
        with pytest.raises(Refused, match=sentence):
            async with service(load(tmp_path / "service.toml")):
                pass
