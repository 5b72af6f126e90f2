"""What is wrong with the parts of a configuration that a command did not use: told at its end, and stops nothing."""

from __future__ import annotations

from pathlib import Path

from acquire.terminal.output import say

GOES_ON = "The service that runs goes on with what it read when it began; it would not start again with this."

_consulted: dict[Path, bool] = {}  # and whether its profiles are looked at, too


def consulted(config: Path, *, profiles: bool = False) -> None:
    """A part of this configuration was used: what else is wrong with it is told at the end (`say_what_is_amiss`)."""
    _consulted[config] = profiles or _consulted.get(config, False)


def say_what_is_amiss() -> None:
    """A line for each configuration of which a part was used and another is wrong.

    When the command has done what it was asked: looking at profiles must not keep anybody from ending a step.
    """
    while _consulted:
        from acquire.config_part import amiss  # noqa: PLC0415 - brings what a configuration is made of

        path, profiles = _consulted.popitem()
        if sentences := amiss(path, profiles=profiles):
            more = f" (and {len(sentences) - 1} more; `acquire check {path}` tells all)" if len(sentences) > 1 else ""
            say(f"Warning: {sentences[0]}{more} {GOES_ON}")
