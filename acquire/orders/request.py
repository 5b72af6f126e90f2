"""What reading an order gives, what it needs to know of the site, and what keeps an order from being taken now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from acquire.orders.need import says_nothing
from acquire.orders.order import Order
from acquire.orders.physician import Physicians
from acquire.patients.identity import Identity

CLOCKS_DIFFER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Site:
    """What reading an order needs to know of the site: who is a physician there, and its time zone if it is stated."""

    physicians: Physicians = field(default_factory=Physicians)
    zone: tzinfo | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """An order as it came, and whom it is for: kept apart from here on."""

    order: Order
    identity: Identity


def judged(order: Order, now: datetime) -> Iterator[str]:
    """What keeps an order from being taken now, whatever form it came in; one sentence each."""
    if order.authored_on > now + CLOCKS_DIFFER:
        yield f"authoredOn {order.authored_on.isoformat()} lies in the future."
    if order.necessity and (why := says_nothing(order.necessity)):
        said = " ".join(order.necessity[:200].split())
        shown = said if len(said) <= 40 else f"{said[:40]}..."
        yield f"the need '{shown}' says nothing ({why}); write why this patient needs the measurement."
    if order.not_after is not None and order.not_after < now:
        yield f"the time in which it was to be done is over ({order.not_after.isoformat()}); it needs a new order."
