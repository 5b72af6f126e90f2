"""One connection after another, for who serves something on the bus for as long as the service runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from acquire.backoff import to_broker
from acquire.bus.client import BusError, Connection, Outage, Will, connect
from acquire.bus.endpoint import Endpoint


async def stay_connected(
    endpoint: Endpoint,
    identifier: Callable[[], str],
    serve: Callable[[Connection], Awaitable[None]],
    *,
    will: Callable[[], Will] | None = None,
    keepalive_s: int = 15,
    outage: Outage | None = None,
) -> None:
    """Serve until cancelled; the broker may come and go, and is tried again after a pause (acquire.backoff).

    identifier, will: of each connection anew. outage: tells of a broker that is gone; without one somebody else does.
    """
    again = to_broker()
    while True:
        try:
            last_will = will() if will is not None else None
            async with connect(endpoint, identifier(), will=last_will, keepalive_s=keepalive_s) as connection:
                again.worked()
                if outage is not None:
                    outage.over()
                await serve(connection)
        except* BusError as lost:
            if outage is not None:
                outage.lost(lost)
        await asyncio.sleep(again.next_s())
