"""bus contract: the published contract as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acquire.cli.writing import Force, new_file
from acquire.terminal.output import Json, emit, tell

app = typer.Typer(no_args_is_help=True, help="The bus and its published contract.")


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    parent.add_typer(app, name="bus")


@app.callback()
def bus() -> None:
    """The bus and its published contract."""


@app.command()
def contract(
    folder: Annotated[Path, typer.Argument(help="Where to write them.", metavar="DIR")],
    force: Force = False, as_json: Json = False,
) -> None:  # fmt: skip
    """Write the contract: a JSON Schema for every message, and the AsyncAPI 3 description."""
    from acquire.bus.contract import files  # noqa: PLC0415 - takes a moment

    written = []
    for name, text in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with new_file(path, force=force) as file:
            file.write(text.encode())
        written.append(str(path))
    if as_json:
        emit({"files": written})
        return
    for each in written:
        tell(each)
