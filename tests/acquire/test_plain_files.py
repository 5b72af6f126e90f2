"""What the daemon opens by a name: plain files, up to a size, and never held up; a link where a person named it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from acquire.bus.tls import Secret, Tls, Unusable
from acquire.cli.place import file_bytes
from acquire.config import load
from acquire.errors import FileProblem, Refused
from acquire.instruments.ledger import Ledger
from acquire.plain_files import LARGEST_DOCUMENT, must_be_plain, name_of, own, read_plain
from acquire.spool.file import SpoolError, take_lock
from acquire.spool.rescue import salvage
from acquire.store.copies import restore
from acquire.store.database import StoreError

Make = Callable[[Path], object]


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


NO_FILES: list[tuple[Make, str]] = [
    (os.mkfifo, "is a pipe; only plain files are read."),
    (listening, "is a socket; only plain files are read."),
    (Path.mkdir, "is a folder; only plain files are read."),
    (lambda path: path.symlink_to("/dev/zero"), "is a device; only plain files are read."),
    (lambda path: path.symlink_to(path), "cannot be read: Too many levels of symbolic links."),
]


@pytest.mark.parametrize(("make", "said"), NO_FILES)
def test_what_is_no_plain_file_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Make, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "x")
    for read in (read_plain, must_be_plain, file_bytes):
        with pytest.raises(Refused) as caught:
            read(tmp_path / "x")
        assert str(caught.value) == f"{tmp_path / 'x'} {said}"


def test_a_link_that_a_person_names_is_followed(tmp_path: Path) -> None:
    (tmp_path / "order.json").write_bytes(b"{}")
    (tmp_path / "link").symlink_to("order.json")
    assert file_bytes(tmp_path / "link") == b"{}"
    must_be_plain(tmp_path / "link")
    must_be_plain(tmp_path / "not-there")


def test_a_document_has_a_largest_size(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b" " * 101)
    assert read_plain(tmp_path / "x", 101) == b" " * 101
    with pytest.raises(Refused, match=r"x has more than 0 MB, which no file of this kind has; it is not read\."):
        read_plain(tmp_path / "x", 100)
    with pytest.raises(Refused, match=r"cannot be read: No such file or directory\."):
        read_plain(tmp_path / "none")


def test_the_size_of_a_file_that_tells_none_is_bounded_too() -> None:
    with pytest.raises(Refused, match="more than"):
        read_plain(Path("/proc/self/smaps"), 100)


EVERY_READER = """
import resource, sys
from pathlib import Path
from acquire.cli.importing import import_files
from acquire.cli.place import file_bytes
from acquire.config import load
from acquire.bus.tls import Secret
from acquire.store.copies import restore
from drivers.files import read_whole
big = Path(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for read in (file_bytes, load, lambda p: Secret(p).read(), lambda p: read_whole(p, 64.0, follow=False),
             lambda p: import_files([p])):
    try:
        read(big)
    except Exception as error:
        print(error)
    else:
        raise SystemExit("it was read")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_two_gigabytes_are_refused_in_bounded_memory(tmp_path: Path) -> None:
    with (tmp_path / "big").open("wb") as file:
        file.truncate(2_000_000_000)  # sparse: it takes no room on the disk
    done = subprocess.run(
        [sys.executable, "-c", EVERY_READER, str(tmp_path / "big")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    *sentences, grown_mib = [each for each in done.stdout.splitlines() if each.strip()]
    assert int(grown_mib) < 100
    assert sum("more than 4 MB" in each or "larger than 64 MB" in each for each in sentences) >= 3
    assert LARGEST_DOCUMENT < 5_000_000


@pytest.mark.parametrize(("make", "said"), NO_FILES[:1])
def test_configuration_secrets_certificates_and_backups_are_plain_files(tmp_path: Path, make: Make, said: str) -> None:
    pipe = tmp_path / "pipe"
    make(pipe)
    with pytest.raises(FileProblem, match="is a pipe"):
        load(pipe)
    with pytest.raises(Unusable, match=r"pipe, which is to hold a secret, is a pipe; only plain files are read$"):
        Secret(pipe).read()
    for tls in (Tls(ca_file=pipe), Tls(cert_file=pipe, key_file=pipe)):
        with pytest.raises(Unusable, match="is a pipe"):
            tls.context()
    with pytest.raises(StoreError, match="is a pipe"):
        restore(tmp_path / "store.db", pipe, retention=None)
    with pytest.raises(SpoolError, match="is a pipe"):
        salvage(pipe)


def test_a_file_of_our_own_is_never_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b"theirs")
    (tmp_path / "ours").symlink_to("theirs")
    with pytest.raises(OSError, match="symbolic links"):
        own(tmp_path / "ours")
    with own(tmp_path / "new") as file:
        file.write(b"x")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match=r"No such device|plain file"):
        own(tmp_path / "pipe")
    assert (tmp_path / "theirs").read_bytes() == b"theirs"


def test_locks_and_the_ledger_are_files_of_our_own(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b"theirs")
    (tmp_path / "spool.db.lock").symlink_to("theirs")
    with pytest.raises((SpoolError, OSError)):
        take_lock(tmp_path / "spool.db")
    ledger = Ledger(tmp_path)
    ledger.note(name="zero")
    (file,) = tmp_path.glob("commands-*.jsonl")
    file.unlink()
    file.symlink_to("theirs")
    ledger.note(name="zero")  # told in the log; a measurement goes on
    assert (tmp_path / "theirs").read_bytes() == b"theirs"


def test_a_name_that_is_no_text_can_be_kept() -> None:
    assert name_of(Path(os.fsdecode(b"/x/plan-\xff.toml"))) == "plan-\\xff.toml"
