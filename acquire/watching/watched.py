"""What is watched: the parts of the service as far as this room asks them."""

from __future__ import annotations

from typing import Protocol

from acquire.acquisition import Acquisition
from acquire.config import Loaded
from acquire.heartbeat import Heartbeat
from acquire.order_listener import OrderListener
from acquire.spool.publisher import Publisher
from acquire.store.worker import Worker


class Watched(Protocol):
    """A service. Its parts are None before they have begun, and where the configuration has none of them."""

    @property
    def loaded(self) -> Loaded:
        """The configuration in force."""

    @property
    def in_force(self) -> bool:
        """Whether the file, as it was read last, is in force wholly: not where it is wrong or waits for a restart."""

    @property
    def waits_for_spool(self) -> str | None:
        """Why the spool cannot be opened, while it is waited for."""

    @property
    def publisher(self) -> Publisher | None:
        """Of an acquisition host."""

    @property
    def worker(self) -> Worker | None:
        """Of a store's host."""

    @property
    def acquisition(self) -> Acquisition | None:
        """The instruments of an acquisition host."""

    @property
    def heartbeat(self) -> Heartbeat:
        """Of its loops."""

    @property
    def orders(self) -> OrderListener | None:
        """Where orders are listened for."""
