"""Faults of the broker, of certificates, secrets and what is retained: a real Mosquitto and real certificates."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import run
from typing import Any

from brokers import Mosquitto, Started, free_port, running_mosquitto
from certificates import LONG_AGO, Authority, openssl
from installations import Installation, planted

from acquire.bus.client import connect
from acquire.bus.messages import State
from acquire.bus.names import Topics
from drivers.registry import models

Plants = AsyncIterator[None]
TOPICS = Topics("field")
EXTERNAL = 'mode = "external"\nhost = "127.0.0.1"\nport = {port}\n'


@planted("broker-down", "The broker cannot be had: 127.0.0.1:", "; start it, or correct [broker] host and port.")
async def nobody_there(it: Installation) -> Plants:
    async with running_mosquitto(it.folder) as broker:
        it.broker = EXTERNAL.format(port=broker.port)
        yield
    yield


@planted(
    "broker-refuses", "The broker does not let us in: 127.0.0.1:", "put the one that it knows into broker.password"
)
async def the_password_is_refused(it: Installation) -> Plants:
    known = it.folder / "known"
    _known(known, "right")
    broker = Mosquitto(it.folder, extra=f"password_file {known}\n")
    broker.conf.write_text(broker.conf.read_text().replace("allow_anonymous true", "allow_anonymous false"))
    await broker.start()
    secret = it.folder / "broker.password"
    secret.write_text("right\n")
    it.broker = EXTERNAL.format(port=broker.port) + 'username = "room-1"\npassword_file = "broker.password"\n'
    try:
        yield
        secret.write_text("wrong\n")
        yield
    finally:
        await broker.kill()


def _known(file: Path, password: str) -> None:
    run(["mosquitto_passwd", "-b", "-c", file, "room-1", password], check=True, capture_output=True)


@planted("secret", "broker.password, which is to hold a secret, ", ": put it there, readable for the service alone.")
async def the_password_is_not_there(it: Installation) -> Plants:
    it.broker = EXTERNAL.format(port=1) + 'username = "room-1"\npassword_file = "broker.password"\n'
    (it.folder / "broker.password").write_text("right\n")
    yield
    (it.folder / "broker.password").unlink()
    yield


class Secured:
    """An authority, and a broker of it that wants certificates."""

    def __init__(self, it: Installation) -> None:
        self.it = it
        self.authority = Authority(it.folder / "ca", days=200)
        self.client = self.authority.issue("room-1", validity=_days(100))
        self.shows = self.authority.issue("broker", hosts="DNS:localhost", validity=_days(100))
        it.broker = EXTERNAL.format(port=free_port()).replace("127.0.0.1", "localhost")
        it.broker += self.tls(self.authority.certificate, *self.client)

    def tls(self, ca: Path, certificate: Path, key: Path) -> str:
        return f'tls = {{ ca_file = "{ca}", cert_file = "{certificate}", key_file = "{key}" }}\n'

    @asynccontextmanager
    async def broker(self, certificate: Path, key: Path) -> AsyncIterator[None]:
        port = int(self.it.broker.partition("port = ")[2].split()[0])
        conf = self.it.folder / "secured.conf"
        conf.write_text(
            f"listener {port}\ncafile {self.authority.certificate}\ncertfile {certificate}\nkeyfile {key}\n"
            "require_certificate true\nuse_identity_as_username true\nuser root\nlog_type error\n"
        )
        started = Started(conf, port)
        await started.start()
        try:
            yield
        finally:
            await started.kill()


def _days(left: int) -> tuple[str, str]:
    """A validity that began a day ago and ends so many days from now."""
    now = datetime.now(UTC)
    return (now - timedelta(days=1)).strftime("%Y%m%d%H%M%SZ"), (now + timedelta(days=left)).strftime("%Y%m%d%H%M%SZ")


@planted(
    "certificate", "Our certificate for the broker (", ".crt) has expired on 2020-02-01: renew it (docs/security.md)."
)
async def ours_has_expired(it: Installation) -> Plants:
    secured = Secured(it)
    yield
    old = secured.authority.issue("old", validity=LONG_AGO)
    it.broker = it.broker.replace(str(secured.client[0]), str(old[0])).replace(str(secured.client[1]), str(old[1]))
    yield


@planted("certificate", "The authority of the broker (", "ca.crt) has expired on 2020-02-01: renew it")
async def the_authority_has_expired(it: Installation) -> Plants:
    secured = Secured(it)
    yield
    folder = secured.authority.folder
    openssl(folder, "req", "-new", "-key", "ca.key", "-subj", "/CN=test authority", "-out", "ca.csr")
    openssl(
        folder, "ca", "-batch", "-notext", "-selfsign", "-config", "ca.conf", "-keyfile", "ca.key", "-startdate",
        LONG_AGO[0], "-enddate", LONG_AGO[1], "-in", "ca.csr", "-out", "old.crt",
    )  # fmt: skip
    (folder / "old.crt").replace(folder / "ca.crt")
    yield


@planted("certificate", "The authority of the broker (", "cannot be used: there is no certificate in PEM form in it")
async def no_certificate_at_all(it: Installation) -> Plants:
    secured = Secured(it)
    yield
    secured.authority.certificate.write_text("Dear diary\n")
    yield


@planted("certificate", "valid from ", "only: set this computer's clock, or issue it anew.")
async def ours_is_not_valid_yet(it: Installation) -> Plants:
    secured = Secured(it)
    yield
    later = tuple((datetime.now(UTC) + timedelta(days=each)).strftime("%Y%m%d%H%M%SZ") for each in (2, 200))
    early = secured.authority.issue("early", validity=(later[0], later[1]))
    it.broker = it.broker.replace(str(secured.client[0]), str(early[0])).replace(str(secured.client[1]), str(early[1]))
    yield


@planted("certificate-soon", "Our certificate for the broker (", "in 9 days: renew it before (docs/security.md).")
async def ours_expires_soon(it: Installation) -> Plants:
    secured = Secured(it)
    yield
    soon = secured.authority.issue("soon")  # ten days
    it.broker = it.broker.replace(str(secured.client[0]), str(soon[0])).replace(str(secured.client[1]), str(soon[1]))
    yield


@planted("certificate-soon", "The broker's certificate (localhost:", "in 9 days: renew it before")
async def the_brokers_expires_soon(it: Installation) -> Plants:
    secured = Secured(it)
    async with secured.broker(*secured.shows):
        yield
    async with secured.broker(*secured.authority.issue("soon", hosts="DNS:localhost")):
        yield


@planted("certificate", "localhost:", "its certificate has expired; renew it on the broker's machine")
async def the_brokers_has_expired(it: Installation) -> Plants:
    secured = Secured(it)
    async with secured.broker(*secured.shows):
        yield
    async with secured.broker(*secured.authority.issue("old", hosts="DNS:localhost", validity=LONG_AGO)):
        yield


@planted(
    "certificate", "its certificate is not made out for 'localhost'; use the name that stands in it, or make a new one"
)
async def the_brokers_is_of_another_host(it: Installation) -> Plants:
    secured = Secured(it)
    async with secured.broker(*secured.shows):
        yield
    async with secured.broker(*secured.authority.issue("other", hosts="DNS:broker.clinic.example", validity=_days(90))):
        yield


# --- what is retained on it -------------------------------------------------------------------------------------------

READY: dict[str, Any] = {"state": "ready", "since": "2026-01-01T09:00:00.000000Z", "driver": "keithley-6517b"}


@asynccontextmanager
async def _retained(it: Installation) -> AsyncIterator[Any]:
    """A service holds the spool, and every state of it is retained as it should be; `say` changes one."""
    it.instrument("tcp:127.0.0.1:1")
    async with running_mosquitto(it.folder) as broker:
        it.broker = EXTERNAL.format(port=broker.port)

        async def say(topic: str, valid_s: float = 60, **said: Any) -> None:
            until = (datetime.now(UTC) + timedelta(seconds=valid_s)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            state = State.model_validate({**READY, "valid_until": until, **said})
            payload = state.model_dump_json(by_alias=True, exclude_none=True).encode()
            async with connect(broker.endpoint, "planted") as connection:
                await connection.publish(topic, payload, retain=True, expires_s=60)

        for topic in (TOPICS.state("electrometer-1"), TOPICS.daemon_state, TOPICS.store_state):
            await say(topic)
        with it.running():
            yield say


@planted(
    "instrument-state", "electrometer-1 is fault: Serial number 4711 is configured", "tried again by itself once that"
)
async def an_instrument_in_fault(it: Installation) -> Plants:
    async with _retained(it) as say:
        yield
        why = "Serial number 4711 is configured on tcp:127.0.0.1:1; 4096271 answers: connect the right unit, or correct"
        await say(TOPICS.state("electrometer-1"), state="fault", why=f"{why} expected_serial.")
        yield


@planted(
    "instrument-state", "Nothing is known of electrometer-2 on this broker; restart the service (`systemctl restart"
)
async def an_instrument_of_which_nothing_is_said(it: Installation) -> Plants:
    async with _retained(it):
        yield
        it.instrument("tcp:127.0.0.1:1", name="electrometer-2")
        yield


@planted(
    "instrument-state",
    "electrometer-1 has not been heard since what it said held",
    "UTC; restart the service (`systemctl",
)
async def a_service_that_says_nothing_any_more(it: Installation) -> Plants:
    async with _retained(it) as say:
        yield
        await say(TOPICS.state("electrometer-1"), valid_s=-30)
        yield


@planted("other-configuration", "has 'electrometer-1' as a keithley-6485, and the file says keithley-6517b: reload it")
async def a_service_that_has_not_read_its_file_again(it: Installation) -> Plants:
    assert {"keithley-6485", "keithley-6517b"} <= set(models())
    async with _retained(it) as say:
        yield
        await say(TOPICS.state("electrometer-1"), driver="keithley-6485")
        yield


@planted("host-state", "No reading is taken: the spool holds its budget of 4 MiB; free or mend the spool's disk")
async def a_host_that_takes_nothing(it: Installation) -> Plants:
    async with _retained(it) as say:
        yield
        await say(TOPICS.daemon_state, state="not-acquiring", why="the spool holds its budget of 4 MiB")
        yield


@planted("store-state", "The store confirms nothing: it was removed or replaced; mend its disk, or give it a backup")
async def a_store_that_confirms_nothing(it: Installation) -> Plants:
    async with _retained(it) as say:
        yield
        await say(TOPICS.store_state, state="fault", why="it was removed or replaced")
        yield


@planted(
    "withheld", "What a damaged or removed spool held lies beside the spool", "`acquire spool give-up FILE` is for"
)
async def a_damaged_spool_lies_beside(it: Installation) -> Plants:
    from acquire.spool.health import WAITING  # noqa: PLC0415

    async with _retained(it) as say:
        yield
        await say(TOPICS.daemon_state, why=WAITING.format(names="spool.damaged-1.db"))
        yield


@planted("clock-apart", "The clock of the host room-2 is ", " s ahead of this computer's: set the one that is wrong")
async def the_clock_of_another_host_is_ahead(it: Installation) -> Plants:
    async with _retained(it) as say:
        await say(TOPICS.host_state("room-2"))
        yield
        await say(TOPICS.host_state("room-2"), valid_s=660)
        yield


@planted("clock-apart", "The clock of the host room-2 is ", " s behind this computer's: set the one that is wrong")
async def the_clock_of_another_host_is_behind(it: Installation) -> Plants:
    async with _retained(it) as say:
        await say(TOPICS.host_state("room-2"))
        yield
        await say(TOPICS.host_state("room-2"), valid_s=-600)
        yield
