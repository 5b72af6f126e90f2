"""The metrics of one moment, by Prometheus' conventions: base units, `_total` of what only grows, few labels.

A label is an instrument, a part, a file or a kind: what a configuration or this program names. Never a session, an
order, a person, a measurement or a stream: there would be no end of them, and identities have no business here. What is
not known now (a thread is busy, there is no such part) has no sample, so that nothing is made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import get_args

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, StateSetMetricFamily

from acquire.bus.messages import State
from acquire.config import Loaded
from acquire.instruments.runner import Runner
from acquire.order_listener import OrderListener
from acquire.spool.publisher import Publisher
from acquire.store.worker import Worker
from acquire.watching.asked import FilesSaid, SpoolSaid, StoreSaid
from acquire.watching.health import Health
from acquire.watching.watched import Watched

Metrics = Iterator[Metric]
Labels = tuple[str, ...]
By = Mapping[Labels, float | None]  # samples by the values of their labels; None: not known now
STATES: Labels = get_args(State.model_fields["state"].annotation)
INSTRUMENT = ("instrument",)
ANSWERS = ("AA", "AE", "AR", "not kept")  # of the listener for orders: HL7 v2.5.1, table 0008; there from the start


@dataclass(frozen=True, slots=True)
class Moment:
    """What is told on one page. spool, store, files: None where their threads did not answer. now: UTC. began: of the
    service, in seconds since 1970.
    """

    running: Watched
    health: Health
    spool: SpoolSaid | None
    store: StoreSaid | None
    files: FilesSaid | None
    now: datetime
    began: float

    def collect(self) -> Metrics:
        """As a collector of prometheus_client does."""
        running = self.running
        yield from self._of_service()
        yield from _of_broker(running.publisher, running.worker)
        yield from _of_certificates(self.files, running.publisher, running.worker)
        if running.acquisition is not None:
            yield from _of_instruments(running.acquisition.runners)
        if running.publisher is not None:
            yield from _of_source(running.publisher, [each.id for each in running.loaded.config.instrument])
        if self.spool is not None:
            yield from _of_spool(self.spool, running.loaded, self.now)
        if running.worker is not None:
            yield from _of_worker(running.worker)
        if self.store is not None:
            yield from _of_store(self.store)
        if self.files is not None:
            yield from _of_files(self.files)
        if running.orders is not None:
            yield from _of_orders(running.orders)

    def _of_service(self) -> Metrics:
        running, heartbeat = self.running, self.running.heartbeat
        said = {
            "version": version("dosimetry-acquire"), "configuration_sha256": running.loaded.sha256,
            "site": running.loaded.config.site, "host": running.loaded.config.host or "",
        }  # fmt: skip
        yield InfoMetricFamily("dosimetry_service", "Version, SHA-256 of the configuration, site, host.", said)
        yield _one("dosimetry_service_start_time_seconds", "When the service began, since 1970.", self.began)
        says = "1 where the configuration as the file was read last is in force wholly, 0 where it is wrong or waits."
        yield _one("dosimetry_service_configuration_in_force", says, running.in_force)
        yield _one("dosimetry_service_live", "1 where every loop comes round, as /health/live says.", self.health.live)
        says = "1 where every part does its work, as /health/ready says."
        yield _one("dosimetry_service_ready", says, self.health.ready)
        parts: By = {(each.name,): each.why is None for each in self.health.parts}
        yield _gauge("dosimetry_service_part_ready", "1 where this part does its work.", ("part",), parts)
        ages: By = {(name,): heartbeat.age_s(name) for name in heartbeat.parts}
        yield _gauge("dosimetry_service_loop_age_seconds", "Time since this loop came round.", ("loop",), ages)
        answers: By = {
            ("spool",): None if running.publisher is None else self.spool is not None,
            ("store",): None if running.worker is None else self.store is not None,
        }
        says = "1 where the thread of this database answered in time; metrics from it are missing otherwise."
        yield _gauge("dosimetry_service_database_answers", says, ("database",), answers)


def _of_broker(source: Publisher | None, worker: Worker | None) -> Metrics:
    ends = {("source",): source, ("store",): worker}
    connected: By = {name: None if each is None else each.connected for name, each in ends.items()}
    yield _gauge("dosimetry_broker_connected", "1 while this end is connected to the broker.", ("client",), connected)
    made: By = {name: None if each is None else each.connections for name, each in ends.items()}
    yield _counter("dosimetry_broker_connections", "Connections made to the broker since start.", ("client",), made)


def _of_instruments(runners: Mapping[str, Runner]) -> Metrics:
    known = InfoMetricFamily(
        "dosimetry_instrument", "Who answered last.", labels=("instrument", "driver", "model", "serial", "firmware")
    )
    states = StateSetMetricFamily("dosimetry_instrument_state", "Its state as told on the bus.", labels=INSTRUMENT)
    for name, runner in runners.items():
        said = runner.state
        known.add_metric((name, said.driver or "", said.model or "", said.serial or "", said.firmware or ""), {})
        states.add_metric((name,), {state: state == said.state for state in STATES})
    yield known
    yield states
    opened: By = {(name,): each.opened for name, each in runners.items()}
    says = "Times it was opened and answered as who it is to be; all but the first are reconnects."
    yield _counter("dosimetry_instrument_connections", says, INSTRUMENT, opened)
    appended: By = {(name,): each.appended for name, each in runners.items()}
    yield _counter("dosimetry_instrument_readings", "Readings put into the spool since start.", INSTRUMENT, appended)
    unparsed: By = {(name,): each.unparsed for name, each in runners.items()}
    says = "Answers that were kept unread: bytes not understood, refusals, rejected records."
    yield _counter("dosimetry_instrument_unread_answers", says, INSTRUMENT, unparsed)
    files: By = {(name,): each.unreadable_files for name, each in runners.items()}
    says = "Files of its drop folder that cannot be read, and are tried again."
    yield _gauge("dosimetry_instrument_unreadable_files", says, INSTRUMENT, files)


def _of_source(source: Publisher, instruments: list[str]) -> Metrics:
    waiting: dict[Labels, float | None] = dict.fromkeys(((name,) for name in instruments), 0)
    for s in source.source.waiting():
        waiting[s.instrument,] = (waiting.get((s.instrument,)) or 0) + s.head - s.through
    says = "Distance of the watermark: entries in the spool that the store has not confirmed."
    yield _gauge("dosimetry_spool_unconfirmed_entries", says, INSTRUMENT, waiting)
    confirmed: dict[Labels, float | None] = dict.fromkeys(((name,) for name in instruments), 0)
    confirmed |= {(name,): count for name, count in source.source.confirmed.items()}
    says = "Entries that the store has confirmed since start; the same again after a restore of the store."
    yield _counter("dosimetry_spool_confirmed_entries", says, INSTRUMENT, confirmed)
    says = "Messages in the place of answers of the store that were none."
    yield _total("dosimetry_spool_unreadable_answers", says, source.unreadable)
    says = "Answers of another store than the one that this spool is paired with."
    yield _total("dosimetry_spool_foreign_answers", says, source.foreign)


def _of_spool(said: SpoolSaid, loaded: Loaded, now: datetime) -> Metrics:
    yield _one("dosimetry_spool_size_bytes", "What its file holds.", said.used)
    yield _one("dosimetry_spool_limit_bytes", "Its budget; at it, acquisition stops.", said.limit)
    ages: dict[Labels, float | None] = dict.fromkeys(((each.id,) for each in loaded.config.instrument), 0)
    ages |= {(name,): max(0.0, (now - made).total_seconds()) for name, made in said.oldest.items()}
    says = "Age of the oldest entry that the store has not confirmed, 0 where there is none, by the host's clock."
    yield _gauge("dosimetry_spool_oldest_unconfirmed_age_seconds", says, INSTRUMENT, ages)
    says = "Originals that did not get through, and that the store does not have."
    yield _one("dosimetry_spool_withheld_entries", says, said.withheld)
    yield _counter(
        "dosimetry_spool_alarms", "Alarms of this kind since its file was made.", ("what",), _by(said.alarms)
    )


def _of_worker(worker: Worker) -> Metrics:
    yield _total("dosimetry_store_messages", "Messages of spools taken since start.", worker.ingested)
    yield _total("dosimetry_store_committed_entries", "Entries that watermarks have passed since start.",
                 worker.committed)  # fmt: skip


def _of_store(said: StoreSaid) -> Metrics:
    says = "Entries kept as rejected, each with its reason, since the store was made; unread answers are among them."
    yield _total("dosimetry_store_refused_entries", says, said.refused)
    yield _one(
        "dosimetry_store_lost_entries", "Entries of which a source said that it no longer holds them.", said.lost
    )
    says = "Messages that were no entries of anybody, since the store was made."
    yield _total("dosimetry_store_unreadable_messages", says, said.unreadable)
    trials, right = said.passwords
    yield _total("dosimetry_store_password_trials", "Passwords of accounts tried since the store was made.", trials)
    says = "Those of them that were right; the others are failures, but for one that is being tried."
    yield _total("dosimetry_store_password_successes", says, right)
    yield _counter(
        "dosimetry_store_alarms", "Alarms of this kind since the store was made.", ("what",), _by(said.alarms)
    )
    says = "When its last backup was taken, since 1970."
    yield _one("dosimetry_store_backup_timestamp_seconds", says, _seconds(said.backed_up))


def _of_files(said: FilesSaid) -> Metrics:
    """What lies on the disks: room, and what came of the last checks."""
    of = ("database",)
    free: By = {(name,): room[0] for name, room in said.disks.items()}
    yield _gauge("dosimetry_disk_free_bytes", "Room on the disk of this database.", of, free)
    size: By = {(name,): room[1] for name, room in said.disks.items()}
    yield _gauge("dosimetry_disk_size_bytes", "Size of the disk of this database.", of, size)
    checked: By = {(name,): at.timestamp() for name, (at, _) in said.checks.items()}
    says = "When this file was last checked as a whole, since 1970: at the start and once a day."
    yield _gauge("dosimetry_database_check_timestamp_seconds", says, of, checked)
    sound: By = {(name,): found for name, (_, found) in said.checks.items()}
    yield _gauge("dosimetry_database_sound", "1 where that check found nothing wrong, 0 where damage.", of, sound)
    at, problems = said.verified or (None, None)
    says = "When `acquire store verify` was last run over all of the store, since 1970."
    yield _one("dosimetry_store_verify_timestamp_seconds", says, _seconds(at))
    yield _one("dosimetry_store_verify_problems", "How many things it found that do not hold.", problems)


def _of_certificates(said: FilesSaid | None, source: Publisher | None, worker: Worker | None) -> Metrics:
    until: dict[Labels, float | None] = {
        (what,): at.timestamp() for what, at in (said.certificates if said else {}).items()
    }
    until["broker",] = next((each.certificate_until for each in (source, worker) if each is not None), None)
    says = "When this certificate expires, since 1970; the broker's own as it was shown at the last connection."
    yield _gauge("dosimetry_certificate_expiry_timestamp_seconds", says, ("certificate",), until)


def _of_orders(orders: OrderListener) -> Metrics:
    says = "What came of messages and connections of the listener for orders since start."
    yield _counter("dosimetry_orders_outcomes", says, ("outcome",), _by(dict.fromkeys(ANSWERS, 0) | orders.counts))


def _gauge(name: str, says: str, labels: Labels, samples: By) -> Metric:
    made = GaugeMetricFamily(name, says, labels=labels)
    for values, value in samples.items():
        if value is not None:
            made.add_metric(values, value)
    return made


def _counter(name: str, says: str, labels: Labels, samples: By) -> Metric:
    made = CounterMetricFamily(name, says, labels=labels)
    for values, value in samples.items():
        if value is not None:
            made.add_metric(values, value)
    return made


def _one(name: str, says: str, value: float | None) -> Metric:
    return _gauge(name, says, (), {(): value})


def _total(name: str, says: str, value: float) -> Metric:
    return _counter(name, says, (), {(): value})


def _by(counts: Mapping[str, int]) -> By:
    return {(name,): count for name, count in counts.items()}


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()
