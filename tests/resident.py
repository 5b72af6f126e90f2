"""`acquire` on a shell's PATH, forked from a process that has imported the program: a page of many commands is followed
in a tenth of the time, and each is still the whole program with its own arguments, folder, environment and exit code.

`resident()` is the folder that the shell's PATH is to begin with.

With PAPER=none in its environment no signed record is laid out on paper: that takes longer than the rest of a page.

What the shell tells the command by a signal is told to the fork: `run` goes on until then.
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from command_line import forked

from acquire.cli import main
from acquire.record import signing

TESTS = Path(__file__).parent
CLIENT = """#!{python} -IS
import json, os, signal, socket, sys
TOLD = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
signal.pthread_sigmask(signal.SIG_BLOCK, TOLD)
door = socket.socket(socket.AF_UNIX)
door.connect({door!r})
told = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(door, [len(told).to_bytes(4, "big")], [0, 1, 2])
door.sendall(told)
answers = door.makefile()
process = int(answers.readline())
for each in TOLD:
    signal.signal(each, lambda number, _: os.kill(process, number))
signal.pthread_sigmask(signal.SIG_UNBLOCK, TOLD)
sys.exit(int(answers.read() or 1))
"""


@cache
def resident(own: tuple[tuple[str, str], ...] = ()) -> Path:
    """A folder with the command; what it is forked from has these in its environment beside those of the command (a
    clock of its own, say), and serves until this process is over.
    """
    folder = Path(tempfile.mkdtemp(prefix="resident-"))
    door, place = str(folder / "acquire.sock"), folder / "bin"
    place.mkdir()
    command = place / "acquire"
    command.write_text(CLIENT.format(python=sys.executable, door=door))
    command.chmod(0o755)
    over, open_while_here = socket.socketpair()  # the other end is shut with this process, however that ends
    with socket.socket(socket.AF_UNIX) as listening, over:
        listening.bind(door)
        listening.listen(8)
        # No daemon: what a command begins it may share out among processes.
        ended = _with_its_own(own, listening, over) if own else forked(serve, listening, over, daemon=False).join
    atexit.register(_end, ended, open_while_here, folder)
    return place


def _with_its_own(
    environment: tuple[tuple[str, str], ...], listening: socket.socket, over: socket.socket
) -> Callable[[], object]:
    """An interpreter that is started in this environment; returns what waits for its end."""
    numbers = listening.fileno(), over.fileno()
    code = f"import socket, resident; resident.serve(*(socket.socket(fileno=each) for each in {numbers}))"
    env = os.environ | dict(environment) | {"PYTHONPATH": f"{TESTS.parent}:{TESTS}"}
    return subprocess.Popen([sys.executable, "-c", code], env=env, pass_fds=numbers).wait


def _end(ended: Callable[[], object], open_while_here: socket.socket, folder: Path) -> None:
    open_while_here.close()
    ended()
    shutil.rmtree(folder)


def serve(doors: socket.socket, over: socket.socket) -> None:
    """Forks one process for each command that is asked for, tells its exit code, and ends what nobody waits for."""
    os.setsid()
    import_module("beforehand")
    with selectors.DefaultSelector() as waited:
        waited.register(doors, selectors.EVENT_READ, lambda: _begin(waited, doors.accept()[0]))
        waited.register(over, selectors.EVENT_READ, lambda: os.killpg(0, signal.SIGKILL))
        while True:
            for ready, _ in waited.select():
                ready.data()


def _begin(waited: selectors.BaseSelector, asked: socket.socket) -> None:
    """The process of a command that is asked for."""
    head, given, _, _ = socket.recv_fds(asked, 4, 3)
    length, told = int.from_bytes(head, "big"), b""
    while len(told) < length and (more := asked.recv(65536)):
        told += more
    if not head or len(told) < length:  # whoever asked was killed meanwhile
        asked.close()
        return
    child = os.fork()
    if child == 0:
        _be(given, *json.loads(told))
    for each in given:
        os.close(each)
    asked.sendall(f"{child}\n".encode())
    process = os.pidfd_open(child)
    waited.register(process, selectors.EVENT_READ, lambda: _ended(waited, child, process, asked))
    waited.register(asked, selectors.EVENT_READ, lambda: _left(waited, child, asked))


def _be(given: list[int], words: list[str], folder: str, environment: dict[str, str]) -> NoReturn:
    """The command, in the process that was forked for it."""
    for number, each in enumerate(given):
        os.dup2(each, number)
    os.closerange(3, 1024)  # the server's: a door kept open here would not end elsewhere
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    if environment.get("PAPER") == "none":
        signing.pdf = lambda record: f"%PDF-1.7\n% {record['id']}".encode()
    sys.argv = ["acquire", *words]
    os._exit(_run())


def _ended(waited: selectors.BaseSelector, child: int, process: int, asked: socket.socket) -> None:
    waited.unregister(process)
    os.close(process)
    _, status = os.waitpid(child, 0)
    with suppress(KeyError):
        waited.unregister(asked)
    with suppress(OSError), asked:
        asked.sendall(str(os.waitstatus_to_exitcode(status) & 0xFF).encode())


def _left(waited: selectors.BaseSelector, child: int, asked: socket.socket) -> None:
    """Whoever asked was killed: a page was given up."""
    if asked.fileno() != -1:  # else the command has ended meanwhile
        waited.unregister(asked)
        os.kill(child, signal.SIGKILL)


def _run() -> int:
    """The command's exit code. What was imported before is not taken apart: that costs more than most commands."""
    code: object = 1
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        traceback.print_exc()
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else int(code is not None)
