"""`acquire doctor` beside a service that runs, as another account, and beside what hangs: by the real program."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from brokers import free_port
from command_line import acquire
from hanging_disk import hanging_disk
from installations import Installation
from planted_ports import line
from preload import compiled

from acquire.config import load
from acquire.doctor.checks import CHECKS, WITHIN_S
from acquire.doctor.examine import examine
from acquire.doctor.looking.files import spool_read_only

ROOT = Path(__file__).parents[3]
NOBODY = 65534
ADJTIMEX = Path(__file__).with_name("adjtimex_says.c")


class Service:
    """The demonstration's configuration, with a broker at a port of its own, run by the installed command."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "service.toml"
        self.text = (ROOT / "config" / "demo" / "service.toml").read_text()
        self.text = self.text.replace("port = 0 ", f"port = {free_port()} ")
        self.file.write_text(self.text)
        self.log = folder / "log"
        with self.log.open("wb") as log:
            words = [Path(sys.executable).with_name("acquire"), "run", str(self.file)]
            self.process = subprocess.Popen(words, cwd=folder, stdout=log, stderr=log)

    def streams(self) -> list[tuple[str, str, str | None]]:
        with closing(spool_read_only(self.file.with_name("spool.db"))) as db:
            return [tuple(row) for row in db.execute("SELECT instrument, stream, ended FROM stream ORDER BY number")]

    def until(self, *causes: str) -> None:
        """Until just this is found, as after a start."""
        for _ in range(150):
            assert self.process.poll() is None, self.log.read_text()
            if self.file.with_name("spool.db").exists():
                found = [each.cause for each in examine(load(self.file)).findings]
                if found == list(causes):
                    return
            time.sleep(0.2)
        raise AssertionError(f"{found}\n{self.log.read_text()}")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    made = Service(tmp_path_factory.mktemp("service"))
    try:
        made.until()
        yield made
    finally:
        made.process.terminate()
        made.process.wait(30)


def test_a_service_that_is_well_has_no_finding_and_is_not_disturbed(service: Service) -> None:
    before, told = service.streams(), service.log.read_text().count("warning")
    done = acquire("doctor", "--config", str(service.file))
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout == f"{service.file}: WELL. 20 things were looked at, and nothing is wrong.\n"
    said = json.loads(acquire("doctor", "--config", str(service.file), "--json").stdout)
    assert (said["well"], said["findings"], len(said["looked_at"])) == (True, [], 20)
    assert service.streams() == before
    assert service.log.read_text().count("warning") == told


def test_asked_or_not_nothing_is_sent_to_what_a_running_service_has(service: Service) -> None:
    before = service.streams()
    done = acquire("doctor", "--ask", "electrometer-1", "--config", str(service.file))
    assert done.returncode == 1
    said = " ".join(done.stdout.split())
    assert "UNKNOWN 'electrometer-1' was not asked what it is: it is a simulator, which the service itself has" in said
    assert service.streams() == before


def test_an_instrument_that_the_service_finds_to_be_another_is_judged_by_its_state(service: Service) -> None:
    """The service refuses the unit, says so on the bus, and goes on with its neighbours."""
    service.file.write_text(service.text.replace('expected_serial = "4096271"', 'expected_serial = "4711"'))
    service.process.send_signal(signal.SIGHUP)
    try:
        service.until("instrument-state")
        done = acquire("doctor", "--config", str(service.file), env={**os.environ, "COLUMNS": "80"})
        said = " ".join(done.stdout.split())
        assert done.returncode == 1
        assert "electrometer-1 is fault: Serial number 4711 is configured on" in said
        assert "4096271 answers: connect the right unit, or correct expected_serial" in said
        assert max(map(len, done.stdout.splitlines()[1:])) <= 80
    finally:
        service.file.write_text(service.text)
        service.process.send_signal(signal.SIGHUP)
        service.until()


def test_a_port_that_this_account_may_not_open() -> None:
    """As nobody, in a folder of nobody's: a terminal of root's stands for the serial line."""
    folder = Path(tempfile.mkdtemp(prefix="doctor-", dir="/tmp"))
    try:
        os.chown(folder, NOBODY, NOBODY)
        it = Installation(folder, store="")
        with line() as port:
            it.instrument(port)
            os.chown(it.write(), NOBODY, NOBODY)
            done = acquire("doctor", "--config", str(it.file), "--json", cwd=folder, uid=NOBODY)
            found = {each["cause"]: each["says"] for each in json.loads(done.stdout)["findings"]}
            os.chmod(port, 0o666)  # noqa: PTH101
            again = acquire("doctor", "--config", str(it.file), "--json", cwd=folder, uid=NOBODY)
    finally:
        shutil.rmtree(folder)
    says = f"'electrometer-1': the account nobody may not open {port}; `adduser nobody "
    assert found["port-forbidden"].startswith(says)
    assert found["port-forbidden"].endswith("as root lets it.")
    assert "port-forbidden" not in again.stdout
    assert "service-down" in again.stdout


def test_what_hangs_is_a_finding_and_everything_else_is_looked_at(tmp_path: Path) -> None:
    """The reader's folder is on a file system that does not answer. Each look's time is shortened here."""
    it = Installation(tmp_path)
    checks = [replace(each, within_s=1.0 if "folder" in each.what else each.within_s) for each in CHECKS]
    folder = [each for each in checks if "folder" in each.what]
    others = [each for each in checks if each.what == "the service of"]
    with hanging_disk(tmp_path / "share"):
        it.instrument(f"dir:{tmp_path}/share", "winrems", "tld-reader-1")
        done = examine(load(it.write()), (), [*folder, *others])
    assert [each.cause for each in done.findings] == ["service-down", "not-looked-at"]
    assert done.findings[1].says == (
        "The drop folder of tld-reader-1 could not be looked at, it hangs, nothing came within 1 s: look there by hand."
    )
    assert done.hangs
    for thread in threading.enumerate():  # its file system is gone, and so it comes to its end
        if thread.name == "the drop folder of tld-reader-1":
            thread.join(WITHIN_S)
            assert not thread.is_alive()


def test_the_program_ends_although_something_hangs(tmp_path: Path) -> None:
    it = Installation(tmp_path)
    with hanging_disk(tmp_path / "share"):
        it.instrument(f"dir:{tmp_path}/share", "winrems", "tld-reader-1")
        it.write()
        begun = time.monotonic()
        done = acquire("doctor", "--config", str(it.file), "--json")
        took_s = time.monotonic() - begun
    assert done.returncode == 1
    causes = [each["cause"] for each in json.loads(done.stdout)["findings"]]
    assert causes.count("not-looked-at") >= 2  # the folder, and the clock of who writes into it
    assert {"service-down", "broker-down"} <= set(causes)
    assert took_s < 60, "in a bounded time, whatever the machine has to do besides"


@pytest.mark.parametrize(("status", "follows"), [("0", "True"), ("64", "False")])
def test_the_kernel_is_asked_whether_its_clock_follows(status: str, follows: str) -> None:
    program = "from acquire.doctor.looking.kernel_clock import is_synchronised as it; print(it())"
    env = {**os.environ, "LD_PRELOAD": str(compiled(ADJTIMEX)), "ADJTIMEX_SAYS": status, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == follows


def test_what_cannot_be_asked_for_is_refused(tmp_path: Path) -> None:
    it = Installation(tmp_path)
    it.write()
    for words, says in (
        (("doctor",), "Say which installation: --config CONFIG"),
        (("doctor", "--config", str(it.file), "--ask", "x"), "has no instrument x; it has none."),
        (("doctor", "--config", str(it.file), "--fraction", "2"), "files are of a SESSION or an ORDER"),
        (("doctor", "ORD-1", "--ask", "x", "--config", str(it.file)), "--ask is for the installation"),
    ):
        done = acquire(*words)
        assert (done.returncode, says in done.stderr) == (2, True), done.stderr
    it.file.write_text("site = 1")
    assert acquire("doctor", "--config", str(it.file)).returncode == 2
