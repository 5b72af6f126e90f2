"""Served simulators over real ports: TCP, terminals, folders, faults, the back door."""

from __future__ import annotations

import asyncio
import json
import os
import re
import tty
from pathlib import Path

import pytest
from wire_talk import address, talk_to

from simulators import Served, serve
from simulators.faults import FAULTS

TCP = "tcp:127.0.0.1:0"
IDN = b"KEITHLEY INSTRUMENTS INC.,MODEL 6517B,4096271,A13/700X\r\n"


async def keithley(*faults: str, **options: object) -> Served:
    return await serve("keithley-6517b", TCP, speed=20, faults=faults, options=options)


@pytest.mark.parametrize(
    ("model", "listen", "wanted"),
    [("ohmmeter", TCP, "keithley-6517b"), ("keithley-6517b", "usb:1", "tcp:HOST:PORT"), ("winrems", TCP, "dir:PATH"),
     ("keithley-6517b", "dir:/x", "tcp:HOST:PORT"), ("xsyg", "dir:", "folder"),
     ("xsyg", "tcp:127.0.0.1:99999", "65535")],
)  # fmt: skip
async def test_wrong_arguments_are_told_in_one_sentence(model: str, listen: str, wanted: str) -> None:
    with pytest.raises(ValueError, match=re.escape(wanted)) as caught:
        await serve(model, listen)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "fault", ["bang", "late-reply=soon", "split@x", "wrong-terminator=ff", "bit-flip@p2", "reboot@0"]
)
async def test_wrong_faults_are_told(fault: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fault.partition("@")[0].partition("=")[0])):
        await keithley(fault)


async def test_unknown_option_names_those_that_exist() -> None:
    with pytest.raises(ValueError, match="serial"):
        await keithley(colour="red")


async def test_tcp_client_is_answered_and_readings_are_counted() -> None:
    served = await keithley()
    async with talk_to(served.resource) as talk:
        assert await talk.ask("*IDN?") == IDN
        assert served.instrument.emitted == 0
        await talk.ask(":READ?")
        await talk.ask(":FETC?")
        assert served.instrument.emitted == 2
    await served.close()


async def test_newest_connection_takes_the_line() -> None:
    served = await keithley()
    async with talk_to(served.resource) as old:
        assert await old.ask("*IDN?") == IDN
        async with talk_to(served.resource) as new:
            assert await new.ask("*IDN?") == IDN
            with pytest.raises(ConnectionError):
                raise ConnectionResetError if not await old.line() else AssertionError("the old client still hears")
    await served.close()


@pytest.mark.parametrize(
    ("model", "requests", "replies"),
    [("keithley-6517b", b"*IDN?\n:READ?\n", 2), ("ptw-unidos-tango", b"PTW\r\nMV\r\n", 2)],
)
async def test_a_client_that_sends_no_more_still_gets_its_answers(model: str, requests: bytes, replies: int) -> None:
    served = await serve(model, TCP, speed=50)
    async with talk_to(served.resource) as talk:
        talk.writer.write(requests)
        talk.writer.write_eof()
        async with asyncio.timeout(5):
            assert (await talk.reader.read()).count(b"\r\n") == replies
    assert served.instrument.emitted == 1
    await served.close()


async def test_a_reading_sent_to_a_client_that_went_away_does_not_count() -> None:
    served = await serve("keithley-6517b", TCP, speed=50)
    async with talk_to(served.resource) as talk:
        talk.say(":READ?")
        await talk.writer.drain()
    await connectable(served)
    async with talk_to(served.resource) as talk:
        assert await talk.ask("*IDN?") == IDN
    assert served.instrument.emitted == 0
    await served.close()


async def test_a_device_clear_ends_waiting_for_a_trigger_that_does_not_come() -> None:
    served = await keithley(leftover=":TRIG:SOUR EXT")
    async with talk_to(served.resource) as talk:
        talk.say(":READ?")
        talk.say("*IDN?")
        await talk.writer.drain()
        talk.writer.write(b"\x03*IDN?\n")
        assert await talk.line() == b"DCL\r\n"
        assert await talk.line() == IDN
    await served.close()


async def read_terminal(path: str, request: bytes, count: int) -> bytes:
    """Open, write, read `count` bytes, close, as a serial client does."""
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        tty.setraw(fd)
        os.write(fd, request)
        got = b""
        async with asyncio.timeout(5):
            while len(got) < count:
                got += await asyncio.to_thread(os.read, fd, 100)
        return got
    finally:
        os.close(fd)


async def test_terminal_survives_closing_and_keeps_its_link(tmp_path: Path) -> None:
    link = tmp_path / "port" / "electrometer"
    served = await serve("keithley-6517b", f"pty:{link}", speed=20)
    assert served.resource == str(link)
    assert await read_terminal(served.resource, b"*IDN?\r", len(IDN)) == IDN
    assert await read_terminal(served.resource, b"*IDN?\n", len(IDN)) == IDN
    await served.close()
    assert not link.is_symlink()


async def test_back_door_exposes_and_tells() -> None:
    served = await serve("keithley-6517b", TCP, speed=20, control=TCP)
    assert served.control is not None
    async with talk_to("TCPIP::" + served.control.removeprefix("tcp:").replace(":", "::") + "::SOCKET") as door:
        assert json.loads(await door.ask('{"do":"expose","charge_c":1.5e-8,"duration_s":0.001}')) == {"ok": True}
        state = json.loads(await door.ask('{"do":"state"}'))
        assert state["ok"]
        assert state["emitted"] == 0
        for wrong in (
            "{",
            "[]",
            '{"do":"dance"}',
            '{"do":"expose"}',
            '{"do":"fault","fault":"bang"}',
            '{"do":"read_out"}',
        ):
            answer = json.loads(await door.ask(wrong))
            assert not answer["ok"]
            assert answer["error"]
    await served.close()


@pytest.mark.parametrize(
    ("fault", "pattern"),
    [
        ("split", re.escape(IDN)),
        ("split=3", re.escape(IDN)),
        ("duplicate@1", re.escape(IDN) * 2),
        ("wrong-terminator=lf", re.escape(IDN.replace(b"\r", b""))),
        ("garbage-before=4@1", rb"[\x80-\xff]{4}" + re.escape(IDN)),
        ("echo", rb"(?s).*MODEL 6517B.*"),
        ("unsolicited@1", rb".+\r\n" + re.escape(IDN)),
        ("other-serial", rb"KEITHLEY INSTRUMENTS INC.,MODEL 6517B,4096272,A13/700X\r\n"),
        ("other-device", rb"KEITHLEY INSTRUMENTS INC.,MODEL 6514,.*\r\n"),
        ("half-then-silence=9@1", IDN[:9]),
        ("slow=0.01", re.escape(IDN)),
        ("late-reply=0.01@1", re.escape(IDN)),
    ],
)
async def test_each_fault_does_to_the_bytes_what_it_says(fault: str, pattern: bytes) -> None:
    served = await keithley(fault)
    async with talk_to(served.resource) as talk:
        talk.say("*IDN?")
        got = b""
        async with asyncio.timeout(5):
            while not re.fullmatch(pattern, got):
                piece = await talk.reader.read(500)
                assert piece, f"closed after {got!r}"
                got += piece
    await served.close()


async def test_bit_flip_changes_exactly_one_bit() -> None:
    served = await keithley("bit-flip@1")
    async with talk_to(served.resource) as talk:
        got = await talk.ask("*IDN?")
    assert sum((a ^ b).bit_count() for a, b in zip(got, IDN, strict=True)) == 1
    await served.close()


async def test_glued_replies_come_in_one_piece() -> None:
    served = await keithley("glued=5")
    async with talk_to(served.resource) as talk:
        talk.say("*OPT?")
        talk.say("*IDN?")
        async with asyncio.timeout(5):
            assert await talk.reader.readuntil(IDN) == b"0\r\n" + IDN
    await served.close()


@pytest.mark.parametrize("fault", ["vanish-write=0.05@1", "vanish-read=0.05@1", "vanish-identify=0.05"])
async def test_vanished_port_cuts_the_client_and_comes_back(fault: str) -> None:
    served = await keithley(fault)
    async with talk_to(served.resource) as talk:
        talk.say("*IDN?")
        with pytest.raises(ConnectionError):
            raise ConnectionResetError if not (await talk.line()).endswith(b"\n") else AssertionError("answered")
    await connectable(served)
    async with talk_to(served.resource) as talk:
        assert await talk.ask("*IDN?") == IDN
    assert served.faults_happened == [fault.partition("=")[0]]
    await served.close()


async def connectable(served: Served) -> None:
    async with asyncio.timeout(5):
        while True:
            try:
                _, writer = await asyncio.open_connection(*address(served.resource))
            except ConnectionError:
                await asyncio.sleep(0.01)
                continue
            writer.close()
            await writer.wait_closed()
            return


async def test_reboot_forgets_settings_and_prints_a_banner() -> None:
    served = await keithley("reboot=0.01@2")
    async with talk_to(served.resource) as talk:
        talk.say(":FUNC 'CHAR'")
        assert await talk.ask(":FUNC?") == b'"CHARge"\r\n'
        assert b"KEITHLEY" in await talk.ask("*IDN?")
        assert await talk.ask(":FUNC?") == b'"VOLTage:DC"\r\n'
    await served.close()


async def test_hang_and_close_in_spite_of_it() -> None:
    served = await keithley("hang@1")
    async with talk_to(served.resource) as talk:
        talk.say("*IDN?")
        async with asyncio.timeout(5):
            while not served.faults_happened:  # noqa: ASYNC110 - the simulator offers no event for it
                await asyncio.sleep(0.005)
        async with asyncio.timeout(5):
            await served.close()


async def test_every_fault_of_the_catalogue_can_be_armed() -> None:
    served = await keithley()
    for name in FAULTS:
        served.arm(name)
    served.disarm()
    await served.close()


async def test_busy_reply_is_no_measurement() -> None:
    served = await serve("ptw-unidos-tango", TCP, speed=20, faults=["busy-reply@1"])
    async with talk_to(served.resource) as talk:
        assert await talk.ask("MV") == b"E;03\r\n"
        assert served.instrument.emitted == 0
        assert (await talk.ask("MV")).startswith(b"MV;RES;")
    assert served.instrument.emitted == 1
    await served.close()


async def test_terminal_that_vanished_is_back_under_its_link(tmp_path: Path) -> None:
    link = tmp_path / "port"
    served = await serve("keithley-6517b", f"pty:{link}", speed=20, faults=["vanish-write=0.02@1"])
    fd = os.open(link, os.O_RDWR | os.O_NOCTTY)
    os.write(fd, b"*IDN?\r")
    async with asyncio.timeout(5):
        while link.is_symlink():  # noqa: ASYNC110 - a file that goes and comes sends no event
            await asyncio.sleep(0.002)
        while not link.is_symlink():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.002)
    os.close(fd)
    assert await read_terminal(str(link), b"*IDN?\r", len(IDN)) == IDN
    await served.close()
