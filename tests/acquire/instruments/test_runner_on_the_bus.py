"""A runner with a scripted driver, from the driver's readings to rows in the store, over a real Mosquitto."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from uuid import uuid4

import pytest
from brokers import running_mosquitto
from house import TOPICS, Scripted, house_in
from waiting import until

from acquire.bus.client import connect
from acquire.bus.instrument_client import NotDone
from acquire.bus.messages import State
from acquire.store.attribution import measurement
from acquire.store.database import connect as open_store
from drivers import LinkDown, ReplyTimeout


async def test_readings_between_the_marks_belong_to_the_measurement_and_no_others(tmp_path: Path) -> None:
    async with house_in(tmp_path) as (house, asker):
        await until(lambda: Scripted.number > 5)
        asked = {"measurement": str(uuid4()), "session": "S-1", "step": "irradiate B1"}
        begun = await asker.command("scripted-1", "begin", asked)
        at_begin = Scripted.number
        assert await asker.command("scripted-1", "begin", asked) == begun
        await until(lambda: at_begin + 20 < Scripted.number)
        ended = await asker.command("scripted-1", "end", asked)
        await until(lambda: Scripted.number > 40)
    store = open_store(tmp_path / "store.db")
    view = measurement(store, asked["measurement"])
    assert view.state == "ended"
    assert (view.begin_seq, view.end_seq) == (begun["seq"], ended["seq"])
    numbers = [round(r.body["value"] * 1e9) for r in view.readings]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert len(numbers) == ended["seq"] - begun["seq"] - 1
    (stored,) = store.execute("SELECT count(*) FROM entry WHERE kind = 'scalar'").fetchone()
    assert stored == Scripted.number == house.runner.appended
    store.close()


async def test_a_reply_that_does_not_come_is_a_gap_and_the_measurement_goes_on(tmp_path: Path) -> None:
    async with house_in(tmp_path) as (_, asker):
        asked = {"measurement": str(uuid4()), "session": "S-1", "step": "x"}
        await asker.command("scripted-1", "begin", asked)
        missing = Scripted.number + 3
        Scripted.faults[missing] = ReplyTimeout("No reply within 1 s.")
        await until(lambda: Scripted.number > missing + 5)
        await asker.command("scripted-1", "end", asked)
    store = open_store(tmp_path / "store.db")
    view = measurement(store, asked["measurement"])
    assert (view.state, view.refused, Scripted.recovered, Scripted.opened) == ("ended", 1, 1, 1)
    assert missing not in [round(r.body["value"] * 1e9) for r in view.readings]
    row = store.execute("SELECT kind, status, reason FROM entry WHERE status = 'refused'").fetchone()
    assert tuple(row) == ("gap", "refused", "No reply within 1 s.")
    store.close()


async def test_a_lost_link_interrupts_the_measurement_and_begins_a_new_stream(tmp_path: Path) -> None:
    async with house_in(tmp_path) as (house, asker):
        asked = {"measurement": str(uuid4()), "session": "S-1", "step": "x"}
        await asker.command("scripted-1", "begin", asked)
        Scripted.faults[Scripted.number + 3] = LinkDown("The port is gone.")
        await until(lambda: Scripted.opened == 2 and house.runner.state.state == "ready")
        with pytest.raises(NotDone, match="interrupted; begin a new attempt"):
            await asker.command("scripted-1", "begin", asked)
    store = open_store(tmp_path / "store.db")
    assert measurement(store, asked["measurement"]).state == "interrupted"
    ends = sorted(r["ended"] for r in store.execute("SELECT ended FROM stream"))
    assert ends == ["closed", "link-lost"], "they may have been heard in one message"
    store.close()


async def test_commands_are_answered_or_plainly_refused(tmp_path: Path) -> None:
    async with house_in(tmp_path) as (house, asker):
        assert await asker.command("scripted-1", "set-gain", {"gain": 3}) == {"gain": 3}
        for parameters, sentence in (
            ({"gain": 12}, "at most 9"),
            ({"gian": 1}, "cannot set-gain: gain: it is missing"),
        ):
            with pytest.raises(NotDone, match=sentence):
                await asker.command("scripted-1", "set-gain", parameters)
        with pytest.raises(NotDone, match=r"has no command 'dance'; it has .*set-gain, .*begin, end"):
            await asker.command("scripted-1", "dance", {})
        with pytest.raises(NotDone, match="not under way"):
            await asker.command("scripted-1", "end", {"measurement": str(uuid4()), "session": "S", "step": "x"})
        told = {a.name: a for a in house.runner.state.commands}
        assert {"begin", "end", "set-gain", "peek"} <= set(told)
        assert (told["begin"].now, told["end"].now, told["set-gain"].now) == (True, False, True)
        assert told["set-gain"].parameters["properties"]["gain"]["type"] == "integer"


async def test_the_same_command_id_is_carried_out_once(tmp_path: Path) -> None:
    async with house_in(tmp_path) as (house, _), connect(house.broker.endpoint, "asker") as connection:
        await connection.subscribe(TOPICS.reply("asker"))
        measured = str(uuid4())
        payload = {
            "schema": "command/1", "id": str(uuid4()), "by": "test", "reply_to": TOPICS.reply("asker"),
            "parameters": {"measurement": measured, "session": "S-1", "step": "x"},
        }  # fmt: skip
        answers = []
        for _ in range(3):
            await connection.publish(TOPICS.command("scripted-1", "begin"), json.dumps(payload).encode())
        async for message in connection.messages():
            answers.append(message.payload)
            if len(answers) == 3:
                break
        assert len(set(answers)) == 1
        assert len(await house.spool.markers(measured)) == 1


async def test_the_state_falls_to_offline_when_the_process_is_gone(tmp_path: Path) -> None:
    async with running_mosquitto(tmp_path) as broker:
        code = (
            "import asyncio,sys\n"
            "sys.path[:0]=sys.argv[3:]\n"
            "from pathlib import Path\n"
            "from house import House\n"
            "class B: pass\n"
            "from acquire.bus.client import Endpoint\n"
            "async def main():\n"
            "    b=B(); b.endpoint=Endpoint('127.0.0.1',int(sys.argv[1]))\n"
            "    h=House(Path(sys.argv[2]),b); await h.start(); await asyncio.sleep(60)\n"
            "asyncio.run(main())\n"
        )
        import sys  # noqa: PLC0415 - the interpreter of this very test

        here = Path(__file__).parent
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, str(broker.port), str(tmp_path), str(here), str(here.parents[1]),
            str(here.parents[2]), stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        states = []
        async with connect(broker.endpoint, "watcher") as connection:
            await connection.subscribe(TOPICS.state("scripted-1"))
            async for message in connection.messages():
                states.append(State.model_validate_json(message.payload).state)
                if states[-1] == "ready":
                    process.kill()
                if states[-1] == "offline":
                    break
        await process.wait()
        assert states[-1] == "offline"
