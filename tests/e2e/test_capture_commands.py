"""acquire capture and acquire replay as people run them: what was recorded is read again, reply for reply."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from processes import ACQUIRE, Process

MODEL = "mosfet-reader-5"


async def read(folder: Path, resource: str) -> tuple[int | None, list[dict[str, Any]], str]:
    _, host, port, _ = resource.split("::")
    words = ("read", MODEL, f"tcp:{host}:{port}", "--count", "5", "--set", "poll_interval_s=0")
    process = await asyncio.create_subprocess_exec(
        str(ACQUIRE), *words, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        out, said = await process.communicate()
    return process.returncode, [json.loads(each) for each in out.splitlines()], said.decode()


async def served(process: Process) -> str:
    await process.start(reads_first_line=True)
    return str(process.first_line["resource"])


async def ended(process: Process) -> int | None:
    """The exit code of one that ends by itself."""
    async with asyncio.timeout(20):
        while process.ended() is None:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    return process.ended()


@pytest.mark.slow
async def test_what_was_captured_is_replayed_and_nothing_else(tmp_path: Path) -> None:
    file = str(tmp_path / "wire.jsonl")
    anywhere = ("--listen", "tcp:127.0.0.1:0")
    simulator = Process(tmp_path, "simulate", "simulate", MODEL, *anywhere)
    _, host, port, _ = (await served(simulator)).split("::")
    capture = Process(tmp_path, "capture", "capture", f"tcp:{host}:{port}", "-o", file, *anywhere)
    _, recorded, _ = await read(tmp_path, await served(capture))
    assert await capture.stop() == 0, capture.log()
    assert await simulator.stop() == 0
    assert [each["channel"] for each in recorded] == ["1", "2", "3", "4", "5"]
    replay = Process(tmp_path, "replay", "replay", file, "--compressed", *anywhere)
    code, again, _ = await read(tmp_path, await served(replay))
    assert code == 0
    assert [each["raw"] for each in again] == [each["raw"] for each in recorded]
    assert await ended(replay) == 0, replay.log()
    strict = Process(tmp_path, "strict", "replay", file, "--compressed", *anywhere)
    resource = await served(strict)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(resource.split("::")[2]))
    writer.write(b"BIAS HIGH\r")
    assert await reader.read() == b""
    writer.close()
    assert await ended(strict) == 1
    assert "'BIAS HIGH' was asked where line" in strict.log()
