"""A real run that is watched: a plug pulled, the broker stopped, the spool filled; metrics, health and alerts say so.

Prometheus' own parser, lint and rules judge (promtool); the alerts of every stage are the ones named here and no other.
"""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import promql_parser
import pytest
import yaml
from guarded import Guarded
from people_known import password_of, staffed
from promtool import RULES, Page, fire, promtool
from waiting import until
from watched_house import ROLES, fetch, judged, scraped, written

from acquire.bus.client import connect
from acquire.cli.stores import backup, verify
from acquire.config import load
from acquire.errors import Refused
from acquire.people import prove
from acquire.service import Service, service
from acquire.spool.journal import Journal
from acquire.store.database import connect as open_store
from acquire.watching import server
from simulators import serve

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/watching.md"
READY = "dosimetry_service_ready"
READINGS = "dosimetry_instrument_readings_total"
LABELS = {
    "alertname", "certificate", "client", "configuration_sha256", "database", "dosimetry_instrument_state", "driver",
    "firmware", "host", "instrument", "le", "loop", "model", "outcome", "part", "serial", "site", "version", "what",
}  # fmt: skip


REFUSED = "dosimetry_store_refused_entries_total"


def is_in(page: Page, instrument: str, state: str) -> bool:
    return page.value("dosimetry_instrument_state", instrument=instrument, dosimetry_instrument_state=state) == 1


def filled(journal: Journal) -> None:
    journal.budget.limit = journal.budget.used(journal.db)


def emptied(journal: Journal) -> None:
    journal.budget.limit = 1 << 32


async def of_store(folder: Path) -> None:
    """What people do beside it: accounts, a password that is wrong, a backup, the record verified."""
    store = open_store(folder / "store.db")
    staffed(store)
    prove(store, "MP-1", password_of("MP-1"), "a test")
    with pytest.raises(Refused):
        prove(store, "MP-1", "no word of hers", "a test")
    store.close()
    url = f"sqlite:///{folder / 'store.db'}"
    await asyncio.to_thread(backup, folder / "backup.db", store=url)
    await asyncio.to_thread(verify, store=url)


async def story(running: Service, broker: Guarded, folder: Path) -> list[Page]:
    """The pages of the stages, one after the other."""
    assert running.watching is not None
    assert running.publisher is not None
    await until(lambda: running.watching is not None and running.watching.port)
    port = running.watching.port
    assert port is not None
    await of_store(folder)
    well = await scraped(port, lambda page: (
        page.value(READY) == 1
        and all((page.value(READINGS, instrument=each) or 0) > 3 for each in ("one", "two"))
        and all(is_in(page, each, "ready") for each in ("one", "two", "files"))
        and page.value("dosimetry_database_sound", database="store") is not None
        and (page.value("dosimetry_spool_confirmation_seconds_count") or 0) > 0
    ))  # fmt: skip
    assert (await judged(port, "live"), await judged(port, "ready")) == ((200, []), (200, []))

    running.simulators["b"].arm("garbage-before@1+")
    await scraped(port, lambda page: page.value("dosimetry_instrument_unread_answers_total", instrument="two"))
    running.simulators["b"].disarm()
    plug = running.simulators["a"]
    where = plug.resource.split("::")
    await plug.close()
    (folder / "drop" / "link.ASC").symlink_to("/etc/hostname")  # somebody else's file, which is not read
    async with connect(broker.endpoint("room-1"), "somebody") as somebody:
        await somebody.publish("dosimetry/v1/clinic/one/readings", b"no reading")
        await somebody.publish("dosimetry/v1/clinic/one/committed", b"no answer")
    unplugged = await scraped(port, lambda page: (
        is_in(page, "one", "fault")
        and page.value("dosimetry_instrument_unreadable_files", instrument="files") == 1
        and page.value("dosimetry_store_unreadable_messages_total") == 1
        and page.value("dosimetry_spool_unreadable_answers_total") == 1
        and page.value("dosimetry_spool_alarms_total", what="unreadable answer") is not None
        and (page.value(REFUSED) or 0) > (well.value(REFUSED) or 0)
        and is_in(page, "two", "ready")
    ))  # fmt: skip
    assert await judged(port, "ready") == (200, []), "its neighbours go on"
    assert unplugged.value("dosimetry_instrument_unread_answers_total", instrument="one") == 0

    running.simulators["a"] = await serve(plug.model, f"tcp:{where[1]}:{where[2]}", seed=1, speed=20)
    again = await scraped(
        port, lambda page: page.value("dosimetry_instrument_connections_total", instrument="one") == 2
    )
    await broker.kill()
    without_broker = await scraped(port, lambda page: (
        page.value("dosimetry_broker_connected", client="source") == 0
        and page.value("dosimetry_broker_connected", client="store") == 0
        and (page.value("dosimetry_spool_unconfirmed_entries", instrument="two") or 0) > 3
    ))  # fmt: skip
    assert (await judged(port, "live"), await judged(port, "ready")) == ((200, []), (503, ["broker"]))
    assert (without_broker.value(READINGS, instrument="two") or 0) > (again.value(READINGS, instrument="two") or 0)
    assert (without_broker.value("dosimetry_spool_oldest_unconfirmed_age_seconds", instrument="two") or 0) > 0
    assert without_broker.value("dosimetry_spool_oldest_unconfirmed_age_seconds", instrument="files") == 0

    await as_printed(port)

    await running.publisher.ask_spool(filled)
    full = await scraped(port, lambda page: (
        page.value("dosimetry_service_part_ready", part="spool") == 0
        and all(is_in(page, each, "not-acquiring") for each in ("one", "two"))
    ))  # fmt: skip
    assert await judged(port, "ready") == (503, ["broker", "spool"])

    await running.publisher.ask_spool(emptied)
    await broker.start()
    over = await scraped(port, lambda page: (
        page.value(READY) == 1
        and page.value("dosimetry_spool_unconfirmed_entries", instrument="two") == 0
        and all(is_in(page, each, "ready") for each in ("one", "two", "files"))
    ))  # fmt: skip
    lint = promtool(
        "check", "metrics", given=(await asyncio.to_thread(fetch, port, "/metrics", "text/plain"))[2].encode()
    )
    assert (lint.returncode, lint.stdout, lint.stderr) == (0, b"", b"")
    return [well, unplugged, without_broker, full, over]


async def as_printed(port: int) -> None:
    """The page's transcript: what is asked there gives the same words, and numbers of the same names."""
    printed = re.findall(r"\$ curl -s http://127\.0\.0\.1:9177(/\S+)(?: \| grep (\S+))?\n([^$`]*)", PAGE.read_text())
    assert len(printed) == 2
    for path, only, expected in printed:
        _, _, said = await asyncio.to_thread(fetch, port, path, "*/*")
        if only:
            lines = [line.split(" ")[0] for line in said.splitlines() if line.startswith(only)]
            assert lines == [line.split(" ")[0] for line in expected.splitlines()]
        else:
            assert said == expected


def names_in(expression: str) -> set[str]:
    """The metrics of an expression, by the parser of the promql-parser project."""
    found: set[str] = set()

    def walk(node: object) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.add(node.name)
        for part in ("expr", "lhs", "rhs", "vector_selector", "param"):
            if (inner := getattr(node, part, None)) is not None:
                walk(inner)
        for argument in getattr(node, "args", None) or ():
            walk(argument)

    walk(promql_parser.parse(re.sub(r"\$__rate_interval|\$__interval", "5m", expression)))
    assert found, expression
    return found


def expressions() -> list[str]:
    """Of the rules, and of the dashboard."""
    rules = [rule["expr"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    panels = json.loads((ROOT / "config/grafana-dashboard.json").read_text())["panels"]
    return [*rules, *(target["expr"] for panel in panels for target in panel.get("targets", ()))]


async def test_a_plug_pulled_the_broker_stopped_the_spool_filled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "KEPT_S", 0.0)
    broker = Guarded(tmp_path / "guarded", "certificates", ROLES)
    await broker.start()
    try:
        async with service(load(written(tmp_path, broker))) as running:
            pages = await story(running, broker, tmp_path)
            await running.simulators["a"].close()
    finally:
        await broker.kill()
    told = {sample.name for page in pages for family in page.families for sample in family.samples}
    named = {name for each in expressions() for name in names_in(each)} - {"up"}
    assert named - told == set(), "rules or dashboard ask for what is never told"

    shown = re.findall(r"(?m)^\| `([a-z_]+)` \|", PAGE.read_text())
    ours = {re.sub(r"_(bucket|sum|count)$", "", name) if "confirmation" in name else name for name in told}
    assert sorted(shown) == sorted(each for each in ours if each.startswith("dosimetry_"))

    labels = {key for page in pages for family in page.families for sample in family.samples for key in sample.labels}
    assert labels <= LABELS, "a label that may have no end of values, or an identity"
    uuid = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-|MRN|MP-1")
    assert not [each for page in pages for each in page.series if uuid.search(str(each))]

    well, unplugged, _, _, over = pages
    assert well.value("dosimetry_store_password_trials_total") == 2
    assert well.value("dosimetry_store_password_successes_total") == 1
    assert well.value("dosimetry_store_verify_problems") == 0
    days = {
        name: ((well.value("dosimetry_certificate_expiry_timestamp_seconds", certificate=name) or 0) - well.at) / 86400
        for name in ("broker", "broker-client", "broker-authority")
    }
    assert {name: round(left) for name, left in days.items()} == {
        "broker": 10,
        "broker-client": 10,
        "broker-authority": 30,
    }
    assert unplugged.value("dosimetry_store_alarms_total", what="unreadable message") == 1
    assert (over.value("dosimetry_spool_confirmation_seconds_sum") or 0) > 0.5, "the outage lay between"

    later = {"AcquireAlarm", "AcquireSpoolAlarm"}  # for an hour
    here = {*later, "AcquireFilesUnreadable"}  # after a quarter of one
    fire(
        pages,
        [
            (),
            {*later, "AcquireInstrumentFault", "AcquireUnreadableMessages", "AcquireNoAnswers"},
            {*here, "AcquireBrokerLost"},
            {*here, "AcquireBrokerLost", "AcquireInstrumentFault", "AcquireAcquisitionStands",
             "AcquireSpoolNearlyFull"},
            here,
        ],
        tmp_path,
    )  # fmt: skip
