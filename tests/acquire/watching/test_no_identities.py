"""No patient in the log: every field that is logged is named here, and a run with a planted patient is searched."""

from __future__ import annotations

import ast
import asyncio
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from brokers import Mosquitto, running_mosquitto
from messages_v2 import message, msh, nte, obr, orc, pid
from waiting import until
from watched_house import fetch

from acquire.bus.client import connect
from acquire.config import load
from acquire.service import announce, service
from acquire.terminal import logs

ROOT = Path(__file__).parents[3]
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "bind", "log"}
USED = re.compile(r"log(ging|ger\([^)]*\))?\s*\.\s*(" + "|".join(sorted(LEVELS)) + ")")
FIELDS = {
    # of the program and its files
    "at", "broker", "code", "configuration", "configuration_sha256", "exc_info", "file", "folder", "host", "loopback",
    "parts", "path", "port", "process", "resource", "site", "tls", "tries", "version", "waits_for_restart",
    # of instruments, as they or the configuration say them
    "driver", "firmware", "instrument", "instruments", "model", "serial",
    # of streams and messages: ids made by us, numbers, names of commands
    "about", "curves", "dropped", "entries", "epoch", "name", "ok", "seq", "session", "so_far", "store",
    "stream", "topic", "what",
    # who asks: an account of the staff; the other program's name and its message's id, never a segment of the patient
    "answer", "by", "control_id", "repeat", "sender",
    # sentences of ours, which quote nothing of an order (the run below)
    "says", "why",
}  # fmt: skip
PATIENT = ("Zwiebelstein", "Qorvexa", "MRN-7734-Q", "19450203", "1945-02-03", "Lindenallee")
CONFIG = """
site = "clinic"
[broker]
mode = "external"
port = {port}
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
[[instrument]]
id = "one"
model = "keithley-6485"
resource = "simulator:a"
"""


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call of a log in the program."""
    for part in ("acquire", "drivers", "simulators"):
        for file in sorted((ROOT / part).rglob("*.py")):
            text = file.read_text()
            if not USED.search(text):
                continue
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
                    of = ast.unparse(node.func.value)
                    if of.endswith("log") or "get_logger" in of or of == "logging":
                        yield f"{file.relative_to(ROOT)}:{node.lineno}", node


def test_every_field_that_is_logged_is_one_of_these() -> None:
    """A new one is added here by who has thought of what it may hold."""
    found = {word.arg: where for where, call in calls() for word in call.keywords if word.arg is not None}
    assert {name: where for name, where in found.items() if name not in FIELDS} == {}
    assert set(found) | {"host", "port"} >= FIELDS, "named here, and never logged"
    spread = [ast.unparse(word.value) for _, call in calls() for word in call.keywords if word.arg is None]
    assert set(spread) == {"self._where"}  # the broker's host and port


def planted() -> Iterator[bytes]:
    """Orders of a patient, whole and wrong in every place where a program may put who it is."""
    who = pid(f"{PATIENT[2]}^^^HOSP^MR", f"{PATIENT[0].upper()}^{PATIENT[1]}", PATIENT[3])
    rest = orc(order="ORD-1"), obr("ORD-1"), nte(), "DG1|1||C61^^I10"
    yield message(msh(control_id="M-1"), who, *rest)
    yield message(msh(control_id="M-2"), pid(PATIENT[2], PATIENT[0], "born " + PATIENT[4]), *rest)
    yield message(msh(control_id="M-3"), who.replace("|F", f"|{PATIENT[0]}"), *rest)
    yield message(msh(control_id="M-4"), who, *rest[:2], nte(f"{PATIENT[0]} {PATIENT[1]}, {PATIENT[5]} 4"))
    yield message(msh(control_id="M-5"), who, orc(PATIENT[0], "ORD-2"), *rest[1:])
    yield message(msh(control_id="M-6"), who, orc(order="ORD-3", at=PATIENT[4]), obr("ORD-3"), nte())
    yield message(msh(control_id="M-7"), who, orc(order="ORD-4", who=""), obr("ORD-4", PATIENT[0]), nte())
    yield message(msh(f"ADT^{PATIENT[0]}", "M-8"), who, f"ZZZ|{PATIENT[5]}")
    yield message(msh(control_id="M-9"), who, who, *rest)
    yield message(who, msh(control_id="M-10"))
    yield " ".join(PATIENT).encode()


async def send(port: int) -> None:
    """All of them, with a patient between the messages, too."""
    for body in planted():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(PATIENT[0].encode() + b"\x0b" + body + b"\x1c\r")
        async with asyncio.timeout(20):
            await reader.readuntil(b"\x1c\r")
        writer.close()


async def on_the_bus(broker: Mosquitto) -> None:
    """A program that writes what it should not where it should not."""
    said = json.dumps(dict(zip("abcdef", PATIENT, strict=True)))
    command = {"schema": "command/1", "id": PATIENT[2], "by": 7, "parameters": {"patient": PATIENT[0]}}
    async with connect(broker.endpoint, "somebody") as somebody:
        for topic in (
            "one/readings",
            "one/committed",
            "one/command/start",
            "one/state",
            "daemon/batch",
            "batch/committed",
        ):
            await somebody.publish(f"dosimetry/v1/clinic/{topic}", said.encode())
            await somebody.publish(f"dosimetry/v1/clinic/{topic}", " ".join(PATIENT).encode())
        await somebody.publish("dosimetry/v1/clinic/one/command/start", json.dumps(command).encode())


@pytest.mark.parametrize("as_json", [False, True])
async def test_a_planted_patient_is_in_no_line_and_no_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    logs.configure(logging.DEBUG, as_json=as_json)
    (tmp_path / "service.toml").write_text("")
    async with running_mosquitto(tmp_path) as broker:
        path = tmp_path / "service.toml"
        path.write_text(CONFIG.format(port=broker.port))
        async with service(load(path)) as running:
            announce(running)
            await until(lambda: running.runners["one"].appended > 2, 30)
            assert running.orders is not None
            await send(running.orders.port)
            await on_the_bus(broker)
            await until(lambda: running.publisher is not None and running.publisher.unreadable, 20)
            assert running.watching is not None
            assert running.watching.port is not None
            page = (await asyncio.to_thread(fetch, running.watching.port, "/metrics"))[2]
            codes = running.orders.counts
        assert codes["AA"] >= 1
        assert codes["AE"] + codes["AR"] >= 5, "the wrong ones were refused, and told"
    told = capsys.readouterr()
    for text in (told.out, told.err, page):
        assert [word for word in PATIENT if word.casefold() in text.casefold()] == []
    assert "bytes between messages" in told.err, "the log was there"
    if as_json:
        lines = [json.loads(line) for line in told.err.splitlines()]
        kinds = {line["event"]: set(line) for line in lines}
        printed = [
            json.loads(line) for line in (ROOT / "docs/watching.md").read_text().splitlines() if line[:2] == '{"'
        ]
        assert [kinds[each["event"]] for each in printed] == [set(each) for each in printed], "as the page prints it"
    else:
        assert re.search(r"instrument ready +driver=keithley-6485 .* model=6485 .*serial=4126216", told.err)
        assert re.search(
            r"running +broker=\S+ configuration=\S+ configuration_sha256=[0-9a-f]{64} .*version=0", told.err
        )
