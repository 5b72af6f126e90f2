"""Faults of a link, by name: what goes wrong between an instrument and whoever listens to it.

A fault is written `NAME[=ARG][@WHEN]`. WHEN is a number N (only the N-th time it could happen), `N+` (from then
on) or `pX`
(each time with probability X). Without it each fault has a WHEN of its own, given in `FAULTS`; `@seeded` there
means once, at
an occasion from 2 to 6 that the seed picks. Times in ARG are wall seconds. Everything drawn is drawn from the seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FaultInfo:
    """What a fault does, what its ARG means and what it is when left out, and when it strikes."""

    title: str
    arg: str = ""
    default: str = ""
    when: str = "1+"


FAULTS: dict[str, FaultInfo] = {
    "late-reply": FaultInfo("the reply comes after the timeout", "seconds late", "1.5", "seeded"),
    "split": FaultInfo("the reply arrives cut; without ARG at every byte", "cut after this many bytes", ""),
    "glued": FaultInfo("a reply is held back and sent in one piece with the next", "seconds it waits at most", "0.3"),
    "half-then-silence": FaultInfo("half of a reply, then nothing", "bytes that still come", "", "seeded"),
    "garbage-before": FaultInfo("noise before the reply", "number of bytes", "5", "p0.2"),
    "bit-flip": FaultInfo("one bit of the reply is changed", "", "", "p0.2"),
    "duplicate": FaultInfo("the reply comes twice", "", "", "p0.2"),
    "echo": FaultInfo("the device echoes every byte it gets"),
    "wrong-terminator": FaultInfo("the reply ends differently", "cr, lf, crlf or none", "cr"),
    "unsolicited": FaultInfo("a line nobody asked for comes before the reply", "", "", "p0.2"),
    "reboot": FaultInfo("the device restarts instead of answering", "seconds it is dead", "0.2", "seeded"),
    "other-device": FaultInfo("another model answers identification"),
    "other-serial": FaultInfo("same model, another serial number answers"),
    "vanish-write": FaultInfo("the port disappears when a request comes", "seconds away", "0.5", "seeded"),
    "vanish-read": FaultInfo("the port disappears in the middle of a reply", "seconds away", "0.5", "seeded"),
    "vanish-open": FaultInfo("the port disappears when it is opened", "seconds away", "0.5", "1"),
    "vanish-identify": FaultInfo("the port disappears when asked who it is", "seconds away", "0.5", "1"),
    "hang": FaultInfo("from some reply on nothing comes; the port stays open", "seconds it lasts", "3600", "seeded"),
    "busy-reply": FaultInfo("the device says: not now", "", "", "p0.2"),
    "front-panel": FaultInfo("somebody changes a setting by hand", "which knob", "", "seeded"),
    "sentinel": FaultInfo("a measured value is a special one", "number of the form; any without", "", "p0.2"),
    "slow": FaultInfo("every reply is late by a little", "seconds", "0.2"),
    "busy-port": FaultInfo("another process holds the port", "seconds", "3600", "1"),
}
TERMINATORS = {"cr": b"\r", "lf": b"\n", "crlf": b"\r\n", "none": b""}
NUMBERS = frozenset(
    [
        "late-reply",
        "split",
        "glued",
        "half-then-silence",
        "garbage-before",
        "reboot",
        "hang",
        "slow",
        "busy-port",
        "vanish-write",
        "vanish-read",
        "vanish-open",
        "vanish-identify",
    ]
)


@dataclass
class Fault:
    """One armed fault: it counts its occasions and says when to strike."""

    name: str
    arg: str
    when: str
    rng: random.Random
    seen: int = 0
    struck: int = 0
    _once: int = field(default=0)

    def __post_init__(self) -> None:
        self._once = self.rng.randint(2, 6) if self.when == "seeded" else 0

    def strikes(self) -> bool:
        """Count one occasion; True when the fault happens at it."""
        self.seen += 1
        hit = self._hit()
        self.struck += hit
        return hit

    @property
    def seconds(self) -> float:
        """ARG as a number of seconds."""
        return float(self.arg)

    def _hit(self) -> bool:
        if self._once:
            return self.seen == self._once
        if self.when.startswith("p"):
            return self.rng.random() < float(self.when[1:])
        if self.when.endswith("+"):
            return self.seen >= int(self.when[:-1])
        return self.seen == int(self.when)


def parse_fault(text: str, seed: int) -> Fault:
    """The fault written as `NAME[=ARG][@WHEN]`; raises ValueError in one plain sentence."""
    body, _, when = text.partition("@")
    name, _, arg = body.partition("=")
    info = FAULTS.get(name)
    if info is None:
        raise ValueError(f"There is no fault {name!r}; the faults are {', '.join(FAULTS)}.")
    arg, when = arg or info.default, when or info.when
    _check_arg(name, arg)
    _check_when(text, when)
    return Fault(name, arg, when, random.Random(f"{seed}:{text}"))


def parse_faults(texts: Iterable[str], seed: int) -> list[Fault]:
    """All faults in the order given. Raises ValueError."""
    return [parse_fault(text, seed) for text in texts]


def flip_one_bit(data: bytes, rng: random.Random) -> bytes:
    """`data` with one bit changed, the terminator left alone."""
    body = len(data.rstrip(b"\r\n"))
    if not body:
        return data
    place = rng.randrange(body * 8)
    changed = bytearray(data)
    changed[place // 8] ^= 1 << (place % 8)
    return bytes(changed)


def noise(count: int, rng: random.Random) -> bytes:
    """`count` bytes of line noise, no terminator among them."""
    return bytes(rng.choice(range(128, 256)) for _ in range(count))


def with_terminator(data: bytes, name: str) -> bytes:
    """`data` ending as `name` says."""
    return data.rstrip(b"\r\n") + TERMINATORS[name]


def _check_arg(name: str, arg: str) -> None:
    if name in NUMBERS and arg:
        try:
            valid = float(arg) >= 0
        except ValueError:
            valid = False
        if not valid:
            raise ValueError(f"The fault {name} takes a number ({FAULTS[name].arg}), not {arg!r}.")
    if name == "wrong-terminator" and arg not in TERMINATORS:
        raise ValueError(f"The fault wrong-terminator takes {', '.join(TERMINATORS)}, not {arg!r}.")


def _check_when(text: str, when: str) -> None:
    plain = when.removesuffix("+")
    share = when.removeprefix("p")
    is_share = when.startswith("p") and share.replace(".", "", 1).isdigit() and float(share) <= 1
    if when != "seeded" and not is_share and not (plain.isdigit() and int(plain) >= 1):
        raise ValueError(f"{text!r} says {when!r} after @; give a number N, N+ or pX with X from 0 to 1.")
