"""How a loss of the broker is told: not for every attempt, and not for every second of a connection that flaps."""

from __future__ import annotations

from acquire.bus.client import BusError, Outage
from acquire.bus.endpoint import Endpoint


class Log:
    def __init__(self) -> None:
        self.said: list[str] = []

    def warning(self, event: str, *, why: str, **where: object) -> None:
        self.said.append(f"lost: {why}")

    def info(self, event: str, **where: object) -> None:
        self.said.append("over")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_an_outage_is_told_once_anew_when_its_reason_changes_and_when_it_is_over() -> None:
    log, clock = Log(), Clock()
    outage = Outage(Endpoint("b", 1), log, clock)
    outage.over()
    for why in ("refused", "refused", "expired", "expired"):
        outage.lost(ExceptionGroup("tasks", [BusError(why)]))
    outage.over()
    outage.over()
    assert log.said == ["lost: refused", "lost: expired", "over"]


def test_a_connection_that_comes_and_goes_is_told_once_a_minute_and_the_last_loss_is_never_kept_back() -> None:
    log, clock = Log(), Clock()
    outage = Outage(Endpoint("b", 1), log, clock)
    for _ in range(600):
        outage.lost(BusError("taken over"))
        outage.over()
        clock.now += 0.2
    assert log.said == ["lost: taken over", "over"] * 2
    for _ in range(400):
        outage.lost(BusError("taken over"))
        clock.now += 0.2
    assert log.said[4:] == ["lost: taken over"]
