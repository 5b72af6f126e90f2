"""`acquire` commands, each in a process of its own that is forked from one which has imported the program already.

The real program with its exit codes and words, without the second that every start of an interpreter takes; that the
installed command starts is for tests/acquire/cli/test_commands.py and the end-to-end tests.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
WITHIN_S = 60.0
Said = subprocess.CompletedProcess[str]

_forked = multiprocessing.get_context("forkserver")
_forked.set_forkserver_preload(["command_line", "beforehand"])  # a fork looks for what it is to do in the first


def forked(does: Callable[..., object], *given: object, daemon: bool = True) -> BaseProcess:
    """A function that was begun in a process of its own. What those are forked from finds the modules of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{TESTS.parent}:{TESTS}")
        forkserver.ensure_running()
    process = _forked.Process(target=does, args=given, daemon=daemon)
    process.start()
    return process


def acquire(*words: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, uid: int | None = None) -> Said:
    """Run `acquire WORDS` to its end, as another account where `uid` says so. Raises subprocess.TimeoutExpired, and
    kills it, after WITHIN_S.
    """
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        given = (words, str(cwd or Path.cwd()), dict(os.environ if env is None else env), str(out), str(err), uid)
        process = forked(_command, *given)
        process.join(WITHIN_S)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(words, WITHIN_S, out.read_bytes(), err.read_bytes())
        return Said(words, process.exitcode, out.read_text(), err.read_text())


def acquire_heard(hears: Callable[[str], None], *words: str, cwd: Path, env: Mapping[str, str]) -> Said:
    """The same, and each line that it says to the person is heard at once, so that the person can do as it says."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        err.touch()
        given = (words, str(cwd), dict(env), str(out), str(err), None)
        process = forked(_command, *given)
        until, line = time.monotonic() + WITHIN_S, ""
        with err.open() as said:
            while True:
                ended = process.exitcode is not None  # asked before reading: what was said before it is read below
                line += said.readline()
                if line.endswith("\n"):
                    hears(line)
                    line = ""
                elif ended:
                    return Said(words, process.exitcode or 0, out.read_text(), err.read_text())
                elif time.monotonic() > until:
                    process.kill()
                    raise subprocess.TimeoutExpired(words, WITHIN_S, out.read_bytes(), err.read_bytes())
                else:
                    process.join(0.02)


def begun(*words: str, out: Path, err: Path) -> BaseProcess:
    """`acquire WORDS` that goes on: what it says is added to the files, and whoever began it sees to its end."""
    given = (words, str(Path.cwd()), dict(os.environ), str(out), str(err), None)
    return forked(_command, *given)


async def acquire_beside(*words: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Said:
    """The same while the test's loop goes on."""
    return await asyncio.to_thread(acquire, *words, cwd=cwd, env=env)


def _command(words: tuple[str, ...], folder: str, env: dict[str, str], out: str, err: str, uid: int | None) -> None:
    assert "beforehand" in sys.modules  # whoever forks leaves out without a word what cannot be imported
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    sys.argv = ["acquire", *words]
    from acquire.cli import main  # noqa: PLC0415 - imported long ago, in the process this one was forked from

    main()
