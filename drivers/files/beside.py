"""Work in a folder, in a thread that nothing waits for: a share that has gone may never give it back.

A thread of a pool would be waited for at the end of the program, and a few that hang would use up those of everybody.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from drivers.errors import LinkDown
from drivers.files.content import shown

T = TypeVar("T")

COMES_BACK_WITHIN_S = 5.0  # what was begun and given up before
_under_way: dict[Path, Future[Any]] = {}  # one thing at a time in one folder


async def beside(folder: Path, work: Callable[[], T]) -> T:
    """What `work` gives, which may be given up; it goes on by itself then.

    Raises LinkDown where what was begun in this folder before has not come back yet, and what `work` raises.
    """
    before = _under_way.get(folder)
    if before is not None and not before.done():
        coming = asyncio.wrap_future(before)
        await asyncio.wait({coming}, timeout=COMES_BACK_WITHIN_S)
        if coming.done() and not coming.cancelled():
            coming.exception()  # whoever began it was told
        coming.cancel()
        if not before.done():
            raise LinkDown(f"The folder {shown(str(folder))} does not answer; a look into it has not come back.")
    done: Future[T] = Future()
    done.set_running_or_notify_cancel()  # whoever gives it up does not end it
    _under_way[folder] = done
    threading.Thread(target=_run, args=(work, done), name=f"folder-{folder.name}", daemon=True).start()
    return await asyncio.wrap_future(done)


def _run(work: Callable[[], T], done: Future[T]) -> None:
    try:
        result = work()
    except BaseException as error:
        done.set_exception(error)
    else:
        done.set_result(result)
