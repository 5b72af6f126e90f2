"""The configuration of one host, in TOML: which broker, spool and store, which instruments, which simulators.

A file without [store] makes an acquisition host, one without instruments a store's worker; both together make the
usual single machine; neither is an operator's or viewer's, who only speaks to the bus. Relative paths are relative to
the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, StringConstraints

from acquire.bus.endpoint import Endpoint
from acquire.bus.names import STORE, Name
from acquire.bus.tls import Secret, Tls
from acquire.canonical import digest
from acquire.config_instruments import SIMULATOR, check_instruments
from acquire.config_notices import NoticesConfig, check_notices
from acquire.config_oidc import OidcConfig, check_oidc
from acquire.errors import FileProblem, Refused
from acquire.plain_files import read_plain
from acquire.profiles import Named, offer_profiles
from acquire.spool.disk_budget import DEFAULT_LIMIT, MIB
from acquire.store.database import StoreError, path_of
from acquire.tomlfile import Where, Written, line_numbers, read, sentence

Text = Annotated[str, StringConstraints(min_length=1)]
Finding = tuple[Where, str]
SQLITE = "sqlite:///"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class TlsConfig(Written):
    """TLS to an external broker. Its certificate and host name are verified always."""

    ca_file: Path | None = Field(None, description="authorities to trust, PEM; without it those of the system")
    cert_file: Path | None = Field(None, description="our own certificate, where the broker asks for one")
    key_file: Path | None = None
    key_passphrase_file: Path | None = None
    key_passphrase_env: Text | None = None

    def resolved(self, folder: Path) -> Tls:
        """With paths relative to a folder."""
        ca, cert, key = (folder / each if each else None for each in (self.ca_file, self.cert_file, self.key_file))
        return Tls(ca, cert, key, _secret(folder, self.key_passphrase_file, self.key_passphrase_env))


class BrokerConfig(Written):
    """external: runs elsewhere; mosquitto: started by us; embedded: amqtt; auto: mosquitto or else embedded."""

    mode: Literal["external", "mosquitto", "embedded", "auto"]
    host: Text = "127.0.0.1"
    port: int = Field(1883, ge=0, le=65535, description="0 takes a free one (not with external)")
    protocol: Literal["5", "3.1.1"] = "5"
    username: Text | None = Field(None, description="who we are to the broker; with a certificate, its common name")
    password_file: Path | None = None
    password_env: Text | None = None
    tls: TlsConfig | None = None

    def endpoint(self, folder: Path) -> Endpoint:
        """The broker, with files relative to a folder, secrets still where they are kept; amqtt speaks 3.1.1 only."""
        tls = self.tls.resolved(folder) if self.tls else None
        password = _secret(folder, self.password_file, self.password_env)
        protocol = "3.1.1" if self.mode == "embedded" else self.protocol
        return Endpoint(self.host, self.port, protocol, self.username, password, tls)


def _secret(folder: Path, file: Path | None, env: str | None) -> Secret | None:
    return Secret(folder / file if file else None, env) if file or env else None


class SpoolConfig(Written):
    """Where readings are kept until the store has them, and as its journal after that (docs/noloss.md rule 3.7)."""

    path: Path
    retention_days: float = Field(14, ge=2, le=3650, description="how long what is confirmed is kept")
    limit: int = Field(DEFAULT_LIMIT, ge=4 * MIB, description="budget in bytes; at it, acquisition stops")


class StoreConfig(Written):
    """The session store."""

    url: Text
    anchor: Path | None = Field(
        None, description="a file on another disk or machine, to which the newest hashes of its chains are appended"
    )


class PatientsConfig(Written):
    """Where identities are kept, apart from the store (docs/orders.md); beside it unless this says otherwise."""

    path: Path | None = None
    key_file: Path | None = Field(None, description="the key they are encrypted with (`acquire patients key`)")


class PhysicianCode(Written):
    """A code that makes a requester a physician at this site."""

    system: Text
    code: Text


class SenderConfig(Written):
    """A program that may send orders: MSH-3 and MSH-4 of its messages, and with TLS its certificate's common name."""

    application: Text
    facility: str = ""
    certificate: Text | None = None


class OrdersTls(Written):
    """TLS of the listener for orders: our certificate, and the authority of those who may connect."""

    cert_file: Path
    key_file: Path
    ca_file: Path


class OrdersConfig(Written):
    """How orders are read, and where messages of HL7 v2 are listened for."""

    listen: Text | None = Field(None, description="HOST:PORT of the listener (MLLP); nothing is listened to without it")
    tls: OrdersTls | None = None
    sender: tuple[SenderConfig, ...] = ()
    time_zone: Text | None = Field(None, description="of moments without an offset, as America/New_York")
    physician_code: tuple[PhysicianCode, ...] = ()
    physician_titles: tuple[Text, ...] = ()


class BusConfig(Written):
    """What is told on the broker besides the contract (docs/bus.md, "For other systems"); nothing unless asked for."""

    home_assistant: bool | None = Field(None, description="true announces the instruments, false takes that back")
    sparkplug_group: Name | None = Field(None, description="be a Sparkplug B edge node of this group")


class WatchingConfig(Written):
    """Where metrics and health are told over HTTP (docs/watching.md); nothing listens without this table."""

    host: Text = Field("127.0.0.1", description="an address of this machine; another than that lets a network ask")
    port: int = Field(ge=0, le=65535, description="0 takes a free one, which the log names")


class InstrumentConfig(Written):
    """One instrument. `settings` are those of its driver (`acquire drivers` lists the models)."""

    id: Name
    model: Text
    resource: Text
    settings: Mapping[str, Any] = {}


class SimulatorConfig(Written):
    """One simulated instrument, to be named by an instrument's resource as "simulator:<id>"."""

    id: Name
    model: Text
    listen: Text
    seed: int = 0
    speed: float = Field(1.0, gt=0, le=1000)
    faults: tuple[str, ...] = ()
    control: str | None = Field(None, description="tcp:HOST:PORT of a back door, to give it a beam by hand")
    options: Mapping[str, Any] = {}


class NoticesPart(Written):
    """What a command must know of a file to know who is told what must reach people."""

    notices: NoticesConfig | None = None


class OidcPart(Written):
    """What a command must know of a file to ask a provider who somebody is."""

    oidc: OidcConfig | None = None


class ServicePart(Written):
    """What a command must know of a file to speak to the service that runs."""

    site: Name
    broker: BrokerConfig


class SpoolPart(Written):
    """What a command must know of a file to work on the spool."""

    spool: SpoolConfig | None = None


class StorePart(Written):
    """What a command must know of a file to work on the store."""

    store: StoreConfig | None = None


class OrdersPart(Written):
    """What a command must know of a file to read orders and to find whose they are."""

    orders: OrdersConfig = OrdersConfig()
    patients: PatientsConfig = PatientsConfig()


class ProfilesPart(Written):
    """What a command must know of a file to plan with the models that its profiles describe."""

    profiles: tuple[Path, ...] = Field((), description="files, or folders of files, that describe instruments")


class InstrumentsPart(Written):
    """What a command must know of a file to know whether anything real is measured."""

    instrument: tuple[InstrumentConfig, ...] = ()


class Config(InstrumentsPart, StorePart, SpoolPart, ProfilesPart, NoticesPart, OidcPart, OrdersPart, ServicePart):
    """One file."""

    host: Name | None = Field(None, description="name of this acquisition host, where the site has several")
    bus: BusConfig = BusConfig()
    watching: WatchingConfig | None = None
    simulator: tuple[SimulatorConfig, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that was found sound, with its paths resolved. sha256: of the file as it was read, in hex."""

    path: Path
    config: Config
    spool: Path | None
    store: Path | None
    anchor: Path | None
    profiles: tuple[Named, ...] = ()
    sha256: str = ""

    @property
    def simulated(self) -> bool:
        """Whether any instrument is a simulator."""
        return any(each.resource.startswith(SIMULATOR) for each in self.config.instrument)

    def beside(self, path: Path) -> Path:
        """A path of the file, relative to it."""
        return self.path.parent / path

    def endpoint(self) -> Endpoint:
        """The broker the file names."""
        return self.config.broker.endpoint(self.path.parent)


def load(path: Path) -> Loaded:
    """Read and check all of a configuration, as the service needs it; a command that needs a part of it reads that part
    (`acquire.config_part`). Raises FileProblem: one sentence for each error, with file, line and key.
    """
    try:
        body = read_plain(path)
    except Refused as error:
        raise FileProblem(str(error)) from error
    config = read(body, str(path), Config)
    profiles = tuple(offer_profiles(path.parent / each for each in config.profiles))
    lines = line_numbers(body.decode())
    problems = [sentence(str(path), lines, where, what) for where, what in _check(config, path.parent)]
    if problems:
        raise FileProblem(*problems)
    spool = path.parent / config.spool.path if config.spool else None
    return Loaded(path, config, spool, *store_of(config, path.parent), profiles, digest(body).hex())


def store_of(part: StorePart, folder: Path) -> tuple[Path | None, Path | None]:
    """The store's file and its anchor's, relative to a folder."""
    if part.store is None:
        return None, None
    return folder / path_of(part.store.url), folder / part.store.anchor if part.store.anchor else None


def check_part(part: Written) -> Iterator[Finding]:
    """What is wrong with broker and store beyond what their keys allow: (path of the key, sentence)."""
    if isinstance(part, ServicePart):
        if part.broker.mode == "external" and part.broker.port == 0:
            yield ("broker", "port"), "an external broker has a port of its own, 1 to 65535"
        yield from _check_access(part.broker)
    if isinstance(part, OrdersPart):
        yield from _check_orders(part.orders)
    if isinstance(part, StorePart) and part.store is not None:
        try:
            path_of(part.store.url)
        except StoreError as error:
            yield ("store", "url"), str(error).rstrip(".")
    if isinstance(part, NoticesPart) and part.notices is not None:
        yield from check_notices(part.notices)
    if isinstance(part, OidcPart) and part.oidc is not None:
        yield from check_oidc(part.oidc)


def _check(config: Config, folder: Path) -> Iterator[Finding]:
    """What one part must know of another, too."""
    yield from check_part(config)
    yield from _check_files(config, folder)
    if config.orders.listen is not None and config.store is None:
        yield ("orders", "listen"), "orders are kept in the store: listen on the host that has a [store]"
    if config.host == STORE:
        yield ("host",), f"'{STORE}' is where the store tells its state; give this host another name"
    if config.instrument and config.spool is None:
        yield ("instrument", 0), "instruments need a [spool] with a path, so that no reading is lost"
    if config.notices is not None and config.store is None:
        yield ("notices",), "notices come of the store; name them in the configuration of the store's host"
    yield from check_instruments(config.instrument, {each.id: each.model for each in config.simulator})


def host_and_port(listen: str) -> tuple[str, int]:
    """The two parts of HOST:PORT. Raises ValueError."""
    host, _, port = listen.rpartition(":")
    if not (host and port.isascii() and port.isdecimal() and int(port) <= 65535):
        raise ValueError(listen)
    return host.strip("[]"), int(port)


def _check_orders(orders: OrdersConfig) -> Iterator[Finding]:
    if orders.time_zone is not None:
        try:
            ZoneInfo(orders.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            yield ("orders", "time_zone"), f"'{orders.time_zone}' is no time zone; one is America/New_York"
    if orders.listen is None:
        return
    try:
        host, _ = host_and_port(orders.listen)
    except ValueError:
        yield ("orders", "listen"), "it is HOST:PORT, such as 127.0.0.1:2575"
        return
    if host not in LOOPBACK and (orders.tls is None or not orders.sender):
        yield (
            ("orders", "listen"),
            "from a network orders come over TLS and from named senders only: give tls and [[orders.sender]], or listen"
            " on 127.0.0.1",
        )
    for n, each in enumerate(orders.sender):
        if orders.tls is not None and each.certificate is None:
            yield ("orders", "sender", n), "with tls a sender is known by its certificate: give the common name"


def _check_access(broker: BrokerConfig) -> Iterator[Finding]:
    tls = broker.tls
    if broker.mode != "external" and (tls or broker.username or broker.password_file or broker.password_env):
        key = "tls" if tls else "username" if broker.username else "password_file"
        yield ("broker", key), "a broker of our own lets everybody on this machine in; this goes with mode 'external'"
    if broker.password_file and broker.password_env:
        yield ("broker", "password_env"), "there is a password_file too; keep one of them"
    if (broker.password_file or broker.password_env) and not broker.username:
        yield ("broker",), "a password goes with a username"
    if tls is None:
        return
    if (tls.cert_file is None) != (tls.key_file is None):
        yield ("broker", "tls"), "cert_file and key_file go together"
    if tls.key_passphrase_file and tls.key_passphrase_env:
        yield ("broker", "tls"), "there is a key_passphrase_file and a key_passphrase_env; keep one of them"
    if (tls.key_passphrase_file or tls.key_passphrase_env) and tls.key_file is None:
        yield ("broker", "tls"), "a passphrase goes with a key_file"


def _check_files(config: Config, folder: Path) -> Iterator[Finding]:
    """Spool, store and anchor are three files, whatever they are called."""
    if config.store is None or not config.store.url.startswith(SQLITE):
        return
    store, anchor = store_of(config, folder)
    if config.spool and store and _same(folder / config.spool.path, store):
        yield ("store", "url"), "this file is the spool's; spool and store must be two files, give each its own"
    for other in (folder / config.spool.path if config.spool else None, store):
        if anchor and other and _same(anchor, other):
            yield ("store", "anchor"), f"{other} is a database of the service; give the anchors a file of their own"


def _same(one: Path, other: Path) -> bool:
    """Links are followed, and a file that has two names is one."""
    try:
        return one.resolve() == other.resolve() or one.samefile(other)
    except (OSError, RuntimeError):
        return False
