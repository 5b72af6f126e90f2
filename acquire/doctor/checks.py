"""Every check of the doctor: what it looks at, how its facts are gathered and judged, and what it may find.

A new check is a line here, a judgement and a look; a test plants each cause of each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from acquire.config_instruments import FOLDER, SIMULATOR
from acquire.doctor.case import Case
from acquire.doctor.finding import Cause, Finding
from acquire.doctor.judging import broker, clock, disks, files, people, ports, service, states, stock
from acquire.doctor.looking import bus, certificates
from acquire.doctor.looking import clock as clock_look
from acquire.doctor.looking import disks as disks_look
from acquire.doctor.looking import files as files_look
from acquire.doctor.looking import people as people_look
from acquire.doctor.looking import ports as ports_look
from acquire.doctor.looking import service as service_look
from acquire.doctor.looking import stock as stock_look

WITHIN_S = 5.0
ASKED_WITHIN_S = 20.0  # three times of asking, each with a line that is drained before and a time-out


@dataclass(frozen=True, slots=True)
class Check:
    """what: for people, before its subject. of: its subjects in a configuration; a look takes one of them.

    causes: everything that it may find. within_s: after that it is itself a finding.
    """

    what: str
    of: Callable[[Case], Iterable[str]]
    look: Callable[[Case, str], Any]
    judge: Callable[[Any], Iterable[Finding]]
    causes: tuple[Cause, ...]
    within_s: float = WITHIN_S


def _file(case: Case) -> Iterator[str]:
    yield case.loaded.path.name


def _wired(case: Case) -> Iterator[str]:
    for each in case.loaded.config.instrument:
        if not each.resource.startswith((SIMULATOR, FOLDER)):
            yield each.id


def _instruments(case: Case) -> Iterator[str]:
    for each in case.loaded.config.instrument:
        yield each.id


def _asked(case: Case) -> Iterable[str]:
    return sorted(case.ask)


def _spool(case: Case) -> Iterator[str]:
    if case.loaded.spool is not None:
        yield "spool"


def _store(case: Case) -> Iterator[str]:
    if case.loaded.store is not None:
        yield "store"


def _serves(case: Case) -> Iterable[str]:
    """A file with neither spool nor store is a client's: there is no service of its own."""
    return _file(case) if disks_look.places(case) else ()


def _broker(case: Case) -> Iterator[str]:
    yield f"{case.loaded.config.broker.host}:{case.loaded.config.broker.port}"


def _of_bus(seen: tuple[broker.BrokerSeen, states.StatesSeen | None]) -> Iterator[Finding]:
    of_broker, of_states = seen
    yield from broker.of_broker(of_broker)
    if of_states is not None:
        yield from states.of_states(of_states)


def _each(judge: Callable[[Any], Iterable[Finding]]) -> Callable[[Iterable[Any]], Iterator[Finding]]:
    """Of a look that gives several facts."""
    return lambda seen: (found for one in seen for found in judge(one))


CHECKS: tuple[Check, ...] = (
    Check("the service of", _serves, service_look.look_at_service, service.of_service,
          ("service-down", "service-twice", "account")),
    Check("the listeners of", _serves, service_look.look_at_listeners, service.of_listeners,
          ("port-taken", "listener-missing")),
    Check("the port of", _wired, ports_look.look_at_port, ports.of_port,
          ("port-missing", "usb-identity", "port-forbidden", "port-held", "port-unlikely")),
    Check("what answers as", _asked, ports_look.ask_instrument, ports.of_answer,
          ("wrong-instrument", "no-answer", "not-asked"), ASKED_WITHIN_S),
    Check("the drop folder of", people_look.folders, people_look.look_at_folder, people.of_folder, ("drop-folder",)),
    Check("the last reading of", _instruments, files_look.look_at_silence, states.of_silence,
          ("instrument-silent", "reader-silent")),
    Check("the broker", _broker, bus.look_at_bus, _of_bus,
          ("broker-down", "broker-refuses", "certificate", "instrument-state", "other-configuration", "host-state",
           "store-state", "withheld", "clock-apart"), 8.0),
    Check("the certificate:", certificates.certificates, certificates.look_at_certificate, broker.of_certificate,
          ("certificate", "certificate-soon")),
    Check("the secret:", certificates.secrets, certificates.look_at_secret, broker.of_secret, ("secret",)),
    Check("the clock beside", _file, clock_look.look_at_clock, clock.of_clock,
          ("clock-unsynchronised", "clock-set-back", "clock-ahead")),
    Check("the clocks of machines in the", _store, clock_look.machines, _each(clock.of_machine), ("machine-clock",)),
    Check("the disk of the", disks_look.places, disks_look.look_at_disk, disks.of_disk,
          ("place", "disk-full", "disk-low", "inodes-low")),
    Check("the file of the", disks_look.places, files_look.look_at_file, files.of_file,
          ("file-version", "file-damaged", "alarm")),
    Check("what waits in the", _spool, files_look.look_at_backlog, files.of_backlog, ("backlog", "withheld")),
    Check("the backup of the", _store, files_look.look_at_backup, files.of_backup, ("backup-old",)),
    Check("calibrations in the", _store, stock_look.calibrations, _each(stock.of_calibration),
          ("calibration-over", "calibration-due")),
    Check("what detectors received, in the", _store, stock_look.doses, _each(stock.of_dose), ("detector-dose",)),
    Check("the mail server", people_look.mail_servers, people_look.look_at_mail, people.of_mail, ("mail",)),
    Check("what stands in", _file, people_look.arrangement, people.of_arrangement,
          ("simulator", "accounts", "caution")),
)  # fmt: skip
