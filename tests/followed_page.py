"""A page of the documentation followed in a shell: its sh blocks in order, as they stand there."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

WITHIN_S = 300.0


def script(page: Path, mend: Callable[[str], str] = lambda said: said) -> str:
    """All sh blocks of a page; the one marked "background" runs beside the others until the end. `mend`: ports."""
    lines = ["set -eu", 'sleep_until() { for _ in $(seq 100); do eval "$1" && return; sleep 0.1; done; exit 9; }']
    for kind, body in re.findall(r"```sh( background)?\n(.*?)```", page.read_text(), re.DOTALL):
        said = mend(body.strip())
        if kind:
            lines += [f"{said} 2>service.log & SERVICE=$!", "trap 'kill $SERVICE; wait $SERVICE' EXIT"]
            lines += ["sleep_until 'acquire tail --config service.toml -n 1 >/dev/null 2>&1'", "sleep 2"]
        else:
            lines.append(said)
    return "\n".join(lines)


async def follow(commands: str, folder: Path, within_s: float = WITHIN_S) -> tuple[int | None, str]:
    """Exit code and everything that was said; nothing of it is left running."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin"}
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", commands, cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        out, _ = await asyncio.wait_for(process.communicate(), within_s)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return process.returncode, out.decode()
