"""A page of the documentation followed in a shell: its sh blocks in order, as they stand there."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from command_line import Said, acquire
from resident import resident

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


async def follow(
    commands: str, folder: Path, own: Mapping[str, str] | None = None, within_s: float = WITHIN_S
) -> tuple[int | None, str]:
    """Exit code and everything that was said; nothing of it is left running. `own`: of the environment of the commands,
    which come from a process that has the program already (resident.py)."""
    path = f"{resident(tuple((own or {}).items()))}:{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin"
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", commands, cwd=folder, env=os.environ | {"PATH": path}, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        out, _ = await asyncio.wait_for(process.communicate(), within_s)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return process.returncode, out.decode()


def followed(page: Path, folder: Path, names: Mapping[str, str], who: str) -> Iterator[tuple[str, Said]]:
    """Each `acquire` line of the page's sh blocks with what it said, in processes that have the program already.

    What stands beside those lines runs in a shell before them. names: what stands for each $NAME.
    """
    lines = "".join(re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL)).splitlines()
    beside = [each for each in lines if not each.startswith(("acquire ", *(f"{name}=" for name in names)))]
    subprocess.run(["bash", "-euc", "\n".join(beside)], cwd=folder, check=True)
    for line in (each for each in lines if each.startswith("acquire ")):
        command, _, file = line.partition(" > ")
        filled = re.sub(r"\$([A-Z]+)", lambda found: names[found[1]], command)
        done = acquire(*shlex.split(filled)[1:], cwd=folder, env=os.environ | {"ACQUIRE_BY": who})
        if file:
            (folder / file).write_text(done.stdout)
        yield line, done
