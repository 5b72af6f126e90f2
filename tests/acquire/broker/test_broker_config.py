"""`acquire broker config`: what it writes, what it refuses, what it keeps; and what `acquire check` warns of."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from command_line import Said, acquire

from acquire.broker.access import Role, checked, roles_of, rules
from acquire.broker.passwords import kept, line
from acquire.config import load
from acquire.errors import Refused

HOST = """
site = "{site}"
{host}
[broker]
mode = "external"
host = "broker.example"
port = 8883
{who}
[spool]
path = "spool.db"
[[instrument]]
id = "{instrument}"
model = "keithley-6517b"
resource = "tcp:192.0.2.1:5025"
"""


def configuration(folder: Path, name: str, **changed: str) -> str:
    """A host's file; returns its path."""
    keys = {"site": "clinic", "host": f'host = "{name}"', "who": f'username = "{name}"', "instrument": f"e-{name}"}
    path = folder / f"{name}.toml"
    path.write_text(HOST.format(**(keys | changed)))
    return str(path)


def command(folder: Path, *arguments: str) -> Said:
    return acquire(*arguments, cwd=folder)


def told(folder: Path, *arguments: str) -> Any:
    done = command(folder, "broker", "config", *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_roles_come_from_the_configurations_and_people_from_options(tmp_path: Path) -> None:
    one, other = configuration(tmp_path, "room-1"), configuration(tmp_path, "room-2")
    found = told(tmp_path, one, other, "--host", "bunker=e-7,e-8", "--operator", "MP-1", "--operator", "MD-1")
    assert [(r["name"], r["kind"], r["instruments"]) for r in found["roles"]] == [
        ("room-1", "host", ["e-room-1"]), ("room-2", "host", ["e-room-2"]), ("bunker", "host", ["e-7", "e-8"]),
        ("store", "store", []), ("MP-1", "operator", []), ("MD-1", "operator", []), ("viewer", "viewer", []),
    ]  # fmt: skip
    assert (found["site"], found["port"]) == ("clinic", 8883)
    assert "listener 8883\n" in (tmp_path / "broker" / "mosquitto.conf").read_text()  # on every interface


@pytest.mark.parametrize(
    ("one", "other", "code", "said"),
    [
        ({"who": ""}, {}, 1, "room-1.toml: [broker] has no username; give the one this host is to have"),
        ({"site": "elsewhere"}, {}, 2, "One broker configuration is for one site, and here are clinic, elsewhere."),
        ({"instrument": "e-room-2"}, {}, 1, "Instrument 'e-room-2' belongs to room-1 and to room-2; only one host may"),
        (
            {"host": ""},
            {"host": ""},
            1,
            "room-1 and room-2 would overwrite each other's state; give each configuration",
        ),
        ({"who": 'username = "viewer"'}, {}, 1, "'viewer' is used twice; every host, store, operator and viewer"),
        ({"who": 'username = "room 1"'}, {}, 1, "'room 1' cannot name a role; allowed are letters, digits"),
        ({"who": 'username = "a\\ntopic #"'}, {}, 1, "cannot name a role; allowed are letters, digits"),
        ({"instrument": "daemon"}, {}, 2, "'daemon' is a word of the topics; choose another name"),
    ],
)
def test_contradictions_are_sentences(
    tmp_path: Path, one: dict[str, str], other: dict[str, str], code: int, said: str
) -> None:
    files = configuration(tmp_path, "room-1", **one), configuration(tmp_path, "room-2", **other)
    done = command(tmp_path, "broker", "config", *files)
    assert done.returncode == code
    assert said in done.stderr
    assert not (tmp_path / "broker").exists()


@pytest.mark.parametrize("instruments", ["+", "e/1", "E1", "#", "clients", ""])
def test_a_host_given_by_hand_cannot_widen_its_rights_by_a_name(tmp_path: Path, instruments: str) -> None:
    done = command(tmp_path, "broker", "config", "--site", "clinic", "--host", f"room-1={instruments}")
    assert done.returncode in (1, 2)
    assert not (tmp_path / "broker").exists()


def test_one_machine_has_one_name_with_the_rights_of_both(tmp_path: Path) -> None:
    path = Path(configuration(tmp_path, "clinic-pc", host=""))
    path.write_text(path.read_text() + '[store]\nurl = "sqlite:///store.db"\n')
    roles = checked(roles_of(load(path)))
    assert [role.kind for role in roles] == ["host", "store"]
    granted = {(rule.access, rule.topic) for rule in rules("clinic", roles)["clinic-pc"]}
    assert ("write", "dosimetry/v1/clinic/e-clinic-pc/committed") in granted
    assert ("write", "dosimetry/v1/clinic/daemon/state") in granted


def test_what_a_host_tells_other_systems_is_for_its_own_instruments(tmp_path: Path) -> None:
    path = Path(configuration(tmp_path, "room-1"))
    path.write_text(path.read_text() + '[bus]\nhome_assistant = true\nsparkplug_group = "dosimetry"\n')
    also = {(rule.access, rule.topic) for rule in roles_of(load(path))[0].also}
    assert ("read", "dosimetry/v1/clinic/e-room-1/readings") in also
    assert ("write", "spBv1.0/dosimetry/DDATA/clinic-room-1/+") in also
    announced = "homeassistant/device/acquire_clinic_e-room-1/config"
    elsewhere = {rule for rule in also if rule[1].startswith("homeassistant/")}
    assert elsewhere == {("read", announced), ("write", announced)}
    assert not any("#" in topic for _, topic in also)


def test_a_second_run_keeps_passwords_and_drops_who_has_no_role_any_more(tmp_path: Path) -> None:
    rooms = ["--site", "clinic", "--host", "room-1=e1", "--identify", "passwords"]
    told(tmp_path, *rooms, "--host", "room-2=e2")
    file = tmp_path / "broker" / "passwords"
    before = dict(each.split(":", 1) for each in file.read_text().splitlines())
    secret = (tmp_path / "broker" / "secrets" / "room-1.password").read_text().strip()
    assert secret not in file.read_text()
    told(tmp_path, *rooms, "--host", "room-3=e3")
    after = dict(each.split(":", 1) for each in file.read_text().splitlines())
    assert set(before) - set(after) == {"room-2"}
    assert set(after) - set(before) == {"room-3"}
    assert after["room-1"] == before["room-1"]
    assert [oct(path.stat().st_mode & 0o777) for path in (file, file.parent / "secrets")] == ["0o600", "0o700"]


@pytest.mark.parametrize("name", ["mosquitto.conf", "acl"])
def test_a_file_of_somebody_else_is_left_as_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("# the administrator's\n")
    done = command(tmp_path, "broker", "config", "--site", "clinic", "--host", "room-1=e1", "-o", ".")
    assert done.returncode == 1
    assert f"{name} was not made by this command; it is left as it is." in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "# the administrator's\n"


def test_a_password_line_is_the_hash_that_mosquitto_computes() -> None:
    name, _, kind, iterations, salt, digest = line("viewer", "hunter2").replace(":", "$").split("$")
    assert (name, kind) == ("viewer", "7")
    raw = hashlib.pbkdf2_hmac("sha512", b"hunter2", base64.b64decode(salt), int(iterations))
    assert base64.b64decode(digest) == raw
    assert kept("a:1\nb:2\n# nothing\n", ["b", "c"]) == {"b": "b:2"}


def test_a_role_twice_is_refused_without_files_too() -> None:
    with pytest.raises(Refused, match="'a' is used twice"):
        checked([Role("a", "host", ("e1",)), Role("a", "host", ("e2",), "other")])


@pytest.mark.parametrize(
    ("who", "warned"),
    [
        ("", "The broker broker.example is reached without TLS: whoever is on the way can read and forge readings."),
        ('username = "a"\npassword_env = "P"', "The password crosses the network readably."),
        ('tls = { ca_file = "ca.crt" }', "Nothing tells the broker broker.example who we are"),
        ('tls = { ca_file = "ca.crt" }\nusername = "a"\npassword_file = "open"', "`chmod 600 "),
        ('tls = { ca_file = "ca.crt" }\nusername = "a"\npassword_file = "shut"', None),
    ],
)
def test_check_warns_and_does_not_refuse(tmp_path: Path, who: str, warned: str | None) -> None:
    for name, mode in (("open", 0o644), ("shut", 0o600)):
        (tmp_path / name).write_text("hunter2\n")
        (tmp_path / name).chmod(mode)
    path = configuration(tmp_path, "room-1", who=who)
    done = command(tmp_path, "check", path, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    warnings = json.loads(done.stdout)["warnings"]
    assert len(warnings) == (warned is not None)
    assert warned is None or warned in warnings[0]
    spoken = command(tmp_path, "check", path)
    assert spoken.stderr.count("Warning: ") == len(warnings)
    assert "hunter2" not in done.stdout + spoken.stdout + spoken.stderr


@pytest.mark.parametrize(("host", "warns"), [("127.0.0.1", False), ("localhost", False), ("0.0.0.0", True)])
def test_a_broker_of_our_own_that_others_can_reach_is_warned_of(tmp_path: Path, host: str, warns: bool) -> None:
    path = Path(configuration(tmp_path, "room-1", who=""))
    path.write_text(path.read_text().replace('"external"', '"embedded"').replace("broker.example", host))
    warnings = json.loads(command(tmp_path, "check", str(path), "--json").stdout)["warnings"]
    assert [each.startswith("The broker of our own listens on") for each in warnings] == [True] * warns


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('password_file = "p"', "a password goes with a username"),
        ('username = "a"\npassword_file = "p"\npassword_env = "P"', "there is a password_file too; keep one of them"),
        ('tls = { cert_file = "c" }', "cert_file and key_file go together"),
        ('tls = { key_passphrase_env = "P" }', "a passphrase goes with a key_file"),
        ("tls = { insecure = true }", "there is no such key"),
        (
            'tls = { key_file = "k", cert_file = "c", key_passphrase_env = "P", key_passphrase_file = "p" }',
            "keep one of",
        ),
    ],
)
def test_access_settings_that_do_not_go_together(tmp_path: Path, lines: str, said: str) -> None:
    done = command(tmp_path, "check", configuration(tmp_path, "room-1", who=lines))
    assert done.returncode == 2
    assert said in done.stderr
