"""docs/security.md as a reader would follow it: its files, its commands, in order, on a real broker."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from brokers import free_port

PAGE = Path(__file__).parents[2] / "docs" / "security.md"
BINARIES = Path(sys.executable).parent
RUNS_ON = ("mosquitto -c", "acquire run")


@contextlib.contextmanager
def running(folder: Path, env: dict[str, str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    try:
        yield started
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
        for process in started:
            process.wait(20)


def wait_for(port: int) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("localhost", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError(f"nobody listens on {port}")


@pytest.mark.slow
async def test_the_page_leads_from_nothing_to_a_guarded_bus(tmp_path: Path) -> None:
    await asyncio.to_thread(follow, tmp_path)


def follow(folder: Path) -> None:
    text, port = PAGE.read_text(), free_port()
    text = text.replace("18883", str(port))
    files = re.findall(r"```toml\n# (\S+)\n(.*?)```", text, re.DOTALL)
    assert [name for name, _ in files] == ["room-1.toml", "store.toml", "viewer.toml"]
    for name, body in files:
        (folder / name).write_text(body)
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    env = {**os.environ, "PATH": f"{BINARIES}:{os.environ['PATH']}:/usr/sbin"}
    with running(folder, env) as started, (folder / "log").open("wb") as log:
        said = ""
        for line in lines:
            if line.startswith(RUNS_ON):
                if line.startswith("mosquitto") and os.getuid() == 0:  # root's files: Mosquitto would change its user
                    with (folder / "broker" / "mosquitto.conf").open("a") as conf:
                        conf.write("user root\n")
                started.append(
                    subprocess.Popen(["bash", "-c", f"exec {line}"], cwd=folder, env=env, stdout=log, stderr=log)
                )
                wait_for(port)
                continue
            done = subprocess.run(
                ["bash", "-c", line], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == 0, f"{line}\n{done.stderr}\n{(folder / 'log').read_text()}"
            said = done.stdout
            if line.startswith("acquire check"):
                assert "Warning" not in done.stderr
        assert len(said.splitlines()) >= 8
        assert "electrometer-1" in said
