"""`acquire demo`: runs the scene with a progress display, counts what went through, prints the result."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict

from acquire.config import load
from acquire.demo import scene
from acquire.demo.counts import counts
from acquire.demo.files import prepare
from acquire.demo.play import Played, Tell, play
from acquire.record import results_of
from acquire.service import Service, service
from acquire.terminal.output import emit, say
from acquire.terminal.results import print_results

STEPS = 18  # lines that play() tells, for the progress bar


class Shown(TypedDict):
    """The contract's JSON document of the demonstration."""

    instruments: list[dict[str, Any]]
    results: list[dict[str, Any]]
    missing: list[str]
    record: dict[str, str]
    session: str
    broker: str


async def run(folder: Path, *, serve: bool, as_json: bool, broker: str = "auto") -> None:
    """Run the demonstration in a new folder below `folder`; with `serve` keep everything running until interrupted."""
    run_folder = folder / datetime.now().strftime("%Y-%m-%dT%H-%M-%S")
    config = await asyncio.to_thread(prepare, run_folder, broker)
    async with service(load(config)) as running:
        with progress() as tell:
            played = await play(running, run_folder, tell)
        if not serve:  # the counts are final when every instrument has closed its stream
            await running.stop_instruments()
        await running.confirmed(within_s=10)
        shown = document(running, run_folder, played)
        if as_json:
            emit(shown)
        else:
            _print(shown)
        if serve:
            await _keep_running(running)


def document(running: Service, folder: Path, played: Played) -> Shown:
    """What came of it, once every instrument has closed its stream."""
    return {
        "instruments": counts(running, folder, played.session),
        "results": [{**each, "truth_gy": scene.TRUTH_GY.get(each["point"])} for each in results_of(played.record)],
        "missing": played.record["missing_for_77331"],
        "record": played.files,
        "session": played.session,
        "broker": f"{running.endpoint.host}:{running.endpoint.port}",
    }


def _print(shown: Shown) -> None:
    from acquire.terminal.output import table, tell  # noqa: PLC0415

    print_results(shown["results"], explain=False)
    rows = [
        (i["id"], i["model"], i["emitted"], i["stored"], i["attached"], i["rejected"]) for i in shown["instruments"]
    ]
    table("Readings", ("instrument", "model", "emitted", "stored", "attached", "rejected"), rows)
    say("Still missing in the record before 77331 could be charged:")
    for sentence in shown["missing"]:
        say(f"  - {sentence}")
    tell(f"Record: {shown['record']['html']}\n        {shown['record']['json']}")


@contextmanager
def progress() -> Iterator[Tell]:
    """A progress bar on a terminal, plain lines elsewhere; both on stderr."""
    if not sys.stderr.isatty():
        yield say
        return
    from rich.console import Console  # noqa: PLC0415 - only on a terminal
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (BarColumn(bar_width=24), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=STEPS)

        def tell(text: str) -> None:
            bar.update(task, description=text)
            bar.advance(task)

        yield tell
        bar.update(task, description="done", completed=STEPS)


async def _keep_running(running: Service) -> None:
    stop = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    e = running.endpoint
    version = "" if e.protocol == "5" else f" --protocol {e.protocol}"
    say(f"Serving. Watch with: acquire tail --host {e.host} --port {e.port}{version}   (Ctrl-C stops)")
    await stop.wait()
