"""Every command that is told a store or a spool, as some account: run by the installed program's own Python, as root.

python3 walk_accounts.py ACCOUNT --store URL --spool PATH        a line of JSON for each command
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import pwd
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

import acquire
from acquire.cli.main import app, main

WAITS = ("run", "demo", "tail", "simulate")  # for ever, and open no file of ours but by `run`


def leaves(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command below a group, with the words that name it."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield words, command
        return
    for name, each in inner.items():
        yield from leaves(each, (*words, name))


def asked(command: Any, where: dict[str, str], file: str) -> list[str] | None:
    """Words for it, with whatever it demands; None where it is told neither store nor spool."""
    options = {each.name: each for each in command.params}
    key = next((name for name in ("store", "spool") if _is_option(options.get(name))), None)
    if key is None:
        return None
    words = [f"--{key}", where[key]]
    for each in command.params:
        if each.required:
            value = _value(each, file)
            words += [value] if each.param_type_name == "argument" else [each.opts[0], value]
    return words


def _is_option(parameter: Any) -> bool:
    return parameter is not None and parameter.param_type_name == "option"


def _value(parameter: Any, file: str) -> str:
    kind = parameter.type_descriptor.annotation
    if choices := getattr(kind, "__args__", ()):
        kind = choices[0]
    if isinstance(kind, str):
        return kind
    return {int: "1", float: "1", Path: file}.get(kind, "x=1")


def run_as(account: int, words: list[str], home: Path) -> dict[str, Any]:
    """The command in a process of its own, as an account."""
    out, err = home / "out", home / "err"
    child = os.fork()
    if child == 0:
        for number, path in ((1, out), (2, err)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.setgroups([])
        os.setresgid(account, account, account)
        os.setresuid(account, account, account)
        sys.argv = ["acquire", *words]
        try:
            main()
        except SystemExit as ended:
            os._exit(ended.code if isinstance(ended.code, int) else 0)
        except BaseException:
            sys.excepthook(*sys.exc_info())
        os._exit(99)
    _, status = os.waitpid(child, 0)
    said = {"out": out.read_text(errors="replace")[-300:], "err": err.read_text(errors="replace")[-3000:]}
    return {"words": words, "code": os.waitstatus_to_exitcode(status), **said}


def import_all() -> None:
    """Once, before the first of many forks."""
    for each in pkgutil.walk_packages(acquire.__path__, "acquire."):
        if not each.name.startswith(("acquire.demo", "acquire.fits.process")):
            importlib.import_module(each.name)
    gc.freeze()


def walk() -> None:
    """All of them."""
    import_all()
    account = pwd.getpwnam(sys.argv[1]).pw_uid
    where = dict(zip(("store", "spool"), (sys.argv[3], sys.argv[5]), strict=True))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(0o777)
        file = home / "file"
        file.write_text("nothing")
        os.chdir(home)
        for words, command in leaves(typer.main.get_command(app)):
            if words[0] not in WAITS and (more := asked(command, where, str(file))) is not None:
                print(json.dumps(run_as(account, [*words, *more], home)), flush=True)


walk()
