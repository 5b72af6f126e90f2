"""Ctrl-C: a terminal signals every process of the group at once. No traceback, and the broker outlives its clients."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from brokers import free_port
from processes import ACQUIRE

CONFIG = """
site = "clinic"
[broker]
mode = "mosquitto"
port = {port}
[spool]
path = "spool.db"
[store]
url = "sqlite:///store.db"
[[simulator]]
id = "sim"
model = "keithley-6517b"
listen = "tcp:127.0.0.1:0"
[[instrument]]
id = "electrometer-1"
model = "keithley-6517b"
resource = "simulator:sim"
"""


def interrupted(folder: Path, after: str | float, *words: str) -> tuple[int, str]:
    """(exit code, what was said) of a command that got a Ctrl-C so many seconds after its start, or after a word."""
    log = folder / "said"
    with log.open("wb") as said:
        process = subprocess.Popen([ACQUIRE, *words], cwd=folder, stdout=said, stderr=said, start_new_session=True)
    until = time.monotonic() + 60
    while isinstance(after, str) and after not in log.read_text():
        assert time.monotonic() < until, log.read_text()
        assert process.poll() is None, log.read_text()
        time.sleep(0.02)
    time.sleep(0.0 if isinstance(after, str) else after)
    os.killpg(process.pid, signal.SIGINT)
    return process.wait(60), log.read_text()


@pytest.mark.slow
def test_a_service_that_is_interrupted_says_its_last_words_to_a_broker_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(CONFIG.format(port=free_port()))
    code, said = interrupted(tmp_path, "paired with a store", "run", "c.toml")
    assert (code, "Traceback" in said) == (0, False), said
    assert "broker lost" not in said
    assert "mosquitto ended" not in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("after", "words"),
    [
        (0.3, ["run", "c.toml"]),
        ("store open", ["run", "c.toml"]),
        ("resource", ["simulate", "keithley-6517b", "--listen", "tcp:127.0.0.1:0"]),
        (1.0, ["demo"]),
    ],
)
def test_no_command_that_is_interrupted_shows_a_traceback(tmp_path: Path, after: str | float, words: list[str]) -> None:
    (tmp_path / "c.toml").write_text(CONFIG.format(port=free_port()))
    code, said = interrupted(tmp_path, after, *words)
    assert "Traceback" not in said, said
    assert code in (0, 130, -signal.SIGINT)
