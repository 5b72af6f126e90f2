"""An edge node of Sparkplug B beside the contract: births, deaths and data of this host's instruments, in its sequence.

Made from what the contract's own topics say, over a connection of its own: readings never wait for it, and what it
misses is not sent again. It shows present values to hosts that speak Sparkplug; the record is the contract's topics and
the store. Rules and names: Eclipse Sparkplug specification 3.0, chapters 4 to 6. `Session` is pure.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from acquire.bus.messages import ReadingEntry, State
from acquire.bus.noloss import Readings
from acquire.bus.sparkplug_payload import DataType, Metric, encode
from acquire.strict_numbers import moment

ROOT = "spBv1.0"
REBIRTH = "Node Control/Rebirth"
ALIVE = ("ready", "measuring")

Out = tuple[str, bytes]  # (topic, payload)


@dataclass(frozen=True, slots=True)
class Node:
    """The name of an edge node, and its topics."""

    group: str
    name: str

    @classmethod
    def of(cls, group: str, site: str, host: str | None) -> Node:
        """The node of a host: its site's name, with its own where the site has several."""
        return cls(group, f"{site}-{host}" if host else site)

    def topic(self, kind: str, device: str | None = None) -> str:
        """spBv1.0/GROUP/KIND/NODE[/DEVICE]."""
        return "/".join([ROOT, self.group, kind, self.name, *([device] if device else [])])


@dataclass(slots=True)
class _Device:
    alive: bool = False
    metrics: dict[str, Metric] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)  # stream: newest seq


class Session:
    """From NBIRTH to NDEATH: one MQTT connection. `bd_seq` ties the two together, `seq` counts 0 to 255 and again."""

    def __init__(self, node: Node, bd_seq: int, instruments: Iterable[str]) -> None:
        self._node = node
        self._bd_seq = bd_seq
        self._seq = 0
        self._devices = {each: _Device() for each in instruments}

    def death(self) -> Out:
        """NDEATH: the last will, and what is said before going orderly."""
        now = now_ms()
        return self._node.topic("NDEATH"), encode(now, None, [Metric("bdSeq", DataType.INT64, self._bd_seq, now)])

    def births(self) -> Iterator[Out]:
        """NBIRTH with seq 0, then a DBIRTH for each instrument that is there. Again when a host asks for it."""
        now = now_ms()
        metrics = [Metric("bdSeq", DataType.INT64, self._bd_seq, now), Metric(REBIRTH, DataType.BOOLEAN, False, now)]
        self._seq = 0
        yield self._node.topic("NBIRTH"), encode(now, 0, metrics)
        for instrument, device in self._devices.items():
            if device.alive:
                yield self._device("DBIRTH", instrument, device.metrics.values())

    def state(self, instrument: str, said: State) -> Iterator[Out]:
        """An instrument's state: DBIRTH when it is there, DDEATH when it is gone, DDATA when it changed in between.

        What is only repeated so that it does not lapse says nothing new (report by exception, specification 6.4.6).
        """
        device = self._devices[instrument]
        held = device.metrics.get("state")
        if held is not None and held.value == said.state and device.alive == (said.state in ALIVE):
            return
        metric = Metric("state", DataType.STRING, said.state, now_ms())
        device.metrics["state"] = metric
        was, device.alive = device.alive, said.state in ALIVE
        if device.alive:
            everything = device.metrics.values()
            yield self._device("DDATA" if was else "DBIRTH", instrument, [metric] if was else everything)
        elif was:
            yield self._device("DDEATH", instrument, [])

    def readings(self, instrument: str, batch: Readings) -> Iterator[Out]:
        """A batch: DDATA with all its values, after a DBIRTH where it brings a metric that was not born yet.

        What is sent again from a stream that has ended is the past, and a host would show it as present.
        """
        if batch.ended is not None:
            return
        device, stream = self._devices[instrument], batch.stream
        told = device.told.get(stream, 0)
        fresh = [(batch.first_seq + n, entry) for n, entry in enumerate(batch.readings) if batch.first_seq + n > told]
        if not fresh:
            return
        device.told = {stream: fresh[-1][0]}
        metrics = [m for _, entry in fresh if isinstance(entry, ReadingEntry) for m in _metrics(entry)]
        metrics += [
            Metric("stream", DataType.STRING, stream, now_ms()),
            Metric("seq", DataType.INT64, fresh[-1][0], now_ms()),
        ]
        unborn = {m.name: m for m in metrics if not _born(device.metrics.get(m.name), m)}
        for name, metric in unborn.items():
            device.metrics[name] = Metric(name, metric.datatype, None, metric.timestamp_ms, metric.unit)
        if device.alive and unborn:
            yield self._device("DBIRTH", instrument, device.metrics.values())
        device.metrics.update({metric.name: metric for metric in metrics})
        if device.alive:
            yield self._device("DDATA", instrument, metrics)

    def _device(self, kind: str, instrument: str, metrics: Iterable[Metric]) -> Out:
        self._seq = (self._seq + 1) % 256
        return self._node.topic(kind, instrument), encode(now_ms(), self._seq, list(metrics))


def _metrics(entry: ReadingEntry) -> Iterator[Metric]:
    """Value and flags of a scalar sample; null where the reading has no number."""
    if entry.kind != "scalar" or entry.role != "sample":
        return
    try:
        at = round(moment(entry.time).timestamp() * 1000)
    except ValueError:  # a time that is none: whose it is cannot be told, and the store refuses it
        return
    name = f"{entry.quantity}/{entry.channel}" if entry.channel else entry.quantity
    yield Metric(name, DataType.DOUBLE, entry.value, at, entry.unit)
    yield Metric(f"{name}/flags", DataType.STRING, " ".join(entry.flags), at)


def _born(known: Metric | None, metric: Metric) -> bool:
    return known is not None and known.unit == metric.unit


def now_ms() -> int:
    """The host clock in milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000
