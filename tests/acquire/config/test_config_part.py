"""A command reads the part of a configuration that it needs; whatever else is wrong in the file does not stop it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import acquire

from acquire.config_part import amiss, service_place, spool_place, store_place
from acquire.errors import FileProblem, Refused
from acquire.store.database import connect

CONFIG = """\
site = "clinic"
profiles = ["profiles"]
[broker]
mode = "external"
port = 1883
[broker.tls]
ca_file = "gone.pem"
[spool]
path = "spool.db"
[store]
url = "sqlite:///store.db"
[[instrument]]
id = "reader-1"
model = "our-reader"
resource = "tcp:192.0.2.1:5025"
"""


def written(folder: Path, old: str = "", new: str = "") -> Path:
    path = folder / "clinic.toml"
    assert old in CONFIG
    path.write_bytes(CONFIG.replace(old, new, 1).encode("latin-1") if old else CONFIG.encode())
    return path


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),  # the folder of profiles is gone
        ("our-reader", "no-such-model"),
        ('id = "reader-1"', 'id = "reader-1'),
        ('id = "reader-1"', 'id = "r\xe4ume"'),
        ("[[instrument]]", "[instrument]"),
        ('profiles = ["profiles"]', 'profiles = ["profiles",\n  "other'),
        ('profiles = ["profiles"]', "prolifes = 1"),
    ],
)
def test_what_is_wrong_elsewhere_stops_nobody_and_is_told(tmp_path: Path, old: str, new: str) -> None:
    path = written(tmp_path, old, new)
    place = service_place(path)
    assert (place.site, place.endpoint.port) == ("clinic", 1883)
    assert store_place(path).store == tmp_path / "store.db"
    assert spool_place(path).path == tmp_path / "spool.db"  # type: ignore[union-attr]
    assert amiss(path, profiles=True)


@pytest.mark.parametrize(
    ("read", "old", "new", "said"),
    [
        (service_place, "port = 1883", "port = 70000", "line 5, broker.port: 70000 is out of range"),
        (service_place, "port = 1883", "port = 0", "line 5, broker.port: an external broker has a port"),
        (service_place, 'site = "clinic"', "", "line 1, site: it is missing"),
        (service_place, 'site = "clinic"', 'site = "clinic', "not TOML: Illegal character"),
        (store_place, "sqlite:///store.db", "postgres://x", "line 11, store.url: "),
        (store_place, "[store]", "[store", "not TOML"),
        (
            spool_place,
            'path = "spool.db"',
            'path = "spool.db"\nlimit = 5',
            "line 10, spool.limit: 5 is out of",
        ),
        (store_place, "[[instrument]]", '[x]\na = """\n[store]\n', "not TOML"),
    ],
)
def test_what_is_wrong_in_the_part_that_is_needed_is_refused(
    tmp_path: Path, read: Callable[[Path], object], old: str, new: str, said: str
) -> None:
    with pytest.raises(FileProblem, match=r"clinic\.toml") as caught:
        read(written(tmp_path, old, new))
    assert said in str(caught.value)


def test_a_free_port_cannot_be_reached(tmp_path: Path) -> None:
    tls = '\n[broker.tls]\nca_file = "gone.pem"'
    path = written(tmp_path, 'mode = "external"\nport = 1883' + tls, 'mode = "mosquitto"\nport = 0')
    with pytest.raises(Refused, match="give it a fixed one"):
        service_place(path)


def test_a_profile_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    os.mkfifo(tmp_path / "profiles" / "reader.toml")
    (first, *_) = amiss(written(tmp_path), profiles=True)
    assert first == f"{tmp_path}/profiles/reader.toml is no plain file; only plain files are read."


@pytest.mark.parametrize(
    "words", [("store", "stats"), ("order", "list"), ("session", "list"), ("results", "--trend"), ("store", "verify")]
)
def test_the_store_is_read_and_one_line_tells_what_is_wrong(tmp_path: Path, words: tuple[str, ...]) -> None:
    connect(tmp_path / "store.db", create=True).close()
    path = written(tmp_path, 'id = "reader-1"', 'id = "reader-1"\nseting = 1')
    done = acquire(*words, "--config", str(path))
    assert done.returncode == 0, done.stderr
    (line,) = [each for each in done.stderr.splitlines() if each.startswith("Warning")]
    assert f"{path}, line 14, instrument.0.seting: there is no such key; did you mean 'settings'?" in line
    assert "goes on with what it read" in line
    written(tmp_path)
    assert "Warning" not in acquire(*words, "--config", str(path)).stderr  # profiles are not needed


@pytest.mark.parametrize("words", [("tail",), ("command", "reader-1", "--list")])
def test_the_service_is_asked_before_profiles_are_looked_at(tmp_path: Path, words: tuple[str, ...]) -> None:
    path = written(tmp_path, '[broker.tls]\nca_file = "gone.pem"\n')
    path.write_text(path.read_text().replace("1883", "1"))  # nobody listens there
    done = acquire(*words, "--config", str(path))
    asked, warned = done.stderr.splitlines()
    assert (done.returncode, asked.startswith("The broker cannot be had")) == (1, True)
    assert warned.startswith(f"Warning: {tmp_path}/profiles cannot be read: No such file or directory.")


@pytest.mark.parametrize("words", [("run",), ("check",)])
def test_the_service_itself_and_the_check_still_refuse(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = acquire(*words, str(written(tmp_path)))
    assert (done.returncode, done.stderr) == (2, f"{tmp_path}/profiles cannot be read: No such file or directory.\n")
