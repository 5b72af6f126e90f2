"""The process that fits, as the service sees it: begun when it is needed, ended when not, replaced if it fails."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from typing import Any

from acquire.canonical import canonical, parse

LONGEST_S = 300.0  # for one curve; an ordinary one takes 0.05 s of a processor, and others may want all of it
ENDS_WITHIN_S = 2.0
LARGEST = 64 * 1024 * 1024  # bytes of an answer
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class FitFailed(Exception):
    """The process ended, or did not answer: one plain sentence."""


class FitProcess:
    """`fit` and `elements` begin it where it is not running; `close` ends it."""

    def __init__(
        self, longest_s: float = LONGEST_S, command: tuple[str, ...] = ("-P", "-m", "acquire.fits.process")
    ) -> None:
        self._longest_s = longest_s
        self._command = command
        self._process: Process | None = None

    @property
    def is_running(self) -> bool:
        """Whether it takes memory now."""
        return self._process is not None

    async def fit(self, preset: str, name: str, body: bytes) -> dict[str, Any]:
        """The fit of an entry's body, as acquire.glow gives it. Raises FitFailed."""
        head = canonical(["curve", preset, name])
        found: dict[str, Any] = await self._ask(head[:-1] + b"," + body + b"]\n")
        return found

    async def elements(self, name: str, inventory: bytes) -> list[list[Any]]:
        """The elements an inventory names, each as acquire.fits.materials.Known has it. Raises FitFailed."""
        found: list[list[Any]] = await self._ask(
            canonical(["inventory", name, inventory.decode("utf-8", "replace")]) + b"\n"
        )
        return found

    async def close(self) -> None:
        """End it: at the end of what feeds it, or at once."""
        process = self._process
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(ENDS_WITHIN_S):
                await process.wait()
        await self._kill()

    async def _ask(self, line: bytes) -> Any:
        process = await self._begun()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(self._longest_s):
                process.stdin.write(line)
                await process.stdin.drain()
                answer = await process.stdout.readline()
        except TimeoutError as error:
            await self._kill()
            raise FitFailed(f"The fit was not done after {self._longest_s:g} s and was given up.") from error
        except (ConnectionError, ValueError):  # it ended while it was written to; an answer without end
            answer = b""
        except asyncio.CancelledError:
            await self._kill()
            raise
        if not answer.endswith(b"\n"):
            await self._kill()
            raise FitFailed("The process that fits ended while it was at it.")
        return parse(answer)

    async def _begun(self) -> Process:
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *self._command, stdin=PIPE, stdout=PIPE, limit=LARGEST,
                env={**os.environ, **_ONE_THREAD}, start_new_session=True,
            )  # fmt: skip
        return self._process

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
