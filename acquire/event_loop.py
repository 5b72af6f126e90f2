"""The event loop of every command, at whose end nobody waits for a name server that is silent.

The system's look-up of a name (getaddrinfo) blocks and cannot be ended. asyncio does it in the pool of threads that it
joins at the end, and in which files are written: a few names without an answer held up both. Here each look-up has a
thread of its own, which the process may leave behind.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
Asked = tuple[bytes | str | None, bytes | str | int | None, int, int, int, int]
Found = list[Any]  # as socket.getaddrinfo gives it


def run(main: Coroutine[Any, Any, T]) -> T:
    """As asyncio.run, on this event loop."""
    with asyncio.Runner(loop_factory=EventLoop) as runner:  # noqa: TID251 - the one place
        return runner.run(main)


class EventLoop(asyncio.SelectorEventLoop):
    """One whose look-up of a name may be left; whoever asks for the same name meanwhile waits for the same answer, so
    that trying again and again costs no further thread.
    """

    def __init__(self) -> None:
        super().__init__()
        self._looked_up: dict[Asked, Future[Found]] = {}

    async def getaddrinfo(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        *,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> Found:
        """As socket.getaddrinfo. Cancelled, it leaves the look-up to itself."""
        asked = (host, port, family, type, proto, flags)
        answer = self._looked_up.get(asked)
        if answer is None:
            answer = self._looked_up[asked] = Future()
            answer.set_running_or_notify_cancel()  # from here on a cancellation of who waits does not reach it
            answer.add_done_callback(lambda _: self._looked_up.pop(asked))
            try:
                threading.Thread(target=_look_up, args=(asked, answer), name=f"name-{host!r}", daemon=True).start()
            except RuntimeError as error:  # the system has no thread left: an answer that never came would be shared
                answer.set_exception(OSError(str(error)))
        return await asyncio.wrap_future(answer, loop=self)


def _look_up(asked: Asked, answer: Future[Found]) -> None:
    try:
        answer.set_result(socket.getaddrinfo(*asked))  # noqa: TID251 - the one place
    except Exception as error:
        answer.set_exception(error)
