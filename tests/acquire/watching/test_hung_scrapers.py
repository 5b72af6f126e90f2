"""Whoever asks in a wrong way, slowly or without end holds up nobody: neither the service nor the next who asks."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from brokers import free_port
from waiting import until
from watched_house import Bare, fetch, judged

from acquire.cli.serving import check
from acquire.config import load
from acquire.errors import Refused
from acquire.heartbeat import Heartbeat
from acquire.watching import Watching, asked, server
from acquire.watching.asked import Asked

CONFIG = 'site = "clinic"\n[broker]\nmode = "external"\n[watching]\nport = {port}\n'
GET = b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n"


@asynccontextmanager
async def watching(folder: Path, port: int = 0) -> AsyncIterator[tuple[Watching, Bare]]:
    path = folder / "service.toml"
    path.write_text(CONFIG.format(port=port))
    running = Bare(load(path))
    assert running.loaded.config.watching is not None
    made = Watching(running, running.loaded.config.watching)
    task = asyncio.create_task(made.run())
    try:
        yield made, running
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def told(made: Watching) -> int:
    """Its port, once it listens."""
    await until(lambda: made.port)
    assert made.port is not None
    return made.port


async def said(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


async def test_those_that_hang_are_ended_and_keep_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "WITHIN_S", 0.5)
    async with watching(tmp_path) as (made, _):
        port = await told(made)
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3 * server.MOST_CONNECTIONS)]
        for n, (_, writer) in enumerate(silent):
            writer.write(GET[: n % len(GET)])
        assert (await asyncio.to_thread(fetch, port, "/metrics"))[0] == 200
        assert len(made._open) <= server.MOST_CONNECTIONS
        for reader, writer in silent:
            with contextlib.suppress(ConnectionError):
                async with asyncio.timeout(10):
                    await reader.read()  # comes to its end: nothing of ours waits for it
            writer.close()
        await until(lambda: not made._open)
        for _ in range(50):  # a scanner of ports
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
        assert await judged(port, "live") == (200, [])


async def test_an_answer_that_nobody_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "WITHIN_S", 0.3)
    monkeypatch.setattr(Watching, "_page", lambda self, accept: endless())
    async with watching(tmp_path) as (made, _):
        port = await told(made)
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        await until(lambda: made._open)
        assert await judged(port, "live") == (200, [])
        await until(lambda: not made._open)
        writer.close()


async def endless() -> server.Answer:
    return 200, "text/plain", b"x" * 50_000_000


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
        (b"GET /metrics\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/1.1\r\nHost: here\r\nX: " + b"x" * 20_000, b"400"),
        (b"POST /metrics HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\n\r\nabcd", b"405"),
        (b"GET /etc/passwd HTTP/1.1\r\nHost: here\r\n\r\n", b"404"),
        (b"HEAD /metrics HTTP/1.1\r\nHost: here\r\n\r\n", b"200"),
        (b"GET /metrics?a=b HTTP/1.0\r\n\r\n", b"200"),
    ],
)
async def test_what_is_no_question_of_ours(tmp_path: Path, request_: bytes, status: bytes) -> None:
    async with watching(tmp_path) as (made, _):
        port = await told(made)
        head, _, body = (await said(port, request_)).partition(b"\r\n\r\n")
        assert head.split(b" ")[1] == status
        if status != b"200":
            assert json.loads(body)["error"]
        assert request_[:4] != b"HEAD" or body == b""
        assert await judged(port, "live") == (200, [])


async def test_a_loop_that_is_stuck_is_named(tmp_path: Path) -> None:
    now = 0.0
    async with watching(tmp_path) as (made, running):
        running.heartbeat = Heartbeat(lambda: now)
        running.heartbeat.of("store")
        running.heartbeat.of("spool")
        port = await told(made)
        assert await judged(port, "live") == (200, [])
        now = 31.0
        running.heartbeat.of("spool")
        assert await judged(port, "live") == (503, ["store"])
        assert await judged(port, "ready") == (503, ["store"])


async def test_a_page_is_kept_for_a_second_and_a_thread_that_is_busy_is_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked, "ANSWER_WITHIN_S", 0.05)
    times, go = 0, asyncio.Event()

    async def busy() -> int:
        nonlocal times
        times += 1
        await go.wait()
        return 7

    question: Asked[int] = Asked(busy)
    assert [await question.answer() for _ in range(4)] == [None] * 4
    assert times == 1
    go.set()
    assert await question.answer() == 7
    made = 0
    async with watching(tmp_path) as (watched, _):
        port = await told(watched)
        now = watched._now

        async def counted() -> object:
            nonlocal made
            made += 1
            return await now()

        monkeypatch.setattr(watched, "_now", counted)
        monkeypatch.setattr(server, "KEPT_S", 1000.0)
        assert {(await asyncio.to_thread(fetch, port, "/metrics"))[0] for _ in range(5)} == {200}
        assert made == 1


async def test_a_port_that_something_else_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Told once, found by `acquire check`, and served as soon as it is free."""
    monkeypatch.setattr(server, "AGAIN_S", 0.05)
    port = free_port()
    other = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", port)
    async with other, watching(tmp_path, port) as (made, _):
        said, sentence = "", f"metrics and health cannot be told at 127.0.0.1:{port} ("

        def is_told() -> bool:
            nonlocal said
            said += capsys.readouterr().out
            return sentence in said

        await until(is_told)
        await asyncio.sleep(0.3)  # it is tried again
        assert made.port is None
        assert is_told()
        assert said.count(sentence) == 1
        with pytest.raises(Refused, match=rf"^\[watching\] cannot listen on 127\.0\.0\.1:{port}: "):
            check(tmp_path / "service.toml")
        other.close()
        assert await told(made) == port
        assert await judged(port, "ready") == (200, [])
