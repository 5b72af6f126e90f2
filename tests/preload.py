"""C libraries that tests load into a process before its own: compiled once, gone with the tests."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path


@cache
def compiled(source: Path, *libraries: str) -> Path:
    """The library made of a C file; a machine without a compiler fails the test rather than skipping it."""
    compiler = shutil.which("cc")
    assert compiler, "there is no C compiler; `make test` installs one"
    folder = tempfile.mkdtemp(prefix=f"{source.stem}-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = Path(folder) / f"{source.stem}.so"
    flags = ["-shared", "-fPIC", "-O2", "-Wall", "-Werror"]
    command = [compiler, *flags, "-o", str(made), str(source), *(f"-l{each}" for each in libraries)]
    subprocess.run(command, check=True, timeout=60)
    return made
