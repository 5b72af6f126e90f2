"""A serial line that keeps to its rate: a simulator behind a pty, every byte on its way as long as it takes.

python -m benchmarks.paced_line MODEL BAUD prints the device and carries until its input is closed; then it prints when
which direction was busy: [[direction, begin, end, given], ...], seconds of the monotonic clock. A pty knows no rate
itself. A byte is given when this process gets to it, which on a busy machine is later than the end of its way.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import socket
import sys
import time
import tty
from collections import deque
from typing import Any

BITS = 10  # of a byte on the line: start, eight of data, stop
SIGNAL_A = 3e-11  # so that there is something to read


class Lane:
    """One direction: bytes that are on their way, one after the other."""

    def __init__(self, name: str, byte_s: float) -> None:
        self.name, self.byte_s = name, byte_s
        self.under_way: deque[tuple[float, int]] = deque()  # when it has arrived, and what
        self.free_at = 0.0
        self.busy: list[list[Any]] = []

    def put(self, data: bytes, now: float) -> None:
        for byte in data:
            begin = max(now, self.free_at)
            self.free_at = begin + self.byte_s
            self.under_way.append((self.free_at, byte))
            if self.busy and self.busy[-1][2] == begin:
                self.busy[-1][2] = self.free_at
            else:
                self.busy.append([self.name, begin, self.free_at, begin])

    def arrived(self, now: float) -> bytes:
        found = bytearray()
        while self.under_way and self.under_way[0][0] <= now:
            found.append(self.under_way.popleft()[1])
        return bytes(found)

    def given(self) -> None:
        """What has arrived was handed over, now."""
        self.busy[-1][3] = time.monotonic()


def carry(line: int, simulator: socket.socket, byte_s: float, stop: int) -> list[list[Any]]:
    """Between the pty and the simulator until something can be read from `stop`."""
    there, back = Lane("request", byte_s), Lane("reply", byte_s)
    while True:
        due = min((lane.under_way[0][0] for lane in (there, back) if lane.under_way), default=float("inf"))
        wait_s = None if due == float("inf") else max(0.0, due - time.monotonic())
        ready, _, _ = select.select([line, simulator, stop], [], [], wait_s)
        if stop in ready:
            return sorted(there.busy + back.busy, key=lambda each: each[1])
        now = time.monotonic()
        if line in ready:
            there.put(os.read(line, 4096), now)
        if simulator in ready:
            back.put(simulator.recv(4096), now)
        if data := there.arrived(time.monotonic()):
            simulator.sendall(data)
            there.given()
        if data := back.arrived(time.monotonic()):
            os.write(line, data)
            back.given()


async def main(model: str, baud: float) -> None:
    """Serve the model, and carry in a thread of its own."""
    from simulators import serve  # noqa: PLC0415 - in this process alone

    served = await serve(model, "tcp:127.0.0.1:0", seed=1)
    detector = getattr(served.instrument, "detector", None)
    if detector is not None:
        detector.leakage_a = SIGNAL_A
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    with socket.create_connection(("127.0.0.1", int(served.resource.split("::")[2]))) as simulator:
        simulator.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print(os.ttyname(theirs), flush=True)
        busy = await asyncio.to_thread(carry, ours, simulator, BITS / baud, sys.stdin.fileno())
    await served.close()
    print(json.dumps(busy), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
