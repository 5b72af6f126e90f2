"""doctor without SESSION or ORDER: whether the installation is well, the worst first, on one screen."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acquire.errors import Refused
from acquire.terminal.output import emit, tell
from drivers import Misuse

if TYPE_CHECKING:
    from acquire.config import Loaded
    from acquire.doctor.examine import Examination
    from acquire.doctor.finding import Finding

FOUND = 1
WIDEST = 100
DEGREES = ("STOPS", "UNKNOWN", "SOON", "LOOK")
INDENT = 9


def installation(config: Path | None, ask: Sequence[str], as_json: bool) -> int:
    """Look, tell, and give the exit code. Raises Misuse, FileProblem, Refused where the file itself hangs."""
    if config is None:
        raise Misuse("Say which installation: --config CONFIG (or ACQUIRE_CONFIG).")
    from acquire.doctor.examine import examine  # noqa: PLC0415 - brings drivers, store and procedure

    loaded = _loaded(config)
    known = [each.id for each in loaded.config.instrument]
    if strangers := [each for each in ask if each not in known]:
        raise Misuse(f"{config} has no instrument {', '.join(strangers)}; it has {', '.join(known) or 'none'}.")
    done = examine(loaded, ask)
    if as_json:
        emit(_plain(config, done))
    else:
        _print(config, done)
    code = FOUND if done.findings else 0
    if done.hangs:  # the interpreter would wait for what was left behind, and that may never end
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _loaded(config: Path) -> Loaded:
    """In a time of its own: it may lie on a file system that hangs."""
    from acquire.config import load  # noqa: PLC0415 - brings pydantic's models
    from acquire.doctor.examine import within  # noqa: PLC0415

    look = within("the configuration", lambda: _outcome(lambda: load(config)))
    if look.hangs:
        tell(f"{config} cannot be read: nothing came of it in time; look at its disk.")
        sys.stdout.flush()
        os._exit(FOUND)
    if not look.seen:
        raise Refused(f"{config} could not be read: {look.failed}.")
    loaded: Loaded = look.seen[0]()
    return loaded


def _outcome(work: Callable[[], Loaded]) -> Callable[[], Loaded]:
    """What gives the result again, or raises its error: in the thread that asks, not in the one that worked."""
    try:
        loaded = work()
    except (Refused, OSError) as error:
        return partial(_raised, error)
    return lambda: loaded


def _raised(error: Exception) -> Loaded:
    raise error


def _plain(config: Path, done: Examination) -> dict[str, Any]:
    return {
        "config": str(config),
        "well": not done.findings,
        "findings": [
            {"degree": each.degree.name.lower(), "cause": each.cause, "where": each.where, "says": each.says}
            for each in done.findings
        ],
        "looked_at": list(done.looked_at),
    }


def _print(config: Path, done: Examination) -> None:
    looks = f"{len(done.looked_at)} things were looked at"
    if not done.findings:
        tell(f"{config}: WELL. {looks}, and nothing is wrong.")
        return
    counts = [(name, sum(each.degree == n for each in done.findings)) for n, name in enumerate(DEGREES)]
    tell(f"{config}: {', '.join(f'{count} {name}' for name, count in counts if count)}. {looks}.")
    width = min(shutil.get_terminal_size().columns, WIDEST)
    for each in done.findings:
        tell(_shown(each, width))


def _shown(found: Finding, width: int) -> str:
    text = f"{DEGREES[found.degree]:<{INDENT}}{found.says} [{found.cause}]"
    return textwrap.fill(text, width, subsequent_indent=" " * INDENT, break_long_words=False, break_on_hyphens=False)
