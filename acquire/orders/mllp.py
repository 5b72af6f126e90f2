"""Frames of the minimal lower layer protocol: 0x0B, a message, 0x1C 0x0D. Pure: bytes in, frames and findings out.

What lies between frames is counted and never kept. A message that grows beyond the bound ends the reading: where its
end is nobody knows, and whoever sends on is not listened to.
"""

from __future__ import annotations

from dataclasses import dataclass, field

BEGIN, END, AFTER = b"\x0b", b"\x1c", b"\r"


@dataclass(slots=True)
class Frames:
    """Reads a stream; `largest`: bytes of a message. `garbage`: bytes so far that belong to no frame."""

    largest: int
    garbage: int = 0
    too_large: bool = False
    _buffer: bytearray = field(default_factory=bytearray)
    _inside: bool = False
    _looked: int = 0

    @property
    def is_partial(self) -> bool:
        """Whether a message has begun and not ended."""
        return self._inside

    @property
    def beginning(self) -> bytes:
        """The first bytes of the message under way."""
        return bytes(self._buffer[:4096])

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that these bytes complete, without their frames."""
        found: list[bytes] = []
        self._buffer += data
        while not self.too_large:
            if not self._inside and not self._begin():
                break
            ends = self._buffer.find(END, self._looked)
            if ends < 0:
                self._looked = len(self._buffer)
                self.too_large = len(self._buffer) > self.largest
                break
            if ends > self.largest:
                self.too_large = True
                break
            cut, _, message = bytes(self._buffer[:ends]).rpartition(BEGIN)  # a begin inside: the one before it was cut
            self.garbage += len(cut)
            found.append(message)
            del self._buffer[: ends + 1]
            self._inside, self._looked = False, 0
        return found

    def _begin(self) -> bool:
        """Go to the next begin of a frame; what lies before it is garbage, but for the end of the last frame."""
        begins = self._buffer.find(BEGIN)
        before = len(self._buffer) if begins < 0 else begins
        skipped = bytes(self._buffer[:before])
        self.garbage += len(skipped.replace(AFTER, b"").replace(b"\n", b""))
        del self._buffer[: before + (0 if begins < 0 else 1)]
        self._inside = begins >= 0
        return self._inside
