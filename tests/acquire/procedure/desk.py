"""Worked case A's session at a desk, done in whatever order a test wants."""

from __future__ import annotations

from scenario_a import CHIPS, prepared
from worked import closed_results

from acquire.procedure.session.placement import place, remove
from acquire.procedure.session.session import get_session
from acquire.procedure.session.steps import not_measured, run_step


class Desk:
    """Worked case A's session, done in whatever order a test wants."""

    def __init__(self, connection, client):
        self.connection, self.client = connection, client
        self.id = prepared(connection)

    @property
    def session(self):
        return get_session(self.connection, self.id)

    async def steps(self, *names):
        for name in names:
            await run_step(self.connection, self.client, self.id, name, "MD-1", self.client.during)

    def skip(self, *names):
        for name in names:
            not_measured(self.connection, self.id, name, "MD-1", "not today")

    def chips(self, *, on):
        for point in self.session.plan.point:
            for element in point.elements:
                place(self.connection, self.session, point.id, element, "MD-1") if on else remove(
                    self.connection, self.session, element, "MD-1"
                )

    async def beams(self):
        await self.steps("b1", "zero-b2", "background-b2", "b2", "b7")

    def read(self, charges=CHIPS):
        self.client.chips("tray.asc", charges)
        self.client.disc()

    def outputs(self):
        return closed_results(self.connection, self.id, over="as it is")


BEFORE = ("zero-b1", "background-b1", "zero-b7", "background-b7")
