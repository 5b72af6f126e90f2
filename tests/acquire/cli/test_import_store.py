"""`import --store`: a file goes the way of every reading into the store, or stays where it was."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path

import pytest
from brokers import running_mosquitto
from command_line import acquire, acquire_beside
from waiting import until

from acquire.config import load
from acquire.service import service
from acquire.store.database import connect
from acquire.store.entries import counts

sys.path.append(str(Path(__file__).parents[2] / "drivers/files"))

from reader_files import export

CONFIG = """
site = "clinic"
[broker]
mode = "external"
port = {port}
[spool]
path = "spool.db"
[store]
url = "sqlite:///store.db"
"""
READER = """
[[instrument]]
id = "{0}"
model = "winrems"
resource = "dir:{0}"
settings = {{ settle_s = 0, poll_interval_s = 0.05 }}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "tld-1").mkdir()
    (tmp_path / "service.toml").write_text(CONFIG.format(port=1) + READER.format("tld-1"))
    (tmp_path / "disc.ASC").write_bytes(export(3))
    return tmp_path


def refused(place: Path, *words: str) -> str:
    done = acquire("import", "disc.ASC", "--store", *words, cwd=place)
    assert done.returncode != 0
    assert sorted(each.name for each in (place / "tld-1").iterdir() if not each.name.startswith(".")) in (
        [],
        ["disc.ASC"],
    )
    return done.stderr


async def test_what_is_given_to_a_running_service_is_in_its_store(place: Path) -> None:
    async with running_mosquitto(place) as broker:
        (place / "service.toml").write_text(CONFIG.format(port=broker.port) + READER.format("tld-1"))
        async with service(load(place / "service.toml")):
            done = await acquire_beside(
                "import", "disc.ASC", "--store", "--config", "service.toml", "--json", cwd=place
            )
            assert done.returncode == 0, done.stderr
            with closing(connect(place / "store.db")) as store:
                await until(lambda: sum(counts(store).values()), what="the readings in the store")
    said = json.loads(done.stdout)
    assert said["given"] == [{"file": "disc.ASC", "instrument": "tld-1", "lies": "tld-1/disc.ASC"}]
    assert done.stderr == ""


def test_without_a_service_it_waits_in_the_folder_and_is_given_once(place: Path) -> None:
    done = acquire("import", "disc.ASC", "--store", "--config", "service.toml", cwd=place)
    assert done.returncode == 0, done.stderr
    assert "disc.ASC is given to tld-1, which stores it: tld-1/disc.ASC." in done.stdout
    assert "Nothing is known of tld-1 now: it takes the file when the service runs." in done.stderr
    assert (place / "tld-1/disc.ASC").read_bytes() == (place / "disc.ASC").read_bytes()
    assert "There is the same file already at tld-1/disc.ASC" in refused(place, "--config", "service.toml")
    (place / "disc.ASC").write_bytes(export(4))
    assert "There is another file of that name already" in refused(place, "--config", "service.toml")
    assert (place / "tld-1/disc.ASC").read_bytes() == export(3)


def test_what_cannot_be_stored_is_said_and_nothing_is_given(place: Path) -> None:
    assert "Say which service is to store them: --config" in refused(place)
    assert "--option is for looking" in refused(place, "--option", "element_from=record-name")
    (place / "empty.ASC").write_text("hello")
    assert "No readout was found in empty.ASC: nothing was stored." in refused(
        place, "empty.ASC", "--config", "service.toml"
    )
    two = (place / "service.toml").read_text() + READER.format("tld-2")
    (place / "service.toml").write_text(two)
    said = refused(place, "--config", "service.toml")
    assert "say which with --instrument; those are taken by tld-1, tld-2." in said
    assert "The folder tld-2 of tld-2 is not there" in refused(
        place, "--config", "service.toml", "--instrument", "tld-2"
    )
    assert "tld-9 does not take disc.ASC" in refused(place, "--config", "service.toml", "--instrument", "tld-9")
