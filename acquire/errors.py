"""What the daemon says when it does not do as asked: plain sentences, and nothing was changed."""

from __future__ import annotations

from collections.abc import Sequence


class Refused(Exception):
    """Nothing was changed. `sentences` says why: what is wrong, where, what is allowed."""

    def __init__(self, *sentences: str) -> None:
        super().__init__(" ".join(sentences))
        self.sentences: Sequence[str] = sentences


class FileProblem(Refused):
    """A file that people wrote is not as it must be; each sentence names file, line and key."""
