"""docs/write-a-profile.md, walked: record the probe, replay the recording, read it by the profile, make mistakes."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from profile_page import PAGE, PROFILE, RECORDING, model, simulated

from acquire.capture import PassThrough, Recording
from drivers import Flag, Reading, SerialSettings, connect, open_transport
from drivers.profile import ProfileProblem, load_profile
from simulators import SimClock, port_from, read_recording, serve_replay
from simulators.link import Link


def plain(resource: str) -> str:
    _, host, port, _ = resource.split("::")
    return f"tcp:{host}:{port}"


@pytest.fixture
def page_recording(tmp_path: Path) -> Path:
    path = tmp_path / "probe.jsonl"
    path.write_text(RECORDING)
    return path


async def test_the_probe_says_what_the_page_recorded(page_recording: Path, tmp_path: Path) -> None:
    """Its maker's program is played by the page's own requests; the beam comes when it does there."""
    instrument = simulated().make(SimClock(), 0, {})
    link = Link(instrument, port := port_from("tcp:127.0.0.1:0"))
    await link.start()
    recording = Recording.create(tmp_path / "ours.jsonl", "tcp")
    ours = port_from("tcp:127.0.0.1:0")
    passing = PassThrough(open_transport(plain(port.resource), SerialSettings()), ours, recording)
    await passing.start()
    host, number = plain(ours.resource).removeprefix("tcp:").split(":")
    reader, writer = await asyncio.open_connection(host, int(number))
    for each in (wanted := read_recording(page_recording)):
        if each.replies[0][1].startswith(b"Q,LOW,A,+1.2"):
            instrument.detector.expose(1.234e-9, 0.001)
            await asyncio.sleep(0.02)
        writer.write(each.request)
        await reader.readline()
    writer.close()
    await passing.close()
    await link.stop()
    recording.close()
    heard = read_recording(tmp_path / "ours.jsonl")
    assert [each.request for each in heard] == [each.request for each in wanted]
    said = [b"".join(data for _, data in each.replies) for each in heard]
    told = [b"".join(data for _, data in each.replies) for each in wanted]
    assert said[:-1] == told[:-1], "but for the overload, which this simulator has not"


async def test_the_profile_reads_the_recording(page_recording: Path) -> None:
    replay = await serve_replay(
        read_recording(page_recording), "tcp:127.0.0.1:0", any_order=True, compressed=True
    )  # fmt: skip
    it = connect(model(), plain(replay.resource), {"expected_serial": "42"})
    identity = await it.open()
    readings: list[Reading] = []
    while len(readings) < 6:
        readings += await it.take()
    await it.close()
    await replay.close()
    assert (identity.model, identity.serial, identity.firmware) == ("PROBE", "42", "1.0")
    assert [(each.channel, each.value) for each in readings] == [
        ("A", 0.0), ("B", 0.0), ("A", 1.234e-9), ("B", 1.234e-10), ("A", None), ("B", 9.999e-10),
    ]  # fmt: skip
    assert readings[4].flags == (Flag.OVERLOAD,)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("min = -1e-8\n", ""),
        ('quantity = "charge"\nunit = "C"', 'quantity = "charge"\nunit = "nanoC"'),
        ("\\.[0-9]{4}E", "\\.[0-9]+E"),
        ("{1,6}),(", "{1,6})("),
        ("ERR,(?P<code>[0-9]{1,2})", "[A-Z,]{9}"),
    ],
)
def test_a_mistake_is_told_as_the_page_says(old: str, new: str) -> None:
    assert old in PROFILE
    with pytest.raises(ProfileProblem) as caught:
        load_profile(PROFILE.replace(old, new).encode(), "two-channel-probe.toml")
    said = [each.removeprefix("two-channel-probe.toml, ") for each in caught.value.sentences]
    rows = [row.split("` ... `") for row in re.findall(r"(?m)^\| .*? \| `(line .*?)`(?: \.\.\.)? \|$", PAGE)]
    assert any(all(part in each for part in row) for row in rows for each in said), said
