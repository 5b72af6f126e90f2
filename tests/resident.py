"""`acquire` on a shell's PATH, forked from a process that has imported the program: a page of many commands is followed
in a tenth of the time, and each is still the whole program with its own arguments, folder, environment and exit code.

    with resident(folder, environment) as path: ...   # `path` is what the shell's PATH begins with

With PAPER=none in its environment no signed record is laid out on paper: that takes longer than the rest of a page.

What the shell tells the command by a signal is told to the fork: `run` goes on until then.
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

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


@contextmanager
def resident(folder: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    """A folder with the command; what it is forked from runs in this environment (a clock of its own, say)."""
    place, door = folder / "bin", str(folder / "acquire.sock")
    place.mkdir()
    command = place / "acquire"
    command.write_text(CLIENT.format(python=sys.executable, door=door))
    command.chmod(0o755)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(door)
    listening.listen(8)
    words = [sys.executable, "-c", "from resident import serve; serve(0)"]
    there = {**environment, "PYTHONPATH": f"{TESTS.parent}:{TESTS}"}
    process = subprocess.Popen(words, stdin=listening, env=there, start_new_session=True)
    try:
        yield place
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # with what a page that was given up has left
        process.wait()
        listening.close()


def serve(descriptor: int) -> None:
    """Forks one process for each command that is asked for, and tells its exit code, until it is killed."""
    import_module("beforehand")
    if os.environ.get("PAPER") == "none":
        signing.pdf = lambda record: f"%PDF-1.7\n% {record['id']}".encode()
    with socket.socket(fileno=os.dup(descriptor)) as listening, selectors.DefaultSelector() as waited:
        waited.register(listening, selectors.EVENT_READ)
        while True:
            for ready, _ in waited.select():
                if ready.data is None:
                    child, asked = _begun(listening.accept()[0])
                    waited.register(os.pidfd_open(child), selectors.EVENT_READ, (child, asked))
                else:
                    waited.unregister(ready.fd)
                    os.close(ready.fd)
                    _ended(*ready.data)


def _begun(asked: socket.socket) -> tuple[int, socket.socket]:
    """The process of a command that is asked for."""
    head, given, _, _ = socket.recv_fds(asked, 4, 3)
    told = b""
    while len(told) < int.from_bytes(head, "big"):
        told += asked.recv(65536)
    child = os.fork()
    if child == 0:
        words, folder, environment = json.loads(told)
        for number, each in enumerate(given):
            os.dup2(each, number)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # the server's: a door kept open here would not end elsewhere
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["acquire", *words]
        os._exit(_run())
    for each in given:
        os.close(each)
    asked.sendall(f"{child}\n".encode())
    return child, asked


def _ended(child: int, asked: socket.socket) -> None:
    _, status = os.waitpid(child, 0)
    with suppress(OSError), asked:  # whoever asked may be gone
        asked.sendall(str(os.waitstatus_to_exitcode(status) & 0xFF).encode())


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
