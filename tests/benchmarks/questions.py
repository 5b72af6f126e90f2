"""What questions cost in a store that grows: status, results and verify of one session, and what walks the whole.

    PYTHONPATH=.:tests .venv/bin/python -m benchmarks.questions STORE [--rows N,N,...]

STORE holds a session, such as the demonstration's (`acquire demo -o FOLDER`); a copy of it grows by readings of the
session's own instruments, in streams of a day each, put in as messages. Times are without the program's start; the
median of five, and the longest.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import uuid4

from acquire.bus.names import Topics
from acquire.canonical import canonical
from acquire.checksum import checksum, seed
from acquire.cli.main import app
from acquire.store.database import connect
from acquire.store.ingest import ingest
from benchmarks.peers import one_reading

BLOCK, OF_STREAM = 500, 86_400


def grow(connection: sqlite3.Connection, rows: int) -> None:
    """So many more entries, as their instruments' messages would bring them."""
    (site,) = connection.execute("SELECT site FROM streams LIMIT 1").fetchone()
    instruments = [r[0] for r in connection.execute("SELECT DISTINCT instrument FROM streams ORDER BY instrument")]
    done, source = 0, str(uuid4())
    while done < rows:
        stream, instrument = str(uuid4()), instruments[done // OF_STREAM % len(instruments)]
        last = min(OF_STREAM, rows - done)
        for first in range(1, last + 1, BLOCK):
            bodies = [canonical(one_reading(n)) for n in range(first, min(first + BLOCK, last + 1))]
            sums = [checksum(seed(stream), seq, body) for seq, body in enumerate(bodies, first)]
            ended = "closed" if first + BLOCK > last else None
            said = {"schema": "readings/1", "stream": stream, "first_seq": first, "source": source, "oldest": 1,
                    "head": first + len(bodies) - 1, "ended": ended, "ask": source, "epoch": None, "older": 0,
                    "checksums": sums}  # fmt: skip
            message = canonical(said)[:-1] + b',"readings":[' + b",".join(bodies) + b"]}"
            assert ingest(connection, site, [(Topics(site).readings(instrument), message)]).unreadable == 0
        done += last


def times(ask: Callable[[], object], repeat: int) -> tuple[float, float]:
    """Median and longest, in ms."""
    taken = []
    for _ in range(repeat):
        begun = time.perf_counter()
        ask()
        taken.append(1000 * (time.perf_counter() - begun))
    return statistics.median(taken), max(taken)


def command(*words: str) -> None:
    """One command of the command line, in this process."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        app(list(words), standalone_mode=False)


def main() -> None:
    """Grow, ask, tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--rows", default="1000000,5000000")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.store.parent) as name:
        path = Path(name) / "store.db"
        shutil.copyfile(asked.store, path)
        url, connection = f"sqlite:///{path}", connect(path)
        (session,) = connection.execute("SELECT id FROM session LIMIT 1").fetchone()
        print(f"{'rows':>9} {'question':24} {'median ms':>10} {'longest ms':>10}")
        for target in (0, *map(int, asked.rows.split(","))):
            (have,) = connection.execute("SELECT count(*) FROM entries").fetchone()
            grow(connection, max(0, target - have))
            (have,) = connection.execute("SELECT count(*) FROM entries").fetchone()
            of_session = ["--store", url]
            for words, repeat in (
                (["session", "status", session], 5),
                (["results", session], 5),
                (["store", "verify", "--session", session], 5),
                (["store", "stats"], 1),
                (["session", "list"], 1),
                (["store", "backup", str(Path(name) / f"copy-{have}.db")], 1),
            ):
                median, longest = times(partial(command, *words, *of_session), repeat)
                print(f"{have:9} {' '.join(words[:3])[:24]:24} {median:10.0f} {longest:10.0f}", flush=True)
        connection.close()


if __name__ == "__main__":
    main()
