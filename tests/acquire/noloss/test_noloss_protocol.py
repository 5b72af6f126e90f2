"""The no-loss protocol on its real code, over the worst network: explored by hypothesis, checked at every step."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from network import World


class NoLoss(RuleBasedStateMachine):
    """All operations in any order; after each one the invariants, at the end the bound liveness."""

    @initialize()
    def start(self) -> None:
        self._dir = tempfile.TemporaryDirectory()
        self.world = World(Path(self._dir.name) / "spool.db")
        self.backups = [self.world.backup()]

    @rule(poison=st.booleans())
    def append(self, poison: bool) -> None:
        self.world.append_reading(poison=poison)

    @rule(count=st.integers(2, 9))
    def append_many(self, count: int) -> None:
        for _ in range(count):
            self.world.append_reading()

    @rule()
    def begin(self) -> None:
        if self.world.measurement is None:
            self.world.begin()

    @rule()
    def end(self) -> None:
        self.world.end()

    @rule(times=st.integers(1, 6))
    def send(self, times: int) -> None:
        for _ in range(times):
            if not self.world.send():
                break

    @rule(rounds=st.integers(1, 5))
    def flow(self, rounds: int) -> None:
        for _ in range(rounds):
            self.world.flow()

    @rule(seconds=st.floats(0.1, 40))
    def wait(self, seconds: float) -> None:
        self.world.now += seconds

    @precondition(lambda self: self.world.to_store)
    @rule(data=st.data(), keep=st.booleans())
    def deliver(self, data: st.DataObject, keep: bool) -> None:
        index = data.draw(st.integers(0, len(self.world.to_store) - 1))
        payload = self.world.to_store[index]
        if not keep:
            del self.world.to_store[index]
        self.world.deliver(payload)

    @precondition(lambda self: self.world.to_source)
    @rule(data=st.data(), keep=st.booleans())
    def hear(self, data: st.DataObject, keep: bool) -> None:
        index = data.draw(st.integers(0, len(self.world.to_source) - 1))
        answer = self.world.to_source[index]
        if not keep:
            del self.world.to_source[index]
        self.world.hear(answer)

    @precondition(lambda self: self.world.to_store or self.world.to_source)
    @rule(wiped=st.booleans())
    def reconnect(self, wiped: bool) -> None:
        self.world.reconnect(wiped=wiped)

    @rule()
    def lose_link(self) -> None:
        self.world.lose_link()

    @rule()
    def crash_source(self) -> None:
        self.world.crash_source()

    @precondition(lambda self: len(self.backups) < 3)
    @rule()
    def back_up_store(self) -> None:
        self.backups.append(self.world.backup())

    @rule(data=st.data())
    def restore_store(self, data: st.DataObject) -> None:
        self.world.restore(data.draw(st.sampled_from(self.backups)))

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "world"):
            self.world.check()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self.world.settle()
            finally:
                self.world.journal.close()
                self.world.store.close()
                for backup in self.backups:
                    backup.close()
                self._dir.cleanup()


NoLoss.TestCase.settings = settings(
    max_examples=80, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestNoLoss = NoLoss.TestCase
