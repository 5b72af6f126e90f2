"""The write-ahead log of a SQLite file read frame by frame, where SQLite does not open the file it belongs to.

After sqlite.org, "Database File Format", section 4: 4.1 (header and frames), 4.2 (checksums). A frame is believed if
its salt is that of the log's header and its checksum goes on from the one that stands in the frame before: so a damaged
frame takes no others with it. What is after the last commit was never there.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass, field

LITTLE, BIG = 0x377F0682, 0x377F0683  # magic numbers: the byte order in which words are added up
HEADER, FRAME = 32, 24

Content = bytes | mmap.mmap


@dataclass(frozen=True, slots=True)
class Log:
    """Where the newest content of each page lies: offsets in the log, by page number from 1.

    `count` is how many pages the file has after the last commit; 0 where there was none.
    """

    content: Content = b""
    size: int = 0
    count: int = 0
    at: dict[int, int] = field(default_factory=dict)


def log_of(content: Content) -> Log:
    """What was committed in this log; nothing where its header is damaged."""
    if len(content) < HEADER:
        return Log()
    magic, _, size, _, *salt_and_sum = struct.unpack_from(">8I", content)
    order = {LITTLE: "<", BIG: ">"}.get(magic)
    salt, said = tuple(salt_and_sum[:2]), tuple(salt_and_sum[2:])
    if order is None or not 512 <= size <= 65536 or summed(order, content[:24], (0, 0)) != said:
        return Log()
    at: dict[int, int] = {}
    waiting: dict[int, int] = {}
    count, before = 0, said
    for start in range(HEADER, len(content) - FRAME - size + 1, FRAME + size):
        page, pages, *salt_and_sum = struct.unpack_from(">6I", content, start)
        stood, before = before, tuple(salt_and_sum[2:])
        covered = content[start : start + 8] + content[start + FRAME : start + FRAME + size]
        if tuple(salt_and_sum[:2]) == salt and summed(order, covered, stood) == before:
            waiting[page] = start + FRAME
            if pages:  # a commit
                at, waiting, count = at | waiting, {}, pages
    return Log(content, size, count, {page: where for page, where in at.items() if page <= count})


def summed(order: str, content: bytes, before: tuple[int, ...]) -> tuple[int, int]:
    """4.2: the checksum, further by this content, whose length is a multiple of 8."""
    one, two = before
    words = iter(struct.unpack(f"{order}{len(content) // 4}I", content))
    for first, second in zip(words, words, strict=True):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two
