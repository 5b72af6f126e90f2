"""What makes a simulated model: a value that an entry point of the group ``acquire.simulators`` gives.

Somebody else's package adds an instrument with one such value and one entry point; nothing in here knows any model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from simulators.clock import Clock
from simulators.instrument import Instrument

Options = Mapping[str, Any]


class FileInstrument(Protocol):
    """A reader that writes files into a folder. ``emitted`` counts the readouts written so far."""

    emitted: int

    def read_out_request(self, request: Mapping[str, Any]) -> Path:
        """Read dosimeters out as a back-door request asks; gives the file that was written."""

    def read_tray(self, chips: int) -> None:
        """Read so many dosimeters of its own choice out, as the option `tray` asks when it starts."""

    def state(self) -> Mapping[str, Any]:
        """What a test may want to know, in JSON types."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One simulated model; `assumed` names the behaviours no public text settles, `options` its set-up by name."""

    model: str
    title: str
    assumed: tuple[str, ...]
    options: tuple[str, ...]

    def check_options(self, options: Options) -> None:
        """Raise ValueError in one sentence for an option that this model does not have."""
        for name in options:
            if name not in self.options:
                known = ", ".join(sorted(self.options))
                raise ValueError(f"{self.model} has no option {name!r}; its options are {known}.")


@dataclass(frozen=True, slots=True)
class WireModel(ModelInfo):
    """An instrument on a wire: ``make(clock, seed, options)`` builds one, options given by name."""

    make: Callable[[Clock, int, Options], Instrument]


@dataclass(frozen=True, slots=True)
class FileModel(ModelInfo):
    """A reader that writes files: ``make(folder, clock, seed, options)`` builds one, options given by name."""

    make: Callable[[Path, Clock, int, Options], FileInstrument]
