"""A watched service, as an installation has it: two electrometers, a drop folder, TLS, a listener for orders."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guarded import Guarded
from promtool import Page

from acquire.broker.access import Role
from acquire.config import Loaded
from acquire.heartbeat import Heartbeat

NAME = "room-1"
ROLES = [Role(NAME, "host", ("one", "two", "files"), NAME), Role(NAME, "store")]
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
CONFIG = """
site = "clinic"
host = "room-1"
[broker]
mode = "external"
port = {port}
username = "room-1"
tls = {{ ca_file = "{ca}/ca.crt", cert_file = "{ca}/room-1.crt", key_file = "{ca}/room-1.key" }}
[spool]
path = "spool.db"
[store]
url = "sqlite:///store.db"
[orders]
listen = "127.0.0.1:0"
[watching]
port = 0
[[simulator]]
id = "a"
model = "keithley-6485"
listen = "tcp:127.0.0.1:0"
speed = 20
seed = 1
[[simulator]]
id = "b"
model = "keithley-6485"
listen = "tcp:127.0.0.1:0"
speed = 20
seed = 2
[[instrument]]
id = "one"
model = "keithley-6485"
resource = "simulator:a"
settings = {{ poll_interval_s = 0.1 }}
[[instrument]]
id = "two"
model = "keithley-6485"
resource = "simulator:b"
settings = {{ poll_interval_s = 0.1 }}
[[instrument]]
id = "files"
model = "winrems"
resource = "dir:drop"
settings = {{ poll_interval_s = 0.1, settle_s = 0.1 }}
"""


@dataclass
class Bare:
    """A service of no parts but its loops."""

    loaded: Loaded
    heartbeat: Heartbeat = field(default_factory=Heartbeat)
    in_force: bool = True
    waits_for_spool: str | None = None
    publisher: None = None
    worker: None = None
    acquisition: None = None
    orders: None = None


def written(folder: Path, broker: Guarded) -> Path:
    (folder / "drop").mkdir()
    path = folder / "service.toml"
    path.write_text(CONFIG.format(port=broker.port, ca=broker.authority.folder))
    return path


def fetch(port: int, path: str, accept: str = OPENMETRICS) -> tuple[int, str, str]:
    """Status, content type and text, by the standard library's client."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers["content-type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["content-type"], error.read().decode()


async def scrape(port: int) -> Page:
    status, kind, text = await asyncio.to_thread(fetch, port, "/metrics")
    assert (status, kind.split(";")[0]) == (200, "application/openmetrics-text")
    return Page.of(text, time.time())


async def scraped(port: int, condition: Callable[[Page], object], within_s: float = 20) -> Page:
    """The first page that this holds for."""
    begun = time.monotonic()
    while not condition(page := await scrape(port)):
        assert time.monotonic() - begun < within_s, page.series
        await asyncio.sleep(0.05)
    return page


async def judged(port: int, what: str) -> tuple[int, list[str]]:
    """Status of /health/live or /health/ready, and the parts that are not well."""
    status, _, text = await asyncio.to_thread(fetch, port, f"/health/{what}", "*/*")
    said: dict[str, Any] = json.loads(text)
    assert said[what] == (status == 200)
    asked = [said["loops"], said.get("parts", {})]
    return status, [name for of in asked for name, part in of.items() if not part["ok"]]
