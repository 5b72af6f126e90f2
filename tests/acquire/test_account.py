"""Root works as the owner of what it opens, and for good; whoever owns nothing of it is told who does.

The whole command line as several accounts is in tests/e2e/test_installation.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from acquire import account
from acquire.errors import Refused

OWNER = 4711
BECOME = """
import os, sys
from pathlib import Path
from acquire.account import whose, work_as_owner_of
path = Path(sys.argv[1])
work_as_owner_of(path)
path.touch()
try:
    os.seteuid(0)
except PermissionError:
    print(os.getgroups(), whose())
"""
of_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")


def become(path: Path) -> str:
    for folder in (path.parent, *(each for each in path.parents if "pytest-of" in str(each))):
        folder.chmod(folder.stat().st_mode | 0o011)
    done = subprocess.run([sys.executable, "-c", BECOME, path], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@of_root
def test_root_becomes_the_owner_of_the_folder_and_cannot_go_back(tmp_path: Path) -> None:
    place = tmp_path / "state"
    place.mkdir()
    os.chown(place, OWNER, OWNER)
    said = become(place / "store.db")
    assert said == f"[] This was done as the account {OWNER}, which {place / 'store.db'} belongs to."
    assert (place / "store.db").stat().st_uid == OWNER


@of_root
@pytest.mark.parametrize("part", ["", "-wal", "-shm"])
def test_what_root_left_in_somebody_s_folder_is_named_with_what_mends_it(tmp_path: Path, part: str) -> None:
    (tmp_path / "store.db").touch()
    os.chown(tmp_path, OWNER, OWNER)
    os.chown(tmp_path / "store.db", OWNER, OWNER)
    strange = tmp_path / f"store.db{part}"
    strange.touch()
    os.chown(strange, 0, 0)
    with pytest.raises(Refused, match=f"as root, `chown {OWNER}: {strange}` gives it back"):
        account.work_as_owner_of(tmp_path / "store.db")


def test_a_store_of_one_s_own_is_opened_as_it_always_was(tmp_path: Path) -> None:
    (tmp_path / "store.db").touch()
    account.work_as_owner_of(tmp_path / "store.db")
    account.work_as_owner_of(tmp_path / "new.db")
    assert account.whose() is None


def test_another_account_is_told_whose_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "store.db").touch()
    owner = account.name_of(os.getuid())
    monkeypatch.setattr(os, "geteuid", lambda: OWNER)
    with pytest.raises(Refused, match=f"belongs to the account {owner}, and this one is {OWNER}; ask as that account"):
        account.work_as_owner_of(tmp_path / "store.db")
