"""What docs/service.md prints, done by a newcomer on a bare Debian with its own systemd: from package to removal.

One system, one walk through it: each step stands on the one before.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clean_root import CleanRoot, Said, why_not

HERE = Path(__file__).parent
NAME = "dosimetry-acquire"
CONFIG = f"/etc/{NAME}/acquire.toml"
STATE = f"/var/lib/{NAME}"
STORE, SPOOL = f"sqlite:///{STATE}/store.db", f"{STATE}/spool.db"
ANOTHER = """
[[instrument]]
id = "electrometer-2"
model = "ptw-unidos-tango"
resource = "simulator:sim-tango"
settings = { electrical = true }
"""
ITS_SIMULATOR = """
[[simulator]]
id = "sim-tango"
model = "ptw-unidos-tango"
listen = "tcp:127.0.0.1:0"
"""

WATCHED = """
[watching]
port = 9177
"""

pytestmark = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")


@pytest.fixture
def system(tmp_path: Path) -> Iterator[CleanRoot]:
    made = CleanRoot(tmp_path / "system")
    try:
        yield made
    finally:
        made.halt()
        shutil.rmtree(made.folder)


def did(said: Said) -> str:
    assert said.returncode == 0, f"{said.args}: {said.stdout[-3000:]}{said.stderr[-3000:]}"
    return said.stdout


def built(folder: Path) -> tuple[Path, Path]:
    """The package, and one of an older version, of which no more than the first script is ever run."""
    sys.path.append(str(HERE.parents[1] / "tools"))
    import package  # noqa: PLC0415 - of tools/, which is no package of ours

    package.tree(folder / "tree")
    deb = package.pack(folder / "tree", folder)
    shutil.rmtree(folder / "tree")
    package.put(HERE.parents[1] / "packaging/debian/acquire.toml", folder / "older/etc" / NAME)
    return deb, package.pack(folder / "older", folder, called="0.0.1")


@pytest.mark.slow
def test_a_newcomer_installs_reloads_restores_upgrades_and_removes_it(system: CleanRoot, tmp_path: Path) -> None:
    deb, older = (shutil.move(each, system.folder / "root") for each in built(tmp_path))
    system.boot()
    three_commands_to_a_running_service(system, Path(deb).name)
    the_watchdog_bites_what_stands_still(system)
    a_broken_configuration_is_not_started_again_and_again(system)
    it_is_watched_and_its_log_has_priorities(system)
    a_reload_leaves_the_other_streams_alone(system)
    a_restore_by_root_is_served_again(system)
    the_timer_s_service_makes_a_backup(system)
    every_retained_state_says_stopped_in_the_end(system)
    every_account_is_told_what_it_must_do(system)
    an_upgrade_keeps_a_copy_and_goes_on(system, Path(deb).name)
    an_older_version_is_refused_and_the_service_goes_on(system, Path(older).name)
    a_removal_keeps_the_record(system)


def three_commands_to_a_running_service(system: CleanRoot, deb: str) -> None:
    told = system.inside("apt-get", "install", "-y", f"/root/{deb}", within_s=300)
    assert "is installed and does not run yet" in did(told)
    assert "is sound" in did(system.inside("acquire", "check", CONFIG))
    did(system.inside("systemctl", "enable", "--now", NAME))
    assert shown(system, "ActiveState") == "active"
    assert states(system, "electrometer-1", port=18830)["model"] == "6517B"
    for unit in (f"{NAME}.service", f"{NAME}-backup.service", f"{NAME}-backup.timer"):
        said = system.inside("systemd-analyze", "verify", f"/usr/lib/systemd/system/{unit}")
        assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
    asked = "source /usr/share/bash-completion/completions/acquire; COMP_WORDS=(acquire command ''); COMP_CWORD=2"
    did(system.inside("test", "-s", "/usr/share/fish/vendor_completions.d/acquire.fish"))
    assert did(system.inside("head", "-1", "/usr/share/zsh/vendor-completions/_acquire")) == "#compdef acquire\n"
    said = system.inside("env", f"ACQUIRE_CONFIG={CONFIG}", "bash", "-c",
                         f"{asked}; _acquire_completion acquire; echo ${{COMPREPLY[*]}}")  # fmt: skip
    assert did(said) == "electrometer-1\n"
    log = did(system.inside("journalctl", "-u", NAME))
    assert "Got notification message from PID" not in log, "a broker of ours speaks in our name"
    assert shown(system, "DeviceAllow").count("rw") == 5
    assert did(system.inside("id", "-nG", NAME)).split() == [NAME, "dialout"]


def the_watchdog_bites_what_stands_still(system: CleanRoot) -> None:
    """With its seconds shortened. The process is stopped: then nothing of it comes round."""
    limits = "[Service]\nWatchdogSec=3\nTimeoutAbortSec=1\nRestartSec=100ms\n"
    drop_in(system, limits)
    did(system.inside("systemctl", "restart", NAME))
    did(system.inside("sh", "-c", "sleep 5"))
    assert shown(system, "NRestarts") == "0", "a service that comes round is fed"
    did(system.inside("systemctl", "kill", "--kill-whom=main", "-s", "STOP", NAME))
    within(20, lambda: shown(system, "NRestarts") == "1")
    drop_in(system, "[Service]\nRestartSec=100ms\n")
    did(system.inside("systemctl", "restart", NAME))


def a_broken_configuration_is_not_started_again_and_again(system: CleanRoot) -> None:
    file = system.folder / CONFIG[1:]
    sound = file.read_text()
    file.write_text(sound.replace('mode = "auto"', 'mode = "autumn"'))
    assert system.inside("systemctl", "restart", NAME).returncode == 1
    did(system.inside("sleep", "1"))
    assert (shown(system, "ActiveState"), shown(system, "ExecMainStatus")) == ("failed", "2")
    assert "'autumn' is not known" in did(system.inside("journalctl", "-u", NAME, "-p", "warning"))
    file.write_text(
        sound.replace('mode = "auto"', 'mode = "external"').replace("18830", "1883") + ITS_SIMULATOR + WATCHED
    )
    did(system.inside("systemctl", "restart", NAME))


def it_is_watched_and_its_log_has_priorities(system: CleanRoot) -> None:
    """Prometheus' rules and the dashboard are there to be taken; the journal has the priorities, and one time stamp."""
    look = "import sys, urllib.request as u; print(u.urlopen('http://127.0.0.1:9177' + sys.argv[1]).read().decode())"
    ask = (f"/usr/lib/{NAME}/bin/python3", "-c", look)
    assert json.loads(did(system.inside(*ask, "/health/live")))["live"]
    ready = 'dosimetry_instrument_info{driver="keithley-6517b"'
    within(20, lambda: ready in did(system.inside(*ask, "/metrics")))  # it was started a moment ago
    examples = did(system.inside("ls", f"/usr/share/doc/{NAME}/examples")).split()
    assert {"prometheus-rules.yml", "grafana-dashboard.json"} <= set(examples)
    said = did(system.inside("journalctl", "-u", NAME, "-o", "json", "_COMM=acquire"))
    lines = [json.loads(line) for line in said.splitlines()]
    found = {str(line["MESSAGE"]).split(" ")[0]: line["PRIORITY"] for line in lines}
    assert found["running"] == "6"
    (ready,) = {line["MESSAGE"].split(" serial=")[1][:7] for line in lines if "instrument ready" in line["MESSAGE"]}
    assert ready == "4096271"
    assert not [line for line in lines if re.match(r"<\d>|\d{4}-\d\d-\d\dT", line["MESSAGE"])]
    warned = did(system.inside("journalctl", "-u", NAME, "-p", "warning", "-o", "cat"))
    assert "nobody is told of results out of tolerance" in warned
    assert "instrument ready" not in warned


def a_reload_leaves_the_other_streams_alone(system: CleanRoot) -> None:
    before = states(system, "electrometer-1")
    file = system.folder / CONFIG[1:]
    file.write_text(file.read_text() + ANOTHER)
    did(system.inside("systemctl", "reload", NAME))
    assert states(system, "electrometer-2")["driver"] == "ptw-unidos-tango"
    assert states(system, "electrometer-1")["stream"] == before["stream"]
    file.write_text(file.read_text().replace(ANOTHER, ""))
    did(system.inside("systemctl", "reload", NAME))
    within(20, lambda: did(system.inside("sh", "-c", listening("electrometer-2/state", 1))) == "")
    assert states(system, "electrometer-1")["stream"] == before["stream"]


def a_restore_by_root_is_served_again(system: CleanRoot) -> None:
    did(system.inside("acquire", "store", "backup", f"{STATE}/backups/by-root.db", "--config", CONFIG))
    did(system.inside("systemctl", "stop", NAME))
    words = ("acquire", "store", "restore", f"{STATE}/backups/by-root.db", "--config", CONFIG, "--by", "MP-1")
    did(system.inside(*words))
    assert owners(system) == {NAME}
    did(system.inside("systemctl", "start", NAME))
    assert shown(system, "ActiveState") == "active"


def the_timer_s_service_makes_a_backup(system: CleanRoot) -> None:
    did(system.inside("systemctl", "start", f"{NAME}-backup.service"))
    assert len(did(system.inside("sh", "-c", f"ls {STATE}/backups/store-2*.db")).split()) == 1
    assert owners(system) == {NAME}


def every_retained_state_says_stopped_in_the_end(system: CleanRoot) -> None:
    did(system.inside("systemctl", "stop", NAME))
    said = did(system.inside("sh", "-c", f"{listening('+/state', 1)}; {listening('daemon/+/state', 1)}"))
    found = [json.loads(line)["state"] for line in said.splitlines()]
    assert found == ["stopped"] * 3, "the host, the store and the instrument"


def every_account_is_told_what_it_must_do(system: CleanRoot) -> None:
    """Root works as the owner, others are told who it is; nobody sees a traceback or leaves a file of his own."""
    shutil.copy(HERE / "walk_accounts.py", system.folder / "root")
    python = f"/usr/lib/{NAME}/bin/python3"
    for account in ("nobody", "root"):
        said = system.inside(
            python, "/root/walk_accounts.py", account, "--store", STORE, "--spool", SPOOL, within_s=300
        )
        found = [json.loads(line) for line in did(said).splitlines()]
        assert len(found) > 70
        assert [each for each in found if "Traceback" in each["err"] or each["code"] not in (0, 1, 2)] == []
        assert owners(system) == {NAME}
        if account == "nobody":
            assert [each for each in found if each["code"] == 0] == []
            whose = f"belongs to the account {NAME}, and this one is nobody; ask as that account"
            told = [each for each in found if whose in each["err"]]
            assert len(told) > 0.8 * len(found), [each for each in found if each not in told]


def an_upgrade_keeps_a_copy_and_goes_on(system: CleanRoot, deb: str) -> None:
    """The package that is there is called older; its store has this schema (older ones: tests/acquire/store)."""
    did(system.inside("sed", "-i", f"/^Package: {NAME}$/,/^$/s/^Version: .*/Version: 0.0.9/", "/var/lib/dpkg/status"))
    did(system.inside("systemctl", "start", NAME))
    did(system.inside("apt-get", "install", "-y", f"/root/{deb}", within_s=300))
    assert shown(system, "ActiveState") == "active"
    assert did(system.inside("sh", "-c", f"ls {STATE}/backups/store-before-*.db"))
    assert owners(system) == {NAME}


def an_older_version_is_refused_and_the_service_goes_on(system: CleanRoot, older: str) -> None:
    said = system.inside("dpkg", "-i", f"/root/{older}")
    assert said.returncode == 1
    assert "0.0.1 is older than what is installed" in said.stderr
    assert shown(system, "ActiveState") == "active"


def a_removal_keeps_the_record(system: CleanRoot) -> None:
    for how in ("remove", "purge"):
        said = did(system.inside("apt-get", how, "-y", NAME))
        assert f"stay in {STATE}" in said
    assert system.inside("acquire", "--help").returncode != 0
    assert not (system.folder / f"etc/{NAME}").exists()
    assert (system.folder / STATE[1:] / "store.db").exists()
    assert "running" in did(system.inside("systemctl", "is-system-running"))


# --- looking ----------------------------------------------------------------------------------------------------------


def within(seconds: float, holds: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.1)


def drop_in(system: CleanRoot, text: str) -> None:
    folder = system.folder / f"etc/systemd/system/{NAME}.service.d"
    folder.mkdir(exist_ok=True)
    (folder / "test.conf").write_text(text)
    did(system.inside("systemctl", "daemon-reload"))


def shown(system: CleanRoot, what: str) -> str:
    return did(system.inside("systemctl", "show", "--value", "-p", what, NAME)).strip()


def listening(topic: str, within_s: int, port: int = 1883) -> str:
    """A shell's command that prints what is retained, or comes, and always succeeds."""
    return f"(mosquitto_sub -h 127.0.0.1 -p {port} -q 1 -t 'dosimetry/v1/clinic/{topic}' -W {within_s} || true)"


def states(system: CleanRoot, instrument: str, port: int = 1883) -> dict[str, Any]:
    """What the instrument says of itself once it is ready."""
    heard = ""
    for _ in range(20):
        heard = did(system.inside("sh", "-c", listening(f"{instrument}/state", 1, port)))
        found: list[dict[str, Any]] = [json.loads(line) for line in heard.splitlines()]
        if found and found[-1]["state"] == "ready":
            return found[-1]
    raise AssertionError(f"{instrument} is not ready: {heard}")


def owners(system: CleanRoot) -> set[str]:
    return set(did(system.inside("find", STATE, "-printf", "%u\n")).split())
