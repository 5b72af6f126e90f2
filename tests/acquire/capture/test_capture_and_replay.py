"""A wire is recorded while a program talks over it; the recording answers as the instrument did, and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from acquire.capture import PassThrough, Recording
from drivers import LinkDown, SerialSettings, open_transport
from simulators import Exchange, Served, port_from, read_recording, serve, serve_replay


def address(resource: str) -> tuple[str, int]:
    _, host, port, _ = resource.split("::")
    return host, int(port)


@asynccontextmanager
async def program(resource: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(*address(resource))
    try:
        yield reader, writer
    finally:
        writer.close()


async def ask(talk: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes) -> bytes:
    talk[1].write(request)
    async with asyncio.timeout(5):
        return await talk[0].readline()


@asynccontextmanager
async def recorded(path: Path) -> AsyncIterator[tuple[PassThrough, str, Served]]:
    """A simulated reader behind a pass-through."""
    served = await serve("mosfet-reader-5", "tcp:127.0.0.1:0", speed=100)
    port, recording = port_from("tcp:127.0.0.1:0"), Recording.create(path, "tcp")
    host, number = address(served.resource)
    passing = PassThrough(open_transport(f"tcp:{host}:{number}", SerialSettings()), port, recording)
    await passing.start()
    try:
        yield passing, port.resource, served
    finally:
        await passing.close()
        await served.close()
        recording.close()


async def test_both_directions_are_written_down_with_times(tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    async with recorded(path) as (_, resource, _served), program(resource) as talk:
        assert await ask(talk, b"WHO\r") == b"MR5 0507 V2.1\r\n"
        assert await ask(talk, b"BIAS STD\r") == b"BIAS STD\r\n"
    first, came, *entries = [json.loads(each) for each in path.read_text().splitlines()]
    assert first == {"capture": 1, "transport": "tcp"}
    assert came["event"] == "a program came"
    said = [(each["from"], each["text"]) for each in entries if "from" in each]
    assert said[:2] == [("host", "WHO\r"), ("instrument", "MR5 0507 V2.1\r\n")]
    times = [each["t"] for each in entries]
    assert times == sorted(times)
    assert times[-1] < 60
    assert "127.0.0.1" not in path.read_text()
    with pytest.raises(FileExistsError):
        Recording.create(path, "tcp")


async def test_a_wire_that_is_lost_ends_the_recording_and_what_came_before_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    async with recorded(path) as (passing, resource, served), program(resource) as talk:
        await ask(talk, b"WHO\r")
        await served.close()
        async with asyncio.timeout(5):
            assert isinstance(await passing.ended, LinkDown)
    assert [each.request for each in read_recording(path)] == [b"WHO\r"]
    assert "the wire was lost" in path.read_text()


def test_bytes_that_are_no_text_are_kept_as_they_are(tmp_path: Path) -> None:
    path, seconds = tmp_path / "wire.jsonl", iter([5.0, 5.25, 5.5, 6.0])
    with path.open("w") as file:
        it = Recording(file, "serial", lambda: next(seconds))
        it.passed("host", b"\x01")
        it.passed("instrument", b"\x02\xff\r\n")
        it.passed("instrument", b"K\r\n")
    assert read_recording(path) == [Exchange(2, b"\x01", [(0.25, b"\x02\xff\r\n"), (0.75, b"K\r\n")])]


WIRE = [
    Exchange(2, b"", [(0.0, b"READY\r\n")]),
    Exchange(3, b"ID\r", [(0.01, b"TW"), (0.02, b"O\r\n")]),
    Exchange(5, b"Q\r", [(0.01, b"1\r\n")]),
    Exchange(7, b"Q\r", [(30.0, b"2\r\n")]),
]


async def test_a_replay_answers_in_the_order_of_the_recording_and_is_over_when_its_client_leaves() -> None:
    replay = await serve_replay(WIRE, "tcp:127.0.0.1:0", compressed=True)
    async with program(replay.resource) as talk:
        assert await talk[0].readline() == b"READY\r\n"
        assert [await ask(talk, each) for each in (b"ID\r", b"Q\r", b"Q\r")] == [b"TWO\r\n", b"1\r\n", b"2\r\n"]
        assert not replay.over.is_set()
    async with asyncio.timeout(5):
        await replay.over.wait()
    assert replay.fault is None
    await replay.close()


@pytest.mark.parametrize(
    ("asked", "any_order", "fault"),
    [
        ([b"Q\r"], False, "'Q\\x0d' was asked where line 3 of the recording has 'ID"),
        ([b"ID\r", b"X\r"], False, "'X\\x0d' was asked where line 5 of the recording has 'Q"),
        ([b"ID\r", b"Q\r", b"Q\r", b"Q\r"], False, "was asked after the end of the recording"),
        ([b"Q\r", b"Q\r", b"Q\r", b"ID?\r"], True, "'ID?\\x0d' was asked; the recording has no such request."),
    ],
)
async def test_what_was_not_recorded_is_never_answered(asked: list[bytes], any_order: bool, fault: str) -> None:
    replay = await serve_replay(WIRE, "tcp:127.0.0.1:0", compressed=True, any_order=any_order)
    async with program(replay.resource) as talk:
        assert await talk[0].readline() == b"READY\r\n"
        answers = [await ask(talk, each) for each in asked]
        assert all(answers[:-1])
        assert answers[-1] == b""
        await replay.over.wait()
        assert fault.replace("\\x0d", "") in (replay.fault or "").replace("\\x0d", "")
    await replay.close()


async def test_in_any_order_a_request_is_answered_as_it_was_next_or_else_last() -> None:
    replay = await serve_replay(WIRE, "tcp:127.0.0.1:0", compressed=True, any_order=True)
    async with program(replay.resource) as talk:
        await talk[0].readline()
        said = [await ask(talk, each) for each in (b"Q\r", b"Q\r", b"ID\r", b"Q\r")]
        assert said == [b"1\r\n", b"2\r\n", b"TWO\r\n", b"2\r\n"]
    await replay.close()


async def test_a_request_in_pieces_and_two_in_one_piece_are_understood() -> None:
    replay = await serve_replay(WIRE, "tcp:127.0.0.1:0", compressed=True)
    async with program(replay.resource) as talk:
        await talk[0].readline()
        talk[1].write(b"I")
        await talk[1].drain()
        assert await ask(talk, b"D\rQ\r") == b"TWO\r\n"
        assert await talk[0].readline() == b"1\r\n"
    await replay.close()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "line 1: no recording of this kind"),
        ('{"capture": 2}\n', "line 1: no recording of this kind"),
        ('{"capture": 1}\n[1]\n', "line 2: not a JSON object"),
        ('{"capture": 1}\nnothing\n', "line 2: not JSON"),
        ('{"capture": 1}\n{"t": 1, "from": "host", "text": "a"}\n{"t": 0.5, "event": "b"}\n', "line 3, t: seconds"),
        ('{"capture": 1}\n{"t": 1, "from": "me", "text": "a"}\n', "line 2, from: allowed are host and instrument"),
        ('{"capture": 1}\n{"t": 1, "from": "host"}\n', "it needs either text"),
        ('{"capture": 1}\n{"t": 1, "from": "host", "base64": "%"}\n', "line 2: the bytes are not as they must be"),
    ],
)
def test_what_is_no_recording_is_refused_with_its_line(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(text)
    with pytest.raises(ValueError, match=why):
        read_recording(path)


async def test_in_its_own_time_a_reply_takes_as_long_as_it_took() -> None:
    replay = await serve_replay([Exchange(2, b"Q\r", [(0.02, b"1"), (0.08, b"\r\n")])], "tcp:127.0.0.1:0")
    async with program(replay.resource) as talk:
        begun = asyncio.get_running_loop().time()
        assert await ask(talk, b"Q\r") == b"1\r\n"
        assert 0.079 < asyncio.get_running_loop().time() - begun < 2
    await replay.close()
