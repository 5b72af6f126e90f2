"""SUERC portable OSL readers: the `.psl` report, a head and a block for each measurement of a run.

The layout is that of the public sample of the R package Luminescence (inst/extdata of 1.2.0); that Stim 0, 1 and 2 are
none, infrared and blue light is what its importer says. Paths and the head's other lines can name a person and stay in
the bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from drivers.files.format import Format
from drivers.files.records import BadRecord, FileReadings, Piece, Rejected, axis, new, origin, total_of, unended
from drivers.files.text import head, lines
from drivers.model import Quantity, Verified
from drivers.reading import Flag, Sample
from drivers.settings import Settings
from drivers.strict_numbers import clock, whole

BEGINS = re.compile(
    r"Measurement : (?P<name>[^|]{0,40}?) *\| Stim (?P<stim>[0-9])"
    r" \| On/Off\(us\) +(?P<on>[0-9]{1,6}), *(?P<off>[0-9]{1,6})"
    r" *\| Cycle\(ms\),No +(?P<cycle_ms>[0-9]{1,6}), *(?P<cycles>[0-9]{1,6})"
)
POINT = re.compile(r"([0-9]{1,6}) +(-?[0-9]{1,12}) \+/- +([0-9]{1,12}) +(-?[0-9]{1,12}) \+/- +([0-9]{1,12})")
ENDS = re.compile(r"Terminal Count = *(-?[0-9]{1,12}) *\+/- *([0-9]{1,12})")
BETWEEN = re.compile(r"[-= ]*|Time \(s\) +Total Count +Counts per Cycle")
SAMPLE = re.compile(r"\\ (?P<label>[^@]{1,40}?) *@ (?P<clock>[0-9/]{8,10} [0-9:]{7,8} [AP]M) /")
OF_RUN = ("Run Name", "Sample no", "Dark Count Correction", "Offset Subtract")
RUN = {key: re.compile(rf"{key}: +(\S+)") for key in OF_RUN}
FIRST = re.compile(r"^Measurement : [^\r\n|]*\| Stim [0-9] \|", re.MULTILINE)
STIMULATED = {"0": "dark", "1": "IRSL", "2": "OSL"}
MOST_REJECTED = 1000


@dataclass(slots=True)
class _Block:
    """What stands between two lines `Measurement`."""

    offset: int
    raw: list[bytes] = field(default_factory=list)
    said: re.Match[str] | None = None
    points: list[tuple[int, ...]] = field(default_factory=list)
    terminal: int | None = None
    strange: str = ""

    @property
    def bytes(self) -> bytes:
        """All of its lines."""
        return b"".join(self.raw)


@dataclass(slots=True)
class _Head:
    """What the file says of all its measurements."""

    label: str | None = None
    clock: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)


def detect(data: bytes) -> bool:
    """Whether a line near the beginning opens a measurement as these readers write it."""
    return FIRST.search(head(data)) is not None


def parse(name: str, data: bytes, options: Settings) -> FileReadings:
    """The curve of each measurement; one that is not whole, or whose sums do not agree, is rejected."""
    found = new(name, "psl", data)
    of_file, *blocks = _blocks(data)
    said = _head(of_file)
    for number, block in enumerate(blocks, start=1):
        try:
            found.samples.append(_sample(name, said, block, is_last=number == len(blocks)))
        except BadRecord as bad:
            why = f"{name}, measurement {number} (byte {block.offset}): {bad}."
            begins = b"unfinished " + block.raw[0]  # it grows: what begins it names it
            piece = Piece(block.offset, block.bytes, begins if bad.may_complete else None)
            found.rejected.append(Rejected(piece, why, bad.may_complete, bad.flags))
    return found


def _blocks(data: bytes) -> Iterator[_Block]:
    """The head of the file as a block of its own, and then each measurement."""
    block = _Block(0)
    for piece, line in lines(data):
        text = line.strip(" \t\r\n\x1a")
        if text.startswith("Measurement :"):
            yield block
            block = _Block(piece.offset, said=BEGINS.fullmatch(text))
        elif point := POINT.fullmatch(text):
            block.points.append(tuple(whole(each) for each in point.groups()))
        elif end := ENDS.fullmatch(text):
            block.terminal = whole(end[1])
        elif not BETWEEN.fullmatch(text):
            block.strange = block.strange or text
        block.raw.append(piece.raw)
    yield block


def _head(block: _Block) -> _Head:
    said, text = _Head(), block.bytes.decode("latin-1")
    if found := SAMPLE.search(text):
        said.label = found["label"]
        with suppress(ValueError):
            said.clock = clock(found["clock"], "%m/%d/%Y %I:%M:%S %p")
    for key, form in RUN.items():
        if value := form.search(text):
            said.attributes[key.replace(" ", "-").lower()] = value[1]
    return said


def _sample(name: str, of_file: _Head, block: _Block, *, is_last: bool) -> Sample:
    """Two runs may give the same dark counts: what the head says of the run is part of what names a measurement."""
    said = _refuse_unlike(block, is_last)
    of_run = f"{of_file.label} {of_file.clock} {sorted(of_file.attributes.items())} ".encode()
    piece = Piece(block.offset, block.bytes, of_run + unended(block.bytes))
    stimulation = STIMULATED[said["stim"]]
    cycle_s = whole(said["cycle_ms"]) / 1000
    _, _, _, counts, u = zip(*block.points, strict=True)
    is_dark, is_pulsed = stimulation == "dark", whole(said["off"]) > 0
    return Sample(
        kind="curve",
        quantity="counts",
        unit="{counts}",
        value=total_of(counts),
        role="pmt-noise" if is_dark else "sample",
        raw=piece.raw,
        clock=of_file.clock,
        element=None if is_dark else of_file.label,
        mode=f"pulsed {stimulation}" if is_pulsed and not is_dark else stimulation,
        axes={
            "time": axis("s", [cycle_s * row[0] for row in block.points]),
            "signal": axis("{counts}", list(counts)),
            "signal-uncertainty": axis("{counts}", list(u)),
        },
        attributes={
            "measurement": said["name"], "stimulation": said["stim"], "on-us": said["on"], "off-us": said["off"],
            "cycle-ms": said["cycle_ms"], **of_file.attributes,
        },
        origin=origin(name, piece),
    )  # fmt: skip


def _refuse_unlike(block: _Block, is_last: bool) -> re.Match[str]:
    """The line that opens the block. Raises BadRecord."""
    said = block.said
    if said is None or said["stim"] not in STIMULATED:
        raise BadRecord("its first line is not of the form that was observed")
    wanted = whole(said["cycles"])
    if block.terminal is None or len(block.points) != wanted:
        why = f"it has {len(block.points)} of {wanted} points" + ("" if block.terminal is not None else " and no end")
        raise BadRecord(why, Flag.INCOMPLETE, may_complete=is_last and block.terminal is None)
    if block.strange:
        raise BadRecord(f"it has a line {block.strange[:40]!a}, which is no point")
    before = 0
    for number, (cycle, total, _, counts, _) in enumerate(block.points, start=1):
        if cycle != number:
            raise BadRecord(f"its point {number} is numbered {cycle}")
        if abs(total - before - counts) > 1:  # both are rounded
            why = f"the total of its point {number} is not the sum of the counts up to there"
            raise BadRecord(why, Flag.NOT_A_NUMBER)
        before = total
    if block.terminal != before:
        raise BadRecord(f"its terminal count {block.terminal} is not its last total, {before}", Flag.NOT_A_NUMBER)
    return said


PSL = Format(
    name="psl",
    vendor="SUERC",
    title="SUERC portable OSL reader, through its .psl reports",
    quantities=(Quantity("counts", "{counts}", "elements"),),
    detect=detect,
    parse=parse,
    verified=(
        Verified("one public file of a reader (5 measurements)", "head, points, totals, terminal counts", "capture"),
    ),
    assumed=(
        "the label before the @ stands for the dosimeter",
        "the first column counts cycles of the stated length: at 1000 ms it is seconds",
        "Stim 0 is no light, 1 infrared, 2 blue (as the R package Luminescence takes them)",
        "an Off time that is not 0 means pulsed light",
        "the date is month/day/year; the reader's clock has no time zone",
    ),
)
