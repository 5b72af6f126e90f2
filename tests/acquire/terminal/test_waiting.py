"""How far a long command is: on a terminal alone, counted, and never half a line of it left."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from acquire.terminal import output
from acquire.terminal import progress as progress_of
from acquire.terminal.output import say, tell, write_over
from acquire.terminal.progress import _Waited, progress, waiting


class Ticks(threading.Event):
    """An event that is waited for so many times, each after so many seconds on the clock."""

    def __init__(self, ticks: int, clock: list[float]) -> None:
        super().__init__()
        self._left, self._clock = ticks, clock

    def wait(self, timeout: float | None = None) -> bool:
        self._clock[0] += timeout or 0
        self._left -= 1
        return self._left < 0


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    lines: list[str] = []
    monkeypatch.setattr(progress_of, "write_over", lines.append)
    return lines


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(progress_of.time, "monotonic", lambda: now[0])
    return now


def test_what_is_quick_says_nothing_and_what_lasts_says_how_long(shown: list[str], clock: list[float]) -> None:
    _Waited("Copying s.db").tell(Ticks(1, clock))
    assert shown == []
    _Waited("Copying s.db").tell(Ticks(4, clock))
    assert shown == ["Copying s.db: 2 s", "Copying s.db: 3 s", "Copying s.db: 4 s"]


def test_a_known_time_is_counted_down_and_then_up(shown: list[str], clock: list[float]) -> None:
    waited = _Waited("zero-b1 run")
    waited.is_for("zero-b1 runs", 3)
    waited.tell(Ticks(4, clock))
    assert shown == ["zero-b1 runs: 2 s left", "zero-b1 runs: 1 s left", "zero-b1 runs: 3 s", "zero-b1 runs: 4 s"]


def test_a_pipe_sees_nothing_of_it(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_of, "SECOND_S", 0.0)
    monkeypatch.setattr(progress_of, "EVERY_S", 0.0)
    with waiting("Copying") as now, progress() as far:
        now("Copying more", 5)
        far("entries", 1, 2)
    assert capsys.readouterr() == ("", "")


def test_nothing_is_ever_said_behind_it(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    write_over("Copying: 3 s")
    say("A sentence.")
    assert capsys.readouterr().err == "Copying: 3 s\r\x1b[KA sentence.\n"
    write_over("Copying: 4 s")
    tell("Done.")
    said = capsys.readouterr()
    assert (said.err, said.out) == ("Copying: 4 s\r\x1b[K", "Done.\n")
    write_over("")
    assert capsys.readouterr().err == ""
    narrow = SimpleNamespace(get_terminal_size=lambda: os.terminal_size((10, 24)))
    monkeypatch.setattr(output, "shutil", narrow)  # the runner of the tests asks for the same
    write_over("Copying a long name")
    assert capsys.readouterr().err == "Copying a"
    write_over("")


PROGRAM = """
import sys, time
from acquire.terminal import progress
progress.SECOND_S, progress.QUICK_S = 0.01, 0.0
try:
    with progress.waiting("Copying"):
        while True:  # and no pause(): a signal that comes just before it would not end it
            time.sleep(0.01)
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_a_ctrl_c_leaves_no_half_line() -> None:
    terminal, its = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=its, stdout=its, stderr=its) as process:
        os.close(its)
        seen = os.read(terminal, 4096)
        while b"Copying: 0 s" not in seen:
            seen += os.read(terminal, 4096)
        process.send_signal(signal.SIGINT)
        while True:  # read to its end first: a terminal that nobody reads holds up whoever writes
            try:
                seen += os.read(terminal, 4096)
            except OSError:  # Linux: nobody has the other end any more
                break
        assert process.wait(60) == 130
    os.close(terminal)
    assert seen.endswith(b"\r\x1b[K")
