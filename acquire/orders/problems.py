"""What cannot be read as an order at all."""

from __future__ import annotations

from collections.abc import Sequence


class NotAnOrder(Exception):
    """One sentence for each thing that is wrong, to be said after the name of the file or message."""

    def __init__(self, *sentences: str) -> None:
        super().__init__(" ".join(sentences))
        self.sentences: Sequence[str] = sentences
