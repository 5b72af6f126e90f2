"""Under which account a command works: that of the database it opens, so that the service can open it afterwards.

Spool and store are for their owner alone (`acquire.private`), and SQLite makes files beside them even for who only
reads. So root becomes their owner before anything is opened, for good, and every other account is told whose they are.
"""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from acquire.errors import Refused
from acquire.files import PARTS

ROOT = 0


@dataclass(slots=True)
class _Changed:
    """What root became, and for which file's sake."""

    account: str = ""
    path: Path = Path()


_changed = _Changed()


def work_as_owner_of(path: Path) -> None:
    """Work under the account that this database belongs to, or will where it is still to be made.

    Raises Refused: whose it is, or which file beside it belongs to somebody else, and how that is mended.
    """
    me = os.geteuid()
    owner = _owner_of(path, me)
    for each in (path.with_name(path.name + part) for part in PARTS):
        found = _seen(each)
        if found is not None and found.st_uid != owner:
            raise Refused(
                f"{each} belongs to the account {name_of(found.st_uid)} and what is around it to {name_of(owner)},"
                f" who cannot use it so; as root, `chown {name_of(owner)}: {each}` gives it back."
            )
    if me == owner:
        return
    if me != ROOT:
        raise Refused(
            f"{path} belongs to the account {name_of(owner)}, and this one is {name_of(me)}; ask as that account, with"
            f" `sudo -u {name_of(owner)}` in front, or as root."
        )
    _become(owner, path)


def whose() -> str | None:
    """A sentence on the account that this process changed to; None where it did not."""
    if not _changed.account:
        return None
    return f"This was done as the account {_changed.account}, which {_changed.path} belongs to."


def name_of(uid: int) -> str:
    """The account's name; its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _owner_of(path: Path, me: int) -> int:
    """Of the file; of its folder where there is none, or where root left one in somebody's folder."""
    file, folder = _seen(path), path.absolute().parent
    while (around := _seen(folder)) is None and folder != folder.parent:
        folder = folder.parent
    of_folder = ROOT if around is None else around.st_uid
    if file is not None:
        return file.st_uid or of_folder
    is_mine = me != ROOT and os.access(folder, os.W_OK | os.X_OK)
    return me if is_mine else of_folder


def _seen(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _become(uid: int, path: Path) -> None:
    """For good: nothing that follows can leave a file of root's."""
    try:
        entry = pwd.getpwuid(uid)
        groups, group, home = os.getgrouplist(entry.pw_name, entry.pw_gid), entry.pw_gid, entry.pw_dir
    except KeyError:
        found = _seen(path) or _seen(path.absolute().parent)
        groups, group, home = [], uid if found is None else found.st_gid, "/"
    try:
        os.setgroups(groups)
        os.setresgid(group, group, group)
        os.setresuid(uid, uid, uid)
    except OSError as error:
        raise Refused(
            f"{path} belongs to the account {name_of(uid)}, and root may not become it here ({error.strerror}); ask as"
            " that account."
        ) from error
    os.environ["HOME"] = home  # libraries keep files there
    _changed.account, _changed.path = name_of(uid), path
