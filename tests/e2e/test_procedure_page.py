"""The commands of docs/procedure.md, run in a shell as they stand there."""

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

from acquire.demo.files import BY_HAND_DOORS, BY_HAND_PORT

PAGE = Path(__file__).parents[2] / "docs" / "procedure.md"
FILES = "acquire demo --files -o case-A"
PORTS = [str(BY_HAND_PORT), *(each.rpartition(":")[2] for each in BY_HAND_DOORS.values())]


def script() -> str:
    """All sh blocks in order; the one marked "background" runs beside the others until the end.

    On free ports: somebody may be following the page on this machine.
    """
    lines = ["set -eu", 'sleep_until() { for _ in $(seq 100); do eval "$1" && return; sleep 0.1; done; exit 9; }']
    ours = {port: str(free_port()) for port in PORTS}
    files = f"{FILES} && sed -i {' '.join(f'-e s/{port}/{own}/' for port, own in ours.items())} case-A/service.toml"
    for kind, body in re.findall(r"```sh( background)?\n(.*?)```", PAGE.read_text(), re.DOTALL):
        said = re.sub("|".join(PORTS), lambda found: ours[found[0]], body.strip())
        if kind:
            lines += [f"{said} 2>service.log & SERVICE=$!", "trap 'kill $SERVICE; wait $SERVICE' EXIT"]
            lines += ["sleep_until 'acquire tail --config service.toml -n 1 >/dev/null 2>&1'", "sleep 2"]
        else:
            lines.append(said.replace(FILES, files))
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
    assert process.returncode == 0, said + (tmp_path / "case-A" / "service.log").read_text()[-2000:]
    record = json.loads((tmp_path / "case-A" / "record.json").read_text())
    points = {each["id"]: each["result"] for each in record["points"]}
    assert 100 * points["B1"]["dose_gy"] == pytest.approx(47.33, abs=0.15)
    assert points["B1"]["decision"] == "PASS"
    assert points["P4"]["decision"] == "INVALID"
    assert "dose_gy" not in points["P4"]
    assert "and the audit chain hold; held against no anchor." in said
    assert "<svg" in (tmp_path / "case-A" / "record.html").read_text()
