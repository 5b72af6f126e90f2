"""An instrument of the tests' own, without a wire: it says what a test tells it to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from acquire.canonical import utc_now
from drivers import CommandSpec, Identity, Instrument, Model, Outcome, Quantity, Reading, Settings
from drivers.commands import Done, commands_of
from drivers.reading import at_host


def plain_model(name: str, **more: Any) -> Model:
    """A model that measures a running charge and that nobody could connect."""
    return Model(
        name=name, vendor="nobody", title="a test's own", transports=("memory",), driver=None, settings=Settings,
        quantities=(Quantity("charge", "C", "running"),), **more,
    )  # fmt: skip


def charge(n: int, raw: bytes, **more: Any) -> Reading:
    """A reading of n nC."""
    return Reading(
        quantity="charge", unit="C", kind="scalar", value=n * 1e-9, raw=raw, time=utc_now(), monotonic_s=n, **more
    )


class PlainInstrument(Instrument):
    """Subclasses give take(), and commands declared as a driver's are."""

    name: ClassVar[str] = "plain"
    interval_s: ClassVar[float] = 0.005
    model_more: ClassVar[dict[str, Any]] = {}

    def __init__(self) -> None:
        super().__init__(plain_model(self.name, **self.model_more), "memory")

    @property
    def poll_interval_s(self) -> float:
        return self.interval_s

    async def open(self) -> Identity:
        return Identity("nobody", self.name, "1", "0", b"")

    async def take(self) -> Sequence[Reading]:
        return ()

    async def recover(self) -> Identity:
        return await self.open()

    async def close(self) -> None:
        return

    def commands(self) -> Mapping[str, CommandSpec]:
        return commands_of(type(self))

    async def run_command(self, name: str, parameters: Mapping[str, Any]) -> Outcome:
        spec = self.commands().get(name)
        if spec is None:
            return await super().run_command(name, parameters)
        gave = await getattr(self, spec.method)(spec.parameters.from_request(parameters))
        if not isinstance(gave, Done):
            return Outcome(gave or {})
        return Outcome(gave.result, [at_host(each, b"given", utc_now(), 0.0) for each in gave.samples])
