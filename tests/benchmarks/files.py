"""How fast BINX records are read, beside the loop that people write, in one run; and what a file of 100 MB costs.

    PYTHONPATH=.:tests .venv/bin/python -m benchmarks.files [--records N] [--points N] [--mb N] [--repeat N]

The loop reads each record with two calls of numpy.fromfile, header and counts, and checks nothing. Medians of the
repeats, taken in turns; what counts are the ratios, since other programs use the machine too. Memory is the most that a
process of its own has held, above what it held before the file.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from drivers.files import ReaderFile, stream_file
from drivers.files.bin_records import BinRecord, walk
from drivers.files.bin_writing import written
from drivers.files.risoe_bin import RISOE_BIN, RisoeOptions

HEADER = np.dtype([("version", "<u2"), ("length", "<i4"), ("previous", "<i4"), ("points", "<i4"), ("rest", "V493")])


def write(path: Path, records: int, points: int) -> None:
    """A version 8 file of glow curves, each of its own: place, run, time, and when it was irradiated."""
    ramp = {"LOW": 0.0, "HIGH": float(points), "AN_TEMP": 220.0, "TOLDELAY": points, "RATE": 5.0, "RECTYPE": 1}
    curve = [int(2000 * np.exp(-(((n - points / 2) / 30) ** 2))) for n in range(points)]
    given = ((8, ramp | _of_its_own(n), [count + n % 7 for count in curve]) for n in range(records))
    with path.open("wb") as file:
        file.writelines(written(given))


def _of_its_own(n: int) -> dict[str, str | int]:
    """What a reader that reads a disc every few hours says of its n-th record."""
    day, second = divmod(90 * n, 86_400)
    clock = f"{second // 3600:02}{second // 60 % 60:02}{second % 60:02}"
    place = {"SAMPLE": f"disc {n // 48}", "POSITION": n % 48 + 1, "RUN": n // 48 + 1, "TIMESINCEIRR": 2000 + n % 1000}
    return place | {"DATE": f"{day % 28 + 1:02}0513", "TIME": clock}


def two_calls(path: Path) -> int:
    """Records as people read them: two numpy.fromfile calls each."""
    number = 0
    with path.open("rb") as file:
        while (header := np.fromfile(file, HEADER, 1)).size:
            number += np.fromfile(file, "<i4", int(header["points"][0])).size > 0
    return number


def records(path: Path) -> int:
    """Every field and count of each record, LENGTH held against NPOINTS."""
    with path.open("rb") as file:
        return sum(bool(each.header and each.counts) for each in walk(file) if isinstance(each, BinRecord))


def samples(path: Path) -> int:
    """What a drop folder is given: axes, attributes, digests, nothing twice, held against what can be stored."""
    with path.open("rb") as file:
        return sum(1 for _ in stream_file(path.name, file, RisoeOptions(), RISOE_BIN))


def seconds(what: Callable[[Path], int], path: Path, wanted: int) -> float:
    """Of one run, by the processor's own clock. Raises SystemExit where not every record was read."""
    begun = time.process_time()
    if what(path) != wanted:
        raise SystemExit(f"{what.__name__} did not read {wanted} records.")
    return time.process_time() - begun


def peak_mb(path: Path, mode: str) -> float:
    """MB that a process of its own held at most while it read the file, above what it held before."""
    words = [sys.executable, "-m", "benchmarks.files", "--child", mode, str(path)]
    return float(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def child(mode: str, path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if mode == "stream":
        with ReaderFile(path, 4096) as opened:
            consumed(opened.readings(RisoeOptions()))
    elif mode == "records":
        records(path)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


def consumed(given: Iterable[object]) -> None:
    for _ in given:
        pass


def compare(folder: Path, number: int, points: int, repeat: int) -> None:
    path = folder / "speed.binx"
    write(path, number, points)
    runs = (two_calls, records, samples)
    took: dict[str, list[float]] = {each.__name__: [] for each in runs}
    for _ in range(repeat):
        for each in runs:
            took[each.__name__].append(seconds(each, path, number))
    rates = {name: number / statistics.median(each) for name, each in took.items()}
    print(f"{number} records of {points} points, {path.stat().st_size / 1e6:.0f} MB, median of {repeat}")
    for name, rate in rates.items():
        print(f"  {name:10} {rate:10.0f} records/s   {rate / rates['two_calls']:5.2f} of two_calls")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--points", type=int, default=250)
    parser.add_argument("--mb", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child[0], Path(given.child[1]))
        return
    with tempfile.TemporaryDirectory() as name:
        compare(Path(name), given.records, given.points, given.repeat)
        large = Path(name) / "large.binx"
        write(large, given.mb * 1_000_000 // (507 + 4 * 1000), 1000)
        for mode in ("records", "stream"):
            print(f"{large.stat().st_size / 1e6:.0f} MB, {mode}: {peak_mb(large, mode):.1f} MB held")


if __name__ == "__main__":
    main()
