"""An instrument's own connection to the bus: its retained state with a last will, its commands and their answers.

One connection each, because MQTT gives one last will to a connection and each instrument's state must fall to
"offline" by itself. Whatever comes in, the service goes on: what cannot be read is counted, what floods is bounded.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from uuid import uuid4

from acquire.bus.client import Connection, Received
from acquire.bus.endpoint import Endpoint
from acquire.bus.messages import NEVER_TOO_LATE, Answer, Command
from acquire.bus.names import Topics
from acquire.bus.presence import Presence
from acquire.bus.reconnecting import stay_connected
from acquire.instruments import requests
from acquire.instruments.ledger import Ledger
from acquire.instruments.measurement import CommandRefused
from acquire.instruments.requests import Asked, Memory, Route
from acquire.instruments.runner import TURN_WITHIN_S, Runner
from acquire.log import Log
from acquire.once import is_worth_telling

log = Log("commands")

MOST_ANSWERS = 1000


class InstrumentService:
    """Serves one runner on the bus."""

    def __init__(self, runner: Runner, topics: Topics, ledger: Ledger | None = None) -> None:
        self._runner = runner
        self._topics = topics
        self._presence = Presence(topics.state(runner.instrument), lambda: runner.state, runner.status.changed)
        self._ledger = ledger
        self._memory = Memory()
        self._tasks: set[asyncio.Task[None]] = set()
        self._answers: deque[tuple[Route, bytes]] = deque()
        self._answered = asyncio.Event()
        self.unreadable = 0
        self.unanswered = 0

    async def run(self, endpoint: Endpoint) -> None:
        """Until cancelled; says "stopped" when it goes orderly."""
        try:  # the publisher tells of a broker that is gone, once for all
            await stay_connected(
                endpoint, lambda: f"instrument-{uuid4().hex[:16]}", self._serve_to_the_end, will=self._presence.will
            )
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve_to_the_end(self, connection: Connection) -> None:
        try:
            await self._serve(connection)
        except asyncio.CancelledError:
            await self._presence.farewell(connection)
            raise

    async def _serve(self, connection: Connection) -> None:
        await connection.subscribe(self._topics.command(self._runner.instrument, "+"))
        async with asyncio.TaskGroup() as tasks:
            serving = (
                tasks.create_task(self._presence.keep_told(connection)),
                tasks.create_task(self._send_answers(connection)),
            )
            try:
                async for message in connection.messages():
                    self._take(message)
            finally:
                for each in serving:
                    each.cancel()

    # --- requests ---------------------------------------------------------------------------------------------------

    def _take(self, message: Received) -> None:
        """Decide at once, without waiting: the next message may be an end."""
        try:
            name, command = requests.read(message, self._topics.command(self._runner.instrument, ""))
        except requests.Unreadable as error:
            self.unreadable += 1
            if is_worth_telling(self.unreadable):
                log.warning(
                    "ignored a command", instrument=self._runner.instrument, why=str(error), so_far=self.unreadable
                )
            return
        route = requests.route(message, command, self._topics.site)
        if route is None:
            self._unanswered("nowhere to answer to that is allowed")
        asked = self._memory.known(command)
        if asked is None:
            self._take_new(name, command, route)
        elif asked.content != requests.content_of(command, name):
            self._answer(route, _refusal(command, "This id was used for another request; give each its own."))
        elif asked.answer is None:
            asked.join(route)
        else:
            self._answer(route, asked.answer)

    def _take_new(self, name: str, command: Command, route: Route | None) -> None:
        now = time.monotonic()
        if (why := requests.out_of_time(command, self._runner.status.run_id, name)) is not None:
            self._answer(route, _refusal(command, why))
        elif not self._memory.has_room(now):
            why = f"{self._runner.instrument} is asked for too much at once; nothing was done, ask again later."
            self._answer(route, _refusal(command, why))
        else:
            asked = self._memory.take(command, name, now)
            asked.join(route)
            task = asyncio.create_task(self._carry_out(name, command, asked), name=f"command-{command.id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry_out(self, name: str, command: Command, asked: Asked) -> None:
        """Whatever happens inside, there is an answer, and it is written down before it is given."""
        try:
            answer = await self._ask_runner(name, command)
            if self._ledger is not None:
                await asyncio.to_thread(self._ledger.note, **self._line(name, command, answer))
            payload = _payload_of(answer)
        except Exception as error:
            log.exception("a command failed", instrument=self._runner.instrument, name=name[:64])
            why = f"{name[:64]} ended in an error of the service ({type(error).__name__}); its log has it."
            answer = Answer(id=command.id, ok=False, error=f"{why} It may have been done or not.")
            payload = _payload_of(answer)
        log.info("command", instrument=self._runner.instrument, name=name[:64], by=command.by, ok=answer.ok)
        for route in self._memory.done(asked, payload):
            self._answer(route, payload)

    async def _ask_runner(self, name: str, command: Command) -> Answer:
        within_s = TURN_WITHIN_S if name in NEVER_TOO_LATE else min(TURN_WITHIN_S, command.valid_s)
        try:
            result = await self._runner.command(name, command.parameters, turn_within_s=within_s)
        except CommandRefused as error:
            return Answer(id=command.id, ok=False, error=str(error))
        return Answer(id=command.id, ok=True, result=dict(result))

    def _line(self, name: str, command: Command, answer: Answer) -> dict[str, object]:
        """What was not carried out may hold anything: of that only the refusal is kept."""
        kept = {"parameters": command.parameters, "result": answer.result} if answer.ok else {"error": answer.error}
        who = {"instrument": self._runner.instrument, "name": name[:64], "by": command.by, "id": str(command.id)}
        return {**who, "ok": answer.ok, **kept}

    # --- answers ----------------------------------------------------------------------------------------------------

    def _answer(self, route: Route | None, payload: bytes) -> None:
        if route is not None and len(self._answers) < MOST_ANSWERS:
            self._answers.append((route, payload))
            self._answered.set()
        elif route is not None:
            self._unanswered("too many answers wait")

    def _unanswered(self, why: str) -> None:
        self.unanswered += 1
        if is_worth_telling(self.unanswered):
            log.warning("no answer", instrument=self._runner.instrument, why=why, so_far=self.unanswered)

    async def _send_answers(self, connection: Connection) -> None:
        """In order. One that is lost with the connection is given again when it is asked for under the same id."""
        while True:
            self._answered.clear()
            while self._answers:
                route, payload = self._answers.popleft()
                await connection.publish(route.topic, payload, correlation=route.correlation)
            await self._answered.wait()


def _refusal(command: Command, why: str) -> bytes:
    return _payload_of(Answer(id=command.id, ok=False, error=why))


def _payload_of(answer: Answer) -> bytes:
    return answer.model_dump_json(by_alias=True, exclude_none=True).encode()
