"""A withheld original on a real broker: refused again while the limit stands, in the store once it was raised."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from brokers import Mosquitto
from bus_house import House, house_in, reading
from invariants import Emitted, opened
from waiting import until

from acquire.packing import unpacked
from acquire.spool import originals
from acquire.spool.journal import stand_in
from acquire.spool.keeper import Keeper, Keeping
from acquire.spool.source import Limits

ACQUIRE = Path(sys.executable).with_name("acquire")
QUICK = Limits(first_resend_s=0.1, longest_resend_s=0.5, heartbeat_s=0.5)


@asynccontextmanager
async def kept(house: House) -> AsyncIterator[None]:
    task = asyncio.create_task(Keeper(house.spool, house.publisher, Keeping(check_s=0.05)).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def resend(folder: Path) -> Any:
    """`acquire spool resend` beside the running service."""
    done = subprocess.run(
        [str(ACQUIRE), "spool", "resend", "--spool", str(folder / "spool.db"), "--json"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("limit", "version"), [("message_size_limit", "3.1.1"), ("max_packet_size", "5")])
async def test_a_withheld_original_arrives_once_the_limit_was_raised(tmp_path: Path, limit: str, version: str) -> None:
    broker = Mosquitto(tmp_path, extra=f"persistence false\n{limit} 6000\n")
    await broker.start()
    try:
        async with house_in(tmp_path, replace(broker.endpoint, protocol=version), limits=QUICK) as house, kept(house):  # type: ignore[arg-type]
            await withheld_among_others(house)
            assert resend(tmp_path)["running"] is True
            await until(lambda: alarms(house) == 1, what="the alarm that it was refused again")
            await house.append(5)
            await house.settled()
            assert await states(house) == ["withheld"]
            await broker.kill()
            broker.conf.write_text(broker.conf.read_text().replace(f"{limit} 6000\n", ""))
            await broker.start()
            found = resend(tmp_path)["originals"]
            assert [(each["seq"], each["bytes"] > 9000) for each in found] == [(11, True)]
            stream = house.publisher.source.streams[found[0]["stream"]]
            await until(lambda: stream.resent == [11], what="the original being confirmed")
            await house.settled()
            assert await states(house) == ["sent"]
            await house.check()
            with opened(tmp_path / "store.db") as store:
                rows = store.execute("SELECT seq, kind, status, body FROM entry WHERE seq = 11").fetchall()
            assert [(r["kind"], r["status"], unpacked(bytes(r["body"]))) for r in rows] == [
                ("scalar", "stored", house.emitted[10].original)
            ]
    finally:
        await broker.kill()


async def withheld_among_others(house: House) -> None:
    assert house.stream is not None
    await house.append(10)
    body = reading(len(house.emitted), 9000)
    seq = await house.recorder.withhold(house.stream, body, "larger than 4 KiB")
    stands = stand_in(body, "larger than 4 KiB")
    house.emitted.append(Emitted(house.stream.stream, seq, stands, original=body))
    await house.append(10)
    await house.settled()


def alarms(house: House) -> int:
    return sum(1 for what, _ in house.publisher.alarms._told if what == "withheld")


async def states(house: House) -> list[str]:
    await house.publisher.write_down()
    return await house.spool.call(lambda j: [each["state"] for each in originals.listed(j.db)])
