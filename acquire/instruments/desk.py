"""Commands to one instrument: what it accepts now, whose turn it is, markers, and what becomes of one that fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from acquire.bus.messages import Accepts
from acquire.canonical import utc_now
from acquire.instruments.intake import Intake
from acquire.instruments.marks import MARKS, Begin, End
from acquire.instruments.measurement import CommandRefused, Measurement
from acquire.instruments.status import Status
from acquire.instruments.turns import NoTurn, Turns
from acquire.instruments.within import within
from acquire.log import Log
from acquire.spool.journal import SpoolError
from acquire.spool.stream import Stream
from drivers import CommandSpec, Declined, Instrument, InstrumentError, Misuse, ReplyTimeout
from drivers.plain_words import plain


@dataclass(slots=True)
class Epoch:
    """What is open now, if anything. `specs` are the commands of the instrument that was opened last."""

    device: Instrument | None = None
    stream: Stream | None = None
    specs: Mapping[str, CommandSpec] | None = None


class CommandDesk:
    """`changed` is called when a command may have changed what the instrument's state says."""

    def __init__(
        self, instrument: str, epoch: Epoch, turns: Turns, measurement: Measurement, intake: Intake,
        status: Status, changed: Callable[[], None],
    ) -> None:  # fmt: skip
        self._instrument = instrument
        self._epoch = epoch
        self._turns = turns
        self._measurement = measurement
        self._intake = intake
        self._status = status
        self._changed = changed
        self._log = Log("instrument").bind(instrument=instrument)

    @property
    def _specs(self) -> Mapping[str, CommandSpec]:
        return self._epoch.specs or {}

    def accepts(self) -> list[Accepts]:
        """What this instrument can be asked to do, and whether it would do so now."""
        ready = self._epoch.device is not None and self._epoch.stream is not None and self._turns.recovered
        measuring = self._measurement.begun is not None
        marks = [
            Accepts(
                name="begin", title="Begin a measurement here", parameters=Begin.model_json_schema(),
                now=ready and not measuring,
            ),
            Accepts(
                name="end", title="End the measurement", parameters=End.model_json_schema(), while_measuring=True,
                now=ready and measuring,
            ),
        ]  # fmt: skip
        return marks + [
            Accepts(
                name=spec.name, title=spec.title, parameters=spec.parameters.model_json_schema(),
                while_measuring=spec.while_measuring, within_s=spec.within_s,
                now=ready and self._measurement.allows(spec),
            )
            for spec in self._specs.values()
        ]  # fmt: skip

    async def command(self, name: str, parameters: Mapping[str, Any], turn_within_s: float) -> Mapping[str, Any]:
        """Carry out one command; waits turn_within_s for its turn. Raises CommandRefused with a plain sentence."""
        if self._specs and name not in self._specs and name not in MARKS:
            names = ", ".join([*sorted(self._specs), *MARKS])
            raise CommandRefused(f"{self._instrument} has no command '{name[:64]}'; it has {names}.")
        try:
            await self._turns.take(turn_within_s)
        except NoTurn as error:
            raise CommandRefused(str(error)) from error
        try:
            return await self._in_turn(name, parameters)
        except (Declined, Misuse) as error:
            raise CommandRefused(str(error)) from error
        except ValidationError as error:
            raise CommandRefused(_first_problem(self._instrument, name, error)) from error
        except SpoolError as error:
            raise CommandRefused(f"{self._instrument} cannot {name}: {error}") from error
        finally:
            self._turns.instrument_lock.release()

    async def _in_turn(self, name: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        device, stream = self._epoch.device, self._epoch.stream
        if device is None or stream is None:
            said = self._status.state
            raise CommandRefused(f"{self._instrument} is not ready: {said.why or f'{said.state}.'}")
        self._turns.doing = name
        if name in MARKS:
            asked = (Begin if name == "begin" else End).from_request(parameters)
            return await self._mark(device, stream, asked)
        return await self._carry_out(device, stream, self._specs[name], parameters)

    async def _carry_out(
        self, device: Instrument, stream: Stream, spec: CommandSpec, parameters: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Held to its time. What it measured goes into the stream; what is in doubt is settled by the next turn."""
        if not self._measurement.allows(spec):
            raise CommandRefused(self._not_while_measuring(spec.name))
        since = utc_now()
        try:
            outcome = await within(device.run_command(spec.name, parameters), spec.within_s)
        except (Declined, Misuse, ValidationError):
            raise
        except Exception as error:
            doubt = self._doubt(device, error, since)
            raise CommandRefused(
                f"{self._instrument}, {spec.name}: {doubt} It may have been done or not; look before asking again."
            ) from error
        await self._intake.keep(device, stream, outcome.readings)
        self._changed()
        return outcome.result

    def _doubt(self, device: Instrument, error: Exception, since: str) -> InstrumentError:
        if not isinstance(error, InstrumentError):
            self._log.error("error in the driver", exc_info=error)
            error = ReplyTimeout(f"It ended in an error of its driver ({type(error).__name__}); the log has it.")
        if self._epoch.device is device:
            self._turns.put_in_doubt(error, since)
        return error

    def _not_while_measuring(self, name: str) -> str:
        begun = self._measurement.begun
        step = f"step {begun.step} of session {begun.session}, " if begun else ""
        allowed = ", ".join([*(n for n, s in sorted(self._specs.items()) if self._measurement.allows(s)), "end"])
        return (
            f"{self._instrument} is measuring ({step}measurement {self._measurement.id}), which does not allow {name};"
            f" until its end it takes {allowed}."
        )

    async def _mark(self, device: Instrument, stream: Stream, asked: End) -> dict[str, Any]:
        """What the instrument has by now goes in before the marker; an end is set also where it gives nothing.

        Behind it the instrument is asked again at once, however long its interval is: a beam waits for the reading
        behind its begin, and what it gave is held against the one behind its end.
        """
        since = utc_now()
        try:
            await self._intake.keep(device, stream, await self._turns.watchdog.watch(device.flush(), "flushing"))
        except InstrumentError as error:
            self._doubt(device, error, since)
            if isinstance(asked, Begin):
                raise CommandRefused(f"{self._instrument} cannot begin now: {error} Ask again.") from error
            await self._intake.gap(stream, str(error), None, since)
        if self._epoch.stream is not stream:
            raise CommandRefused(f"{self._instrument} is not ready: its stream has just ended.")
        answer = await self._measurement.mark(stream, asked, set(self._specs))
        self._turns.nudge()
        self._changed()
        return answer


def _first_problem(instrument: str, name: str, error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "parameters"
    return f"{instrument} cannot {name}: {where}: {plain(first)}."
