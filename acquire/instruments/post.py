"""An instrument's own connection to the bus: its retained state with a last will, its commands and their answers.

One connection each, because MQTT gives one last will to a connection and each instrument's state must fall to
"offline" by itself.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress
from uuid import uuid4

import structlog
from pydantic import ValidationError

from acquire.bus.client import BusError, Connection, Endpoint, Received, Will, connect
from acquire.bus.messages import Answer, Command, State
from acquire.bus.names import ROOT, Topics
from acquire.canonical import utc_now
from acquire.instruments.runner import CommandRefused, Runner

log = structlog.get_logger("post")

REMEMBERED_ANSWERS = 500
RECONNECT_S = 1.0


class Post:
    """Serves one runner on the bus."""

    def __init__(self, runner: Runner, topics: Topics) -> None:
        self._runner = runner
        self._topics = topics
        self._answers: OrderedDict[str, asyncio.Task[bytes]] = OrderedDict()

    async def run(self, endpoint: Endpoint) -> None:
        """Until cancelled; says "stopped" when it goes orderly."""
        topic = self._topics.state(self._runner.instrument)
        will = Will(topic, State(state="offline", since=utc_now()).model_dump_json(by_alias=True).encode())
        try:
            while True:
                try:
                    async with connect(endpoint, f"post-{uuid4().hex[:16]}", will=will) as connection:
                        await self._serve(connection, topic)
                except* BusError:
                    pass  # the publisher tells of a broker that is gone, once for all
                await asyncio.sleep(RECONNECT_S)
        finally:
            for task in self._answers.values():
                task.cancel()
            await asyncio.gather(*self._answers.values(), return_exceptions=True)

    async def _serve(self, connection: Connection, topic: str) -> None:
        await connection.subscribe(self._topics.command(self._runner.instrument, "+"))
        async with asyncio.TaskGroup() as tasks:
            teller = tasks.create_task(self._tell_state(connection, topic))
            try:
                async for message in connection.messages():
                    tasks.create_task(self._answer(connection, message))
            finally:
                teller.cancel()

    async def _tell_state(self, connection: Connection, topic: str) -> None:
        try:
            while True:
                self._runner.state_changed.clear()
                await connection.publish(topic, self._payload(), retain=True)
                await self._runner.state_changed.wait()
        except asyncio.CancelledError:
            with suppress(BusError):
                await asyncio.wait_for(connection.publish(topic, self._payload(), retain=True), 1)
            raise

    def _payload(self) -> bytes:
        return self._runner.state.model_dump_json(by_alias=True, exclude_none=True).encode()

    async def _answer(self, connection: Connection, message: Received) -> None:
        try:
            command = Command.model_validate_json(message.payload)
        except ValidationError:
            log.warning("a command that cannot be read was ignored", topic=message.topic, bytes=len(message.payload))
            return
        reply_to = message.response_topic or command.reply_to
        task = self._answers.get(str(command.id))
        if task is None:  # the same id again gets the same answer, and the thing is done once
            name = message.topic.rsplit("/", 1)[-1]
            task = self._answers[str(command.id)] = asyncio.create_task(self._carry_out(name, command))
            while len(self._answers) > REMEMBERED_ANSWERS:
                self._answers.popitem(last=False)
        answer = await asyncio.shield(task)
        if reply_to is not None and self._may_reply(reply_to):
            with suppress(BusError):
                await connection.publish(reply_to, answer)

    async def _carry_out(self, name: str, command: Command) -> bytes:
        try:
            result = await self._runner.command(name, command.parameters)
            answer = Answer(id=command.id, ok=True, result=dict(result))
        except CommandRefused as error:
            answer = Answer(id=command.id, ok=False, error=str(error))
        log.info("command", instrument=self._runner.instrument, name=name, by=command.by, ok=answer.ok)
        return answer.model_dump_json(by_alias=True, exclude_none=True).encode()

    def _may_reply(self, topic: str) -> bool:
        """Answers go where clients listen, never onto another topic of the contract, a wildcard or a broker's own."""
        ours = topic.startswith(f"{ROOT}/{self._topics.site}/clients/")
        return (ours or not topic.startswith(("dosimetry/", "$"))) and not set(topic) & set("+#\0")
