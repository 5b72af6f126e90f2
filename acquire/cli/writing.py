"""Files that a person named on the command line: the one place where they are written.

Nothing is seen of a file before it is whole: it is written under a hidden name beside its own, made durable and
renamed. What is there already is left as it is, unless whoever asks says yes, or said --force. `-` is the output.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from acquire.errors import Refused
from acquire.files import sync
from acquire.terminal.output import agreed, told

STDOUT = Path("-")
NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)  # of file systems without hard links, as many shares are
Force = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]


@contextmanager
def new_file(path: Path, *, force: bool = False) -> Iterator[BinaryIO]:
    """A file to be written that only its owner may read; nothing is left of one that could not be finished.

    Raises Refused, one sentence, when there is one already and it is to stay, or none can be made.
    """
    if path == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    over = _may_be_written_over(path, force)
    if over and not path.is_file():  # /dev/null, a pipe: nothing is renamed to it
        with path.open("wb") as file:
            yield file
        return
    target = path.resolve() if over else path  # the file that a link names
    try:
        descriptor, part = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _give_name(Path(part), target, over=over)
    except FileExistsError as error:
        raise _is_there(path) from error
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        Path(part).unlink(missing_ok=True)


def wrote(output: Path, sentence: str, *, as_json: bool = False, **facts: object) -> None:
    """Say what was written, as `told`; nothing beside what went to the output itself."""
    if output != STDOUT:
        told(sentence, as_json=as_json, file=str(output), **facts)


def _may_be_written_over(path: Path, force: bool) -> bool:
    """False: there is nothing. Raises Refused where something is to stay."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False  # whether something can be made there is found by making it
    if stat.S_ISDIR(mode):
        raise Refused(f"{path} is a folder; name a file.")
    if stat.S_ISREG(mode) and not force and not agreed(f"There is a file {path} already. Write over it?"):
        raise _is_there(path)
    return True


def _is_there(path: Path) -> Refused:
    return Refused(f"There is a file {path} already; it is left as it is (--force writes over it).")


def _give_name(part: Path, path: Path, *, over: bool) -> None:
    """Raises FileExistsError for a name that something else took meanwhile, OSError."""
    if over:
        part.replace(path)
    else:
        try:
            path.hardlink_to(part)  # unlike a rename it never takes the place of another file
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # ours, and empty for a moment
            part.replace(path)
    sync(path.parent)
