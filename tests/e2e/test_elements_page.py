"""The commands of docs/elements.md, run in a shell as they stand there."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from pathlib import Path

import pytest
from brokers import free_port
from command_line import acquire

PAGE = Path(__file__).parents[2] / "docs" / "elements.md"
PORT = "18851"


def script() -> str:
    """All sh blocks in order, on a free port; the one marked "background" runs beside the others until the end."""
    lines, port = ["set -eu"], str(free_port())
    for kind, body in re.findall(r"```sh( background)?\n(.*?)```", PAGE.read_text(), re.DOTALL):
        said = body.strip().replace(PORT, port)
        if kind:
            lines += [f"{said} 2>service.log & SERVICE=$!", "trap 'kill $SERVICE; wait $SERVICE' EXIT"]
            there = "acquire tail --config service.toml -n 1 >/dev/null 2>&1"
            lines.append(f"for _ in $(seq 100); do {there} && break; sleep 0.1; done")
        else:
            lines.append(said)
    return "\n".join(lines)


@pytest.mark.slow
async def test_the_page_can_be_followed(tmp_path: Path) -> None:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin"}
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", script(), cwd=tmp_path, env=environment, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        out, _ = await asyncio.wait_for(process.communicate(), 300)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    said = out.decode()
    assert process.returncode == 0, said + (tmp_path / "clinic" / "service.log").read_text()[-2000:]
    assert "8 elements added" in said
    assert "is above 3.5" in said
    assert "rcf = " in said
    assert "tld-reader-1: high-voltage at" in said
    assert said.count("Ended: cal-") == 1
    assert "and the audit chain hold" in said
    store = ("--store", f"sqlite:///{tmp_path}/clinic/store.db", "--json")
    elements = {e["element"]: e for e in json.loads(acquire("elements", "list", *store).stdout)}
    assert elements["T-07"]["status"] == "withdrawn"
    assert elements["T-01"]["accumulated_gy"] == pytest.approx(3.5 + 3 * 2.0)
    assert elements["T-01"]["readings"] == 12 + 3
    assert elements["T-03"]["ecc"] == pytest.approx(160.1 / 165.3, rel=0.01)
    states = [c["state"] for c in json.loads(acquire("calibration", "list", *store).stdout)]
    assert states == ["confirmed", "withdrawn"]
    assert (tmp_path / "clinic" / "stock.csv").read_bytes().count(b"\r\n") == 9
