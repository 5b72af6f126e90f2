"""Why there is no analysis of a curve: one plain sentence, and no number beside it."""

from __future__ import annotations


class GlowError(Exception):
    """A curve that cannot be analysed, or settings that contradict each other."""
