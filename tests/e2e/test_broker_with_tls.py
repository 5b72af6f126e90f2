"""What goes wrong between us and a broker with TLS: one sentence and exit code 1, or told once and got over."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from certificates import LONG_AGO, Authority
from guarded import Guarded, guarded
from processes import Process
from waiting import until

from acquire.bus.client import BusError, connect
from acquire.bus.endpoint import Endpoint
from acquire.bus.tls import Secret, Tls, Unusable

ACQUIRE = Path(sys.executable).with_name("acquire")


def tail(config: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """A command that needs the broker, and ends after one message."""
    command = [str(ACQUIRE), "tail", "--config", str(config), "--count", "1"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=env)


def configuration(
    path: Path, broker: Guarded, name: str, *, host: str = "127.0.0.1", tls: str = "", more: str = ""
) -> Path:
    folder = broker.authority.folder
    tls = tls or f'ca_file = "{folder}/ca.crt", cert_file = "{folder}/{name}.crt", key_file = "{folder}/{name}.key"'
    path.write_text(
        f'site = "clinic"\n[broker]\nmode = "external"\nhost = "{host}"\nport = {broker.port}\nusername = "{name}"\n'
        f"tls = {{ {tls} }}\n{more}"
    )
    return path


async def refused(config: Path) -> str:
    done = await asyncio.to_thread(tail, config)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("hosts", "validity", "host", "said"),
    [
        ("IP:127.0.0.1", LONG_AGO, "127.0.0.1", "its certificate has expired; renew it on the broker's machine"),
        ("IP:127.0.0.1", None, "localhost", "its certificate is not made out for 'localhost'; use the name"),
        ("DNS:localhost", None, "127.0.0.1", "its certificate is not made out for '127.0.0.1'; use the name"),
        ("IP:127.0.0.1", ("20900101000000Z", "20910101000000Z"), "127.0.0.1", "its certificate is not valid yet"),
    ],
)
async def test_a_certificate_of_the_broker_that_does_not_hold(
    tmp_path: Path, hosts: str, validity: tuple[str, str] | None, host: str, said: str
) -> None:
    broker = Guarded(tmp_path, "certificates")
    broker.certify(hosts, validity)
    await broker.start()
    try:
        sentence = await refused(configuration(tmp_path / "viewer.toml", broker, "viewer", host=host))
        assert f"{host}:{broker.port}: {said}" in sentence
    finally:
        await broker.kill()


async def test_an_authority_that_did_not_sign_the_brokers_certificate(tmp_path: Path) -> None:
    async with guarded(tmp_path) as broker:
        other = Authority(tmp_path / "other", "another authority")
        config = configuration(tmp_path / "x.toml", broker, "viewer", tls=f'ca_file = "{other.certificate}"')
        assert f"is not signed by an authority in {other.certificate}" in await refused(config)


async def test_an_authority_that_newer_pythons_refuse_is_refused_by_each(tmp_path: Path) -> None:
    broker = Guarded(tmp_path, "certificates", key_usage="")
    await broker.start()
    try:
        sentence = await refused(configuration(tmp_path / "viewer.toml", broker, "viewer"))
        assert "is not made as RFC 5280 asks (CA cert does not include key usage extension); make it again" in sentence
    finally:
        await broker.kill()


async def test_the_plain_port_of_a_broker_and_none_at_all(tmp_path: Path) -> None:
    async with guarded(tmp_path) as broker:
        server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            with pytest.raises(BusError, match=r"no TLS connection comes about .* is this its TLS port"):
                async with connect(Endpoint("127.0.0.1", port, tls=broker.tls("viewer")), "x"):
                    pass
    with pytest.raises(BusError, match="Connection refused"):
        async with connect(Endpoint("127.0.0.1", broker.port, tls=broker.tls("viewer")), "x"):
            pass
    with pytest.raises(BusError, match=r"the name no-such-host\.invalid is not known on this network"):
        async with connect(Endpoint("no-such-host.invalid", 8883), "x"):
            pass


async def test_a_wrong_password_and_a_missing_one_on_the_command_line(tmp_path: Path) -> None:
    async with guarded(tmp_path, "passwords") as broker:
        ca = f'ca_file = "{broker.authority.certificate}"'
        config = configuration(tmp_path / "x.toml", broker, "viewer", tls=ca)
        config.write_text(config.read_text().replace("username", 'password_file = "password"\nusername'))
        assert f"{tmp_path}/password, which is to hold a secret, cannot be read: No such file" in await refused(config)
        (tmp_path / "password").write_text("hunter2\n")
        sentence = await refused(config)
        assert "it refuses the user name or password" in sentence
        assert "hunter2" not in sentence


def test_a_password_in_the_file_itself_is_refused_and_not_repeated(tmp_path: Path) -> None:
    config = tmp_path / "x.toml"
    config.write_text('site = "clinic"\n[broker]\nmode = "external"\nusername = "a"\npassword = "hunter2"\n')
    done = tail(config)
    assert done.returncode == 2
    assert "line 5, broker.password: there is no such key" in done.stderr
    assert "password_file" in done.stderr
    assert "hunter2" not in done.stderr


def test_keys_that_cannot_be_used_are_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("room-1", passphrase="open-sesame")
    _, other_key = authority.issue("room-2")
    monkeypatch.setenv("GOOD", "open-sesame")
    monkeypatch.setenv("BAD", "hunter2")
    ca = authority.certificate
    Tls(ca, certificate, key, Secret(env="GOOD")).context()
    cases = [
        (Tls(ca, certificate, key), "is encrypted; name its passphrase with key_passphrase_file"),
        (Tls(ca, certificate, key, Secret(env="BAD")), "the passphrase is wrong"),
        (
            Tls(ca, certificate, key, Secret(env="NONE")),
            "the environment variable NONE, which is to hold a secret, is not",
        ),
        (Tls(ca, certificate, other_key), "the key is not that of the certificate"),
        (Tls(ca, tmp_path / "none.crt", key), "No such file"),
        (Tls(key, None, None), "cannot be used: "),
    ]
    for tls, said in cases:
        with pytest.raises(Unusable) as caught:
            tls.context()
        assert said in str(caught.value)
        assert "open-sesame" not in str(caught.value)
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("hosts", "validity", "said"),
    [
        ("IP:127.0.0.1", LONG_AGO, "its certificate has expired"),
        ("DNS:elsewhere", None, "its certificate is not made out for '127.0.0.1'"),
    ],
)
async def test_the_service_tells_of_a_certificate_that_does_not_hold_once_and_goes_on_when_it_is_renewed(
    tmp_path: Path, hosts: str, validity: tuple[str, str] | None, said: str
) -> None:
    broker = Guarded(tmp_path, "certificates")
    broker.certify(hosts, validity)
    await broker.start()
    config = configuration(tmp_path / "store.toml", broker, "store", more='[store]\nurl = "sqlite:///store.db"\n')
    service = Process(tmp_path, "store", "run", str(config))
    await service.start()
    try:
        await until(lambda: said in service.log(), 20, "the fault in the log")
        await asyncio.sleep(3)  # several attempts
        assert service.log().count("broker lost or absent") == 1
        broker.certify()
        broker.reload()
        await until(lambda: "broker there again" in service.log(), 20, "the connection")
        assert service.log().count("broker lost or absent") == 1
    finally:
        assert await service.stop() == 0
        await broker.kill()


async def test_the_service_takes_up_a_changed_password_without_a_restart(tmp_path: Path) -> None:
    async with guarded(tmp_path, "passwords") as broker:
        ca = f'ca_file = "{broker.authority.certificate}"'
        config = configuration(
            tmp_path / "s.toml", broker, "store", tls=ca, more='[store]\nurl = "sqlite:///store.db"\n'
        )
        config.write_text(config.read_text().replace("username", 'password_file = "password"\nusername'))
        (tmp_path / "password").write_text("hunter2\n")
        service = Process(tmp_path, "store", "run", str(config), "--verbose")
        await service.start()
        try:
            await until(lambda: "it refuses the user name or password" in service.log(), 20, "the fault in the log")
            right = (broker.broker / "secrets" / "store.password").read_text()
            (tmp_path / "password").write_text(right)
            await until(lambda: "broker there again" in service.log(), 20, "the connection")
        finally:
            assert await service.stop() == 0
        log = service.log()
        assert log.count("broker lost or absent") == 1
        assert "hunter2" not in log
        assert right.strip() not in log
