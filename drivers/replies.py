"""The shapes a reply can have, pure: where in the bytes that have arrived the reply ends, if it has ended.

A shape says so whatever the chunks; the link keeps the bytes. Terminators and control bytes that serial servers and
flow control leave between two lines are no part of any line (LF CR: 6430 manual p. 13-17; XON and XOFF: 6517B
reference manual, RS-232 operation; NUL after CR: telnet, RFC 854).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from drivers.errors import Garbled

ENDS = b"\r\n"
CONTROL = b"\x00\x11\x13"  # NUL, XON, XOFF
BETWEEN_LINES = ENDS + CONTROL

_LINE = re.compile(rb"[\r\n\x00\x11\x13]*+([^\r\n]*+)[\r\n]")  # after BETWEEN_LINES

Found = tuple[bytes, int]


class Reply(Protocol):
    """A shape."""

    def find(self, buffer: bytes) -> Found | None:
        """(the reply, how many bytes of the buffer it took); None while more must come. Raises Garbled."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text. `end` None: any of CR, LF, CR LF, LF CR ends it, and an empty line is no reply.

    With an `end` (b"\\r\\n", say) exactly that ends it, and an empty line is one.
    """

    end: bytes | None = None

    def find(self, buffer: bytes) -> Found | None:
        """The first line, without terminator and control bytes."""
        if self.end is not None:
            at = buffer.find(self.end)
            return None if at < 0 else (_clean(buffer[:at]), at + len(self.end))
        found = _LINE.match(buffer)
        return None if found is None else (_clean(found[1]), found.end())


@dataclass(frozen=True, slots=True)
class Lines:
    """A fixed number of lines; the reply has them joined by LF."""

    count: int
    line: Line = Line()

    def find(self, buffer: bytes) -> Found | None:
        """All the lines together, once the last has ended; None until then."""
        lines, used = [], 0
        for _ in range(self.count):
            found = self.line.find(buffer[used:])
            if found is None:
                return None
            lines.append(found[0])
            used += found[1]
        return b"\n".join(lines), used


@dataclass(frozen=True, slots=True)
class Until:
    """Everything up to a prompt, which is not part of the reply."""

    prompt: bytes

    def find(self, buffer: bytes) -> Found | None:
        """What stands before the prompt."""
        at = buffer.find(self.prompt)
        return None if at < 0 else (buffer[:at], at + len(self.prompt))


@dataclass(frozen=True, slots=True)
class Exactly:
    """A fixed number of bytes, whatever they are."""

    count: int

    def find(self, buffer: bytes) -> Found | None:
        """The first `count` bytes, once they are there."""
        return None if len(buffer) < self.count else (buffer[: self.count], self.count)


@dataclass(frozen=True, slots=True)
class Block:
    """A definite length block, #<digits><length><bytes> (IEEE 488.2 section 8.7.9), without its header.

    The newline that ends the message before it may come after the request for this one, and is no part of it.
    """

    def find(self, buffer: bytes) -> Found | None:
        """The bytes of the block. Raises Garbled where no block begins."""
        block = buffer.lstrip(BETWEEN_LINES)  # the end of the reply before
        begun = re.match(rb"#([1-9])([0-9]*)|#\Z|\Z", block)
        if begun is None:
            raise Garbled("A block of bytes (#<digits><length>) was expected.", buffer)
        if begun[1] is None:
            return None
        start = 2 + int(begun[1])
        if len(begun[2]) < len(block[2:start]):
            raise Garbled("The length of a block is no number.", buffer)
        if len(block) < start or len(block) < start + int(block[2:start]):
            return None
        end = start + int(block[2:start])
        return block[start:end], len(buffer) - len(block) + end


@dataclass(frozen=True, slots=True)
class Checked:
    """Another shape whose reply carries a check: check(reply) is the reply without it, and raises Garbled."""

    shape: Reply
    check: Callable[[bytes], bytes]

    def find(self, buffer: bytes) -> Found | None:
        """The reply without its check. Raises Garbled where the check fails."""
        found = self.shape.find(buffer)
        return None if found is None else (self.check(found[0]), found[1])


def _clean(line: bytes) -> bytes:
    return line.translate(None, CONTROL)
