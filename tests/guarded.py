"""A Mosquitto under the configuration that `acquire broker config` writes, for one site with two hosts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from brokers import Started, free_port
from certificates import AUTHORITY, Authority

from acquire.broker.access import Role, checked
from acquire.broker.generated import Identify, write
from acquire.bus.endpoint import Endpoint
from acquire.bus.tls import Secret, Tls

ROLES = [
    Role("room-1", "host", ("electrometer-1",), "room-1"),
    Role("room-2", "host", ("electrometer-2",), "room-2"),
    Role("store", "store"),
    Role("operator", "operator"),
    Role("viewer", "viewer"),
]
NAMES = [role.name for role in ROLES]


class Guarded(Started):
    """The broker, its authority, and an endpoint for each role."""

    def __init__(
        self, folder: Path, identify: Identify, roles: list[Role] = ROLES, *, key_usage: str = AUTHORITY
    ) -> None:
        self.folder = folder
        self.broker = folder / "broker"
        super().__init__(self.broker / "mosquitto.conf", free_port())
        self.identify = identify
        self.authority = Authority(folder / "authority", key_usage=key_usage)
        self.written = write(self.broker, "clinic", checked(roles), self.port, "127.0.0.1", identify)
        if not self.conf.read_text().endswith("user root\n"):
            self.conf.write_text(self.conf.read_text() + "user root\n")  # tests may run as root, files are root's then
        (self.broker / "ca.crt").write_bytes(self.authority.certificate.read_bytes())
        self.certify()
        for name in dict.fromkeys(role.name for role in roles):
            self.authority.issue(name)

    def certify(self, hosts: str = "DNS:localhost,IP:127.0.0.1", validity: tuple[str, str] | None = None) -> None:
        """Give the broker a certificate."""
        self.authority.issue("broker", into=self.broker, hosts=hosts, validity=validity)

    def tls(self, name: str | None) -> Tls:
        """How a client connects: with the certificate of a name, or with none."""
        ca, folder = self.authority.certificate, self.authority.folder
        return Tls(ca, folder / f"{name}.crt", folder / f"{name}.key") if name else Tls(ca)

    def endpoint(self, name: str, protocol: Literal["5", "3.1.1"] = "5", host: str = "127.0.0.1") -> Endpoint:
        """The broker as this role sees it."""
        if self.identify == "certificates":
            return Endpoint(host, self.port, protocol, name, None, self.tls(name))
        secret = Secret(self.broker / "secrets" / f"{name}.password")
        return Endpoint(host, self.port, protocol, name, secret, self.tls(None))


@asynccontextmanager
async def guarded(
    folder: Path, identify: Identify = "certificates", roles: list[Role] = ROLES
) -> AsyncIterator[Guarded]:
    """A guarded broker for the length of a test."""
    broker = Guarded(folder, identify, roles)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.kill()
