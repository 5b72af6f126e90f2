"""What others reach on the same broker: one reading a message, received by a subscriber, nothing made durable."""

from __future__ import annotations

import asyncio
import logging
import shutil
import subprocess
import time
from pathlib import Path

import aiomqtt
import msgspec

from benchmarks.sockets import NODELAY

IN_FLIGHT = 100  # the best window of aiomqtt on paho: a larger one is slower
TOPIC = "bench/readings"


def one_reading(n: int) -> dict[str, object]:
    """A reading as it stands in a message of the contract."""
    return {
        "kind": "scalar", "quantity": "charge", "unit": "C", "value": 1e-9 * n, "elapsed_s": 0.1 * n, "range": "2e-08",
        "raw": "+15.66964E-09NCOUL,+0000010.611268secs,+00115RDNG#", "time": "2026-01-01T00:00:00.000000Z",
        "monotonic_s": 5118.5,
    }  # fmt: skip


def aiomqtt_one_per_message(folder: Path, port: int, total: int) -> float:
    """A bare aiomqtt loop at each end, QoS 1, encode and decode included. Messages/s."""
    return asyncio.run(_aiomqtt(port, total))


async def _aiomqtt(port: int, total: int) -> float:
    quiet = logging.getLogger("benchmark-peer")
    quiet.setLevel(logging.ERROR)  # aiomqtt warns of a window that is used

    def client() -> aiomqtt.Client:
        return aiomqtt.Client("127.0.0.1", port, socket_options=NODELAY, max_inflight_messages=IN_FLIGHT, logger=quiet)

    async with client() as publisher, client() as subscriber:
        await subscriber.subscribe(TOPIC, qos=1)

        async def receive() -> None:
            left = total
            async for message in subscriber.messages:
                msgspec.json.decode(bytes(message.payload))
                left -= 1
                if not left:
                    return

        receiving = asyncio.create_task(receive())
        window = asyncio.Semaphore(IN_FLIGHT)

        async def publish(n: int) -> None:
            await publisher.publish(TOPIC, msgspec.json.encode(one_reading(n)), qos=1)
            window.release()

        begun = time.perf_counter()
        sending = set()
        for n in range(total):
            await window.acquire()
            task = asyncio.create_task(publish(n))
            sending.add(task)
            task.add_done_callback(sending.discard)
        await receiving
        return total / (time.perf_counter() - begun)


def c_clients(folder: Path, port: int, total: int) -> float:
    """mosquitto_pub -l into mosquitto_sub, QoS 1: the lines are ready made. Messages/s."""
    lines = folder / "lines"
    lines.write_bytes(b"\n".join(msgspec.json.encode(one_reading(n)) for n in range(total)) + b"\n")
    to = ["-h", "127.0.0.1", "-p", str(port), "-q", "1", "-t", TOPIC]
    listening = subprocess.Popen([_client("mosquitto_sub"), *to, "-C", str(total)], stdout=subprocess.DEVNULL)
    time.sleep(0.5)
    begun = time.perf_counter()
    with lines.open("rb") as source:
        subprocess.run([_client("mosquitto_pub"), *to, "-l"], stdin=source, check=True)
    listening.wait()
    return total / (time.perf_counter() - begun)


def _client(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is not installed; install the package mosquitto-clients.")
    return found
