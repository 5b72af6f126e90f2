"""A bare Debian in a folder, as `mmdebstrap` makes it, and its systemd booted in namespaces: for installing into.

The system is made once a machine and kept as an archive in the user's cache; its Python is that of the tests.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

RELEASES = {11: "bookworm", 13: "trixie"}  # by the minor version of their Python
HOLDS = "python3,adduser,systemd,systemd-sysv,udev,mosquitto,mosquitto-clients"
BOOT = Path(__file__).parent / "e2e" / "boot.sh"
Said = subprocess.CompletedProcess[str]


def why_not() -> str | None:
    """Why there can be no clean root here; None where there can."""
    if os.geteuid() != 0:
        return "only root may make and boot a system in a folder"
    if sys.version_info.minor not in RELEASES:
        return f"no Debian release has Python 3.{sys.version_info.minor}"
    if not shutil.which("mmdebstrap"):
        return "mmdebstrap is not installed; `make test` installs it"
    return None


def archive() -> Path:
    """The archive of a bare system, made where there is none yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dosimetry-acquire"
    found = cache / f"{RELEASES[sys.version_info.minor]}.tar"
    if not found.exists():
        cache.mkdir(parents=True, exist_ok=True)
        made = cache / f"{found.stem}-{os.getpid()}.tar"
        what = ["mmdebstrap", "--quiet", "--variant=apt", f"--include={HOLDS}", found.stem, str(made)]
        subprocess.run(what, check=True, timeout=600)
        made.rename(found)
    return found


class CleanRoot:
    """One system. `run` in it without systemd, `boot` it, `inside` it then."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._group = f"acquire-test-{os.getpid()}"
        self._booted: subprocess.Popen[bytes] | None = None
        self._first = 0
        folder.mkdir(mode=0o755)
        subprocess.run(["tar", "-xf", str(archive()), "-C", str(folder)], check=True)
        for part in [folder, *folder.parents]:  # of a test's folder: other accounts are to get through
            if "pytest-of" in str(part):
                part.chmod(part.stat().st_mode | 0o011)

    def run(self, *words: str, account: str | None = None, within_s: float = 120) -> Said:
        """A command in the system, not booted."""
        become = ["setpriv", f"--reuid={account}", f"--regid={account}", "--clear-groups"] if account else []
        return self._said(["chroot", str(self.folder), *become, *words], within_s)

    def boot(self) -> None:
        """Start its systemd, and wait until that is up."""
        words = ["unshare", "--mount", str(BOOT), str(self.folder), self._group]
        self._booted = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while not self._is_up():
            assert time.monotonic() < until, "systemd did not come up"
            time.sleep(0.2)
            self._first = _child(self._booted.pid) or 0

    def _is_up(self) -> bool:
        if self._first == 0:
            return False
        return self.inside("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")

    def inside(self, *words: str, account: str | None = None, within_s: float = 120) -> Said:
        """A command in the booted system."""
        become = ["setpriv", f"--reuid={account}", f"--regid={account}", "--clear-groups"] if account else []
        enter = ["nsenter", "-t", str(self._first), "-m", "-p", "-u", "-i", "-n", "-r", "-w"]
        return self._said([*enter, *become, *words], within_s)

    def halt(self) -> None:
        """End the booted system, at once."""
        if self._booted is None:
            return
        if self._first:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._first, signal.SIGKILL)  # the first of a namespace takes all others with it
        self._booted.kill()
        self._booted.wait()
        self._booted, self._first = None, 0
        tidy = 'g=$(mktemp -d); mount -t cgroup2 cgroup2 "$g"; find "$g/$1" -depth -type d -exec rmdir {} +'
        subprocess.run(["unshare", "--mount", "sh", "-c", tidy, "sh", self._group], check=False, capture_output=True)

    def _said(self, words: list[str], within_s: float) -> Said:
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
        return subprocess.run(words, env=env, capture_output=True, text=True, timeout=within_s, check=False)


def _child(pid: int) -> int | None:
    """The only child of a process."""
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(children[0]) if children else None
    return None
