"""Commands over real brokers, MQTT 5 and 3.1.1: once or never, bounded, refused while a step does not allow them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from house import TOPICS, House, Mode, Scripted, house_in
from waiting import until

from acquire.bus.client import Connection, Received, connect
from acquire.bus.instrument_client import NotDone, instrument_client
from acquire.store.attribution import measurement
from acquire.store.database import connect as open_store
from drivers import Declined, Garbled, LinkDown, ReplyTimeout, WrongInstrument

MODES: tuple[Mode, ...] = ("mosquitto", "embedded")
REPLIES = TOPICS.reply("asker")


def request(parameters: Mapping[str, Any], **keys: Any) -> dict[str, Any]:
    asked = {"schema": "command/1", "id": str(uuid4()), "by": "test", "reply_to": REPLIES}
    return asked | {"parameters": dict(parameters)} | keys


class Asker:
    """A client that is not ours."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.answers: list[dict[str, Any]] = []
        self.received: list[Received] = []

    async def send(self, name: str, body: Mapping[str, Any] | bytes, **properties: Any) -> None:
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        await self.connection.publish(TOPICS.command("scripted-1", name), payload, **properties)

    async def answer(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        before = len(self.answers)
        await self.send(name, body)
        await until(lambda: len(self.answers) > before)
        return self.answers[-1]

    async def listen(self) -> None:
        """The embedded broker now and then hands a new client a retained message it did not subscribe to."""
        async for message in self.connection.messages():
            if not message.topic.endswith(("/committed", "/state")):
                self.received.append(message)
                self.answers.append(json.loads(message.payload))


@asynccontextmanager
async def asking(house: House) -> AsyncIterator[Asker]:
    async with connect(house.broker.endpoint, f"asker-{uuid4().hex[:8]}") as connection:
        await connection.subscribe(REPLIES)
        asker = Asker(connection)
        listener = asyncio.create_task(asker.listen())
        try:
            yield asker
        finally:
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)


def begun(**more: Any) -> dict[str, Any]:
    return {"measurement": str(uuid4()), "session": "S-1", "step": "irradiate B1", **more}


# --- while a measurement is open --------------------------------------------------------------------------------------


async def test_only_what_belongs_into_a_measurement_is_done_while_one_is_open(tmp_path: Path) -> None:
    async with house_in(tmp_path) as (house, asker):
        asked = begun()
        await asker.command("scripted-1", "begin", asked)
        told = {each.name: each.now for each in house.runner.state.commands}
        assert told == {name: name in ("end", "measure", "peek") for name in told}
        with pytest.raises(NotDone) as refused:
            await asker.command("scripted-1", "set-gain", {"gain": 3})
        assert str(refused.value) == (
            "scripted-1 is measuring (step irradiate B1 of session S-1, measurement"
            f" {asked['measurement']}), which does not allow set-gain; until its end it takes measure, peek, end."
        )
        assert Scripted.gains == []
        assert (await asker.command("scripted-1", "peek", {}))["number"] > 0
        await asker.command("scripted-1", "end", {k: asked[k] for k in ("measurement", "session", "step")})
        assert await asker.command("scripted-1", "set-gain", {"gain": 3}) == {"gain": 3}


async def test_a_step_says_with_its_begin_what_it_needs(tmp_path: Path) -> None:
    async with house_in(tmp_path) as (_, asker):
        with pytest.raises(NotDone, match="has no command 'dance' to allow; it has"):
            await asker.command("scripted-1", "begin", begun(allows=["dance"]))
        asked = begun(allows=["set-gain"])
        await asker.command("scripted-1", "begin", asked)
        assert await asker.command("scripted-1", "set-gain", {"gain": 3}) == {"gain": 3}
        with pytest.raises(
            NotDone, match=r"does not allow silence; until its end it takes measure, peek, set-gain, end"
        ):
            await asker.command("scripted-1", "silence", {})
        await asker.command("scripted-1", "end", {k: asked[k] for k in ("measurement", "session", "step")})


async def test_an_end_is_answered_again_from_the_spool_in_a_later_stream_and_a_later_run(tmp_path: Path) -> None:
    async with house_in(tmp_path) as (house, asker):
        asked = begun()
        places = [await asker.command("scripted-1", mark, asked) for mark in ("begin", "end")]
        Scripted.faults[Scripted.number + 3] = LinkDown("The port is gone.")
        await until(lambda: Scripted.opened == 2 and house.runner.state.state == "ready")
        assert [await asker.command("scripted-1", mark, asked) for mark in ("begin", "end")] == places
        await house.stop_source()
        await house.start_source()
        await until(lambda: house.runner.state.state == "ready")
        assert [await asker.command("scripted-1", mark, asked) for mark in ("begin", "end")] == places


@pytest.mark.parametrize(
    "wrong", [{"measurement": "m-1"}, {"session": ""}, {"step": "a\nb"}, {"patient": "x"}, {"allows": "zero"}]
)
async def test_a_marker_that_a_store_would_refuse_is_not_written(tmp_path: Path, wrong: dict[str, Any]) -> None:
    async with house_in(tmp_path) as (house, asker):
        with pytest.raises(NotDone, match=f"cannot begin: {next(iter(wrong))}"):
            await asker.command("scripted-1", "begin", begun() | wrong)
        assert house.runner.state.state == "ready"


# --- once or never ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
async def test_asked_many_times_at_once_it_is_done_once_and_answered_the_same(tmp_path: Path, mode: Mode) -> None:
    async with house_in(tmp_path, mode) as (house, _), asking(house) as asker, asking(house) as other:
        Scripted.may_answer.clear()
        body = request({"gain": 5})
        await asyncio.gather(*(each.send("set-gain", body) for each in (asker, other) * 4))
        await until(lambda: house.service._memory.under_way == 1)
        Scripted.may_answer.set()
        await until(lambda: len(asker.answers) >= 8 and len(other.answers) >= 8)  # a broker may deliver twice
        assert Scripted.gains == [5]
        assert {message.payload for message in asker.received} == {other.received[0].payload}
        await asker.answer("set-gain", body)
        assert (Scripted.gains, asker.answers[-1]["ok"]) == ([5], True)


async def test_an_id_that_comes_with_something_else_is_refused(tmp_path: Path) -> None:
    async with house_in(tmp_path) as (house, _), asking(house) as asker:
        body = request({"gain": 5})
        assert (await asker.answer("set-gain", body))["result"] == {"gain": 5}
        for name, other in (("set-gain", body | {"parameters": {"gain": 6}}), ("peek", body)):
            assert "This id was used for another request" in (await asker.answer(name, other))["error"]
        assert (await asker.answer("set-gain", body))["result"] == {"gain": 5}
        assert Scripted.gains == [5]


async def test_an_answer_survives_the_loss_of_the_broker(tmp_path: Path) -> None:
    async with house_in(tmp_path, timeout_s=30) as (house, asker):
        Scripted.may_answer.clear()
        waiting = asyncio.create_task(asker.command("scripted-1", "set-gain", {"gain": 4}))
        await until(lambda: house.service._memory.under_way == 1)
        await house.broker.kill()
        await asyncio.sleep(0.3)
        Scripted.may_answer.set()
        await until(lambda: Scripted.gains)
        await house.broker.start()
        assert await waiting == {"gain": 4}
        assert Scripted.gains == [4]


async def test_a_restart_between_asking_and_asking_again_does_not_do_it_twice(tmp_path: Path) -> None:
    async with house_in(tmp_path) as (house, _), asking(house) as asker:
        body = request({"gain": 5}, run=str(house.runner.status.run_id))
        assert (await asker.answer("set-gain", body))["ok"]
        await house.stop_source()
        await house.start_source()
        await until(lambda: house.runner.state.state == "ready")
        await asyncio.sleep(0.3)
        answer = await asker.answer("set-gain", body)
        assert (answer["ok"], Scripted.gains) == (False, [5])
        assert "The service was started anew since this was asked" in answer["error"]
        assert (await asker.answer("begin", request(begun(), run=body["run"])))["ok"]


async def test_what_comes_late_does_nothing(tmp_path: Path) -> None:
    async with house_in(tmp_path) as (house, _), asking(house) as asker:
        now = datetime.now(UTC)
        for minutes, said in ((-5, "too late, or the two clocks"), (5, "in the future by this host's clock")):
            sent = (now + timedelta(minutes=minutes)).isoformat()
            answer = await asker.answer("set-gain", request({"gain": 5}, sent=sent, valid_s=60))
            assert not answer["ok"]
            assert said in answer["error"]
            assert "Nothing was done." in answer["error"]
        for seconds in (-100, 50):  # within validity and what clocks may be apart
            sent = (now + timedelta(seconds=seconds)).isoformat()
            assert (await asker.answer("set-gain", request({"gain": 1}, sent=sent, valid_s=60)))["ok"]
        assert Scripted.gains == [1, 1]


@pytest.mark.parametrize("mode", MODES)
async def test_a_retained_command_never_acts(tmp_path: Path, mode: Mode) -> None:
    async with house_in(tmp_path, mode) as (house, bench_):
        await bench_.state("scripted-1")
        await house.stop_source()
        async with asking(house) as asker:
            await asker.send("set-gain", request({"gain": 5}), retain=True)
        await house.start_source()
        # The embedded broker may fail to serve a new client (its own race); the service then connects again after 10 s.
        await until(lambda: house.service.unreadable >= 1 and house.runner.state.state == "ready", within_s=40)
        await until(
            lambda: bench_._watch.known(TOPICS.state("scripted-1")).state.run == house.runner.status.run_id, within_s=40
        )
        assert await bench_.command("scripted-1", "set-gain", {"gain": 6}) == {"gain": 6}
        assert Scripted.gains == [6]


async def test_who_waited_too_long_for_a_turn_gets_a_refusal_and_nothing_is_done_later(tmp_path: Path) -> None:
    async with house_in(tmp_path) as (house, _), asking(house) as asker:
        Scripted.may_answer.clear()
        await asker.send("set-gain", request({"gain": 1}))
        await until(lambda: house.service._memory.under_way == 1)
        answer = await asker.answer("set-gain", request({"gain": 2}, valid_s=0.2))
        assert answer["error"] == "scripted-1 was busy with set-gain for 0.2 s; nothing was done, ask again."
        Scripted.may_answer.set()
        await until(lambda: len(asker.answers) == 2)
        assert Scripted.gains == [1]


# --- drivers that hang, fail, or speak nonsense -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said", "recovered", "opened"),
    [
        ("hang", "It did not answer within 0.2 s.", 1, 1),
        ("cling", "its driver does not let go; it is opened anew.", 0, 2),
        ("break", "It ended in an error of its driver (ZeroDivisionError); the log has it.", 1, 1),
        ("mumble", "Not a gain.", 1, 1),
        ("silence", "No reply within 1 s.", 1, 1),
        ("unplug", "The port is gone.", 0, 2),
    ],
)
async def test_a_command_that_goes_wrong_is_answered_and_the_instrument_found_again(
    tmp_path: Path, name: str, said: str, recovered: int, opened: int
) -> None:
    async with house_in(tmp_path) as (house, asker):
        with pytest.raises(NotDone) as refused:
            await asker.command("scripted-1", name, {})
        assert str(refused.value) == (
            f"scripted-1, {name}: {said if name != 'cling' else 'It did not answer within 0.2 s, and ' + said}"
            " It may have been done or not; look before asking again."
        )
        await until(lambda: Scripted.opened == opened and house.runner.state.state == "ready")
        assert await asker.command("scripted-1", "set-gain", {"gain": 1}) == {"gain": 1}
        before = Scripted.number
        await until(lambda: Scripted.number > before + 3)
        assert (Scripted.recovered, Scripted.opened) == (recovered, opened)
        assert house.runner.state.state == "ready"
        if name == "cling":
            await asyncio.sleep(1.5)  # until the driver has let go


async def test_an_answer_that_is_no_json_is_a_refusal_and_the_service_goes_on(tmp_path: Path) -> None:
    async with house_in(tmp_path) as (_, asker):
        with pytest.raises(NotDone, match=r"ended in an error of the service .* may have been done or not"):
            await asker.command("scripted-1", "odd", {})
        assert await asker.command("scripted-1", "set-gain", {"gain": 1}) == {"gain": 1}


@pytest.mark.parametrize(
    "error",
    [
        Garbled("Not an identity."), Declined("No."), WrongInstrument("Serial number 2 answers where 1 was."),
        ReplyTimeout("Nobody answers."), LinkDown("Gone."), ZeroDivisionError(),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
@pytest.mark.parametrize("by", ["a reading", "a command"])
async def test_whatever_recovering_raises_readings_flow_again(tmp_path: Path, error: Exception, by: str) -> None:
    async with house_in(tmp_path) as (house, asker):
        Scripted.recoveries = [error]
        Scripted.openings = [WrongInstrument("Serial number 2 answers where 1 was."), LinkDown("Gone.")]
        if by == "a reading":
            Scripted.faults[Scripted.number + 2] = ReplyTimeout("No reply within 1 s.")
        else:
            with pytest.raises(NotDone, match="No reply within 1 s"):
                await asker.command("scripted-1", "silence", {})
        await until(lambda: Scripted.opened == 2 and house.runner.state.state == "ready")
        before = Scripted.number
        await until(lambda: Scripted.number > before + 3)
        assert await asker.command("scripted-1", "set-gain", {"gain": 1}) == {"gain": 1}


async def test_a_poll_or_an_opening_that_fails_by_a_mistake_does_not_end_the_instrument(tmp_path: Path) -> None:
    async with house_in(tmp_path) as (house, asker):
        Scripted.openings = [KeyError("serial")]
        Scripted.faults[Scripted.number + 2] = ZeroDivisionError()
        await until(lambda: house.runner.state.why == "An error in the driver (KeyError); the log has it.")
        with pytest.raises(NotDone, match=r"scripted-1 is not ready: An error in the driver \(KeyError\)"):
            await asker.command("scripted-1", "set-gain", {"gain": 1})
        await until(lambda: Scripted.opened == 2 and house.runner.state.state == "ready")
    store = open_store(tmp_path / "store.db")
    (stored,) = store.execute("SELECT count(*) FROM entry WHERE kind = 'scalar'").fetchone()
    assert stored == house.runner.appended
    store.close()


async def test_a_command_waits_while_the_instrument_is_sought_and_is_done_when_it_is_found(tmp_path: Path) -> None:
    async with house_in(tmp_path) as (house, asker):
        asked = begun()
        await asker.command("scripted-1", "begin", asked)
        Scripted.may_answer.clear()
        Scripted.faults[Scripted.number + 2] = ReplyTimeout("No reply within 1 s.")
        await until(lambda: house.runner.state.state == "fault")
        assert house.runner.state.why == "No reply within 1 s."
        assert not any(each.now for each in house.runner.state.commands)
        waiting = asyncio.create_task(asker.command("scripted-1", "end", asked))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        Scripted.may_answer.set()
        assert (await waiting)["seq"] > 1
        await until(lambda: house.runner.state.state == "ready")
    view = measurement(open_store(tmp_path / "store.db"), asked["measurement"])
    assert view.state == "ended"


# --- hostile ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
async def test_a_flood_of_nonsense_costs_a_few_lines_of_log_and_no_memory(
    tmp_path: Path, mode: Mode, capsys: pytest.CaptureFixture[str]
) -> None:
    nonsense = [b"", b"\xff\x00", b"[]", b"{}", b"x" * 70_000, b'{"id": 1}', b"[" * 5000]
    nonsense += [json.dumps(request({}) | wrong).encode() for wrong in ({"by": ""}, {"by": "a\nb"}, {"valid_s": 1e9})]
    async with house_in(tmp_path, mode) as (house, _), asking(house) as asker:
        for n in range(200):
            await asker.send("set-gain", nonsense[n % len(nonsense)], qos=0)
        assert (await asker.answer("set-gain", request({"gain": 1})))["ok"]
        await until(lambda: house.service.unreadable == 200)
        assert (len(house.service._memory._asked), len(house.service._tasks)) == (1, 0)
    said = capsys.readouterr().out
    assert said.count("ignored a command") == 3  # the 1st, the 10th and the 100th
    assert "xxx" not in said


async def test_a_flood_of_commands_is_bounded_and_each_is_answered(tmp_path: Path) -> None:
    async with house_in(tmp_path) as (house, _), asking(house) as asker:
        Scripted.may_answer.clear()
        for n in range(100):
            await asker.send("set-gain", request({"gain": n % 9}))
        await until(lambda: len(asker.answers) == 80)
        assert {each["error"] for each in asker.answers} == {
            "scripted-1 is asked for too much at once; nothing was done, ask again later."
        }
        assert len(house.service._tasks) == 20
        Scripted.may_answer.set()
        await until(lambda: len(asker.answers) == 100)
        assert len(Scripted.gains) == 20


@pytest.mark.parametrize("mode", MODES)
async def test_answers_go_only_where_they_may(tmp_path: Path, mode: Mode) -> None:
    async with house_in(tmp_path, mode) as (house, onlooker), asking(house) as asker:
        heard = Asker(asker.connection)
        wrong = [
            "", "#", "a/+/b", "$SYS/x", "a\x00b", "x" * 70_000, TOPICS.state("scripted-1"),
            TOPICS.readings("scripted-1"), TOPICS.committed("scripted-1"), TOPICS.command("scripted-1", "peek"),
            "dosimetry/v1/other/clients/a/replies", "homeassistant/sensor/x/config",
        ]  # fmt: skip
        for topic in wrong:
            await asker.send("set-gain", request({"gain": 2}, reply_to=topic))
        await until(lambda: len(Scripted.gains) == len(wrong) - 1)  # the longest one is no command at all
        assert house.service.unanswered == len(wrong) - 1
        assert (await asker.answer("set-gain", request({"gain": 3})))["ok"]
        assert heard.answers == []
        told = await onlooker.state("scripted-1")
        assert told is not None
        assert told.state == "ready", "no answer was retained as a state"


async def test_the_response_topic_and_correlation_data_of_mqtt_5_are_honoured(tmp_path: Path) -> None:
    async with house_in(tmp_path) as (house, _), asking(house) as asker:
        await asker.connection.subscribe("lab/replies")
        body = request({"gain": 2}, reply_to=REPLIES)
        await asker.send("set-gain", body, response_topic="lab/replies", correlation=b"\x00\xff1")
        await asker.send("set-gain", body, response_topic="lab/replies", correlation=b"\x00\xff2")
        await until(lambda: len(asker.received) == 2)
        assert [(m.topic, m.correlation) for m in asker.received] == [
            ("lab/replies", b"\x00\xff1"), ("lab/replies", b"\x00\xff2"),
        ]  # fmt: skip


@pytest.mark.parametrize("name", ["dance", "dance'; drop", "ünï", "x" * 300])
async def test_names_that_are_no_commands_are_refused_with_those_there_are(tmp_path: Path, name: str) -> None:
    async with house_in(tmp_path) as (house, _), asking(house) as asker:
        answer = await asker.answer(name, request({}))
        assert (
            "it has break, cling, hang, measure, mumble, odd, peek, set-gain, silence, unplug, begin, end."
            in answer["error"]
        )
        assert len(answer["error"]) < 300


@pytest.mark.parametrize("parameters", [{"gain": "3"}, {"gain": 3.5}, {"gain": True}, {"gain": 2**80}, {"gain": None}])
async def test_parameters_are_typed_as_their_schema_says(tmp_path: Path, parameters: dict[str, Any]) -> None:
    async with house_in(tmp_path) as (house, _), asking(house) as asker:
        answer = await asker.answer("set-gain", request(parameters))
        assert not answer["ok"]
        assert Scripted.gains == []


# --- written down -----------------------------------------------------------------------------------------------------


async def test_every_command_and_its_answer_is_written_down_with_who_asked(tmp_path: Path) -> None:
    async with house_in(tmp_path) as (house, _), asking(house) as asker:
        await asker.answer("set-gain", request({"gain": 3}, by="MP-1"))
        await asker.answer("set-gain", request({"gain": 12, "note": "Jane Doe"}, by="MP-1"))
        (file,) = tmp_path.glob("commands-*.jsonl")
        done, refused = (json.loads(line) for line in file.read_text().splitlines())
    assert (done["by"], done["name"], done["ok"], done["parameters"]) == ("MP-1", "set-gain", True, {"gain": 3})
    assert (refused["ok"], "parameters" in refused) == (False, False)
    assert refused["error"].startswith("scripted-1 cannot set-gain: note")
    assert "Jane" not in file.read_text()


async def test_a_bench_says_what_it_knows_when_nobody_answers(tmp_path: Path) -> None:
    async with (
        house_in(tmp_path) as (house, _),
        instrument_client(house.broker.endpoint, TOPICS, "me", timeout_s=0.3) as asker,
    ):
        with pytest.raises(NotDone, match="nothing is known of scripted-2 on this broker; is `acquire run` up"):
            await asker.command("scripted-2", "peek", {})
        Scripted.may_answer.clear()
        async with asyncio.timeout(20):
            while await asker.state("scripted-1") is None:
                """It waits 0.3 s for one."""
        with pytest.raises(NotDone, match=r"did not answer to set-gain within 0\.3 s: it is ready\. It may have been"):
            await asker.command("scripted-1", "set-gain", {"gain": 1})
        Scripted.may_answer.set()
