"""Hosts of one site in network namespaces of their own: two that acquire, one with the store, one with the broker.

Run by `run_apart` below a process, network and mount namespace made for it (as root, or as anybody where the kernel has
user namespaces), so that nothing of it is left over and nothing outside can be reached. Each host is a namespace with
its own address on a bridge; its link can be cut (then nothing comes, not even an end) and slowed by the kernel.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

TESTS = Path(__file__).parents[1]
PLACES = f"{TESTS.parent}:{TESTS}:{TESTS / 'e2e'}"
BRIDGE = "br0"
HERE = "10.77.0.254"
HOSTS = {"host-a": "10.77.0.1", "host-b": "10.77.0.2", "store": "10.77.0.3", "broker": "10.77.0.4"}


async def run_apart(module: str, *arguments: str, within_s: float) -> tuple[int, str]:
    """Run a module of this folder in namespaces of its own; returns its exit code and what it printed."""
    unshare = shutil.which("unshare")
    assert unshare, "unshare is not installed; it comes with util-linux"
    rights = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    process = await asyncio.create_subprocess_exec(
        unshare, *rights, "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
        sys.executable, "-m", module, *arguments, env=os.environ | {"PYTHONPATH": PLACES},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        out, _ = await asyncio.wait_for(process.communicate(), within_s)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    return process.returncode or 0, out.decode(errors="replace")


async def _do(*words: str) -> None:
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    process = await asyncio.create_subprocess_exec(
        *words, env=os.environ | {"PATH": path}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, f"{' '.join(words)}: {out.decode()}"


async def make_hosts() -> None:
    """The bridge and all hosts, linked."""
    await _do("mount", "-t", "tmpfs", "tmpfs", "/run")
    Path("/run/netns").mkdir()
    for words in (
        f"link add {BRIDGE} type bridge", f"addr add {HERE}/24 dev {BRIDGE}", f"link set {BRIDGE} up", "link set lo up",
    ):  # fmt: skip
        await _do("ip", *words.split())
    for host, address in HOSTS.items():
        await _do("ip", "netns", "add", host)
        await _do(*f"ip link add {host} type veth peer name eth0 netns {host}".split())
        await _do(*f"ip link set {host} master {BRIDGE} up".split())
        for words in ("link set lo up", f"addr add {address}/24 dev eth0", "link set eth0 up"):
            await _do("ip", "-n", host, *words.split())


async def cut(host: str) -> None:
    """Unplug a host."""
    await _do("ip", "link", "set", host, "down")


async def mend(host: str) -> None:
    """Plug it in again."""
    await _do("ip", "link", "set", host, "up")


async def slow(host: str) -> str:
    """Make the way to and from a host slow: by netem where the kernel has it, else by a token bucket. Says which."""
    for kind, words in (
        ("netem", "netem delay 150ms 50ms rate 256kbit loss 2%"),
        ("tbf", "tbf rate 256kbit burst 4kb latency 400ms"),
    ):
        try:
            await _do("tc", "qdisc", "add", "dev", host, "root", *words.split())
            await _do("ip", "netns", "exec", host, "tc", "qdisc", "add", "dev", "eth0", "root", *words.split())
        except AssertionError:
            continue
        return kind
    raise AssertionError("the kernel has neither netem nor tbf")


async def fast(host: str) -> None:
    """Undo slow()."""
    await _do("tc", "qdisc", "del", "dev", host, "root")
    await _do("ip", "netns", "exec", host, "tc", "qdisc", "del", "dev", "eth0", "root")


def inside(host: str, clock: str | None = None) -> Sequence[str]:
    """Words before a command that is to run on a host, with its wall clock set apart ("+50s") where one is given."""
    words = ["nsenter", f"--net=/run/netns/{host}"]
    if clock is None:
        return words
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    assert library, "libfaketime is not installed; `make test` installs it"
    return [*words, "env", f"LD_PRELOAD={library}", f"FAKETIME={clock}", "FAKETIME_DONT_FAKE_MONOTONIC=1"]
