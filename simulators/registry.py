"""Which instruments can be simulated, and how one of them is made."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulators import keithley_6517b, ptw_unidos_tango, winrems, xsyg
from simulators.clock import Clock
from simulators.instrument import Instrument
from simulators.options import option_checked

KEITHLEY_ASSUMED = (
    "one conversion takes 1 ms plus six power line cycles per PLC, after reading rates seen in captures",
    "the unit powers up in zero check and measures continuously",
    "numbers in answers to setting queries; the texts of channel, temperature and humidity elements",
    "the size of the charge hop at zero check, and the noise",
    "commands that are only remembered change nothing",
)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One simulated model; `assumed` names the behaviours no public text settles."""

    model: str
    title: str
    assumed: tuple[str, ...]


MODELS: dict[str, ModelInfo] = {
    info.model: info
    for info in (
        ModelInfo("keithley-6517a", "Keithley 6517A electrometer", KEITHLEY_ASSUMED),
        ModelInfo("keithley-6517b", "Keithley 6517B electrometer", KEITHLEY_ASSUMED),
        ModelInfo("ptw-unidos-tango", "PTW UNIDOS Tango dosemeter", ptw_unidos_tango.ASSUMED),
        ModelInfo("ptw-unidos-romeo", "PTW UNIDOS Romeo dosemeter", ptw_unidos_tango.ASSUMED),
        ModelInfo("winrems", "Harshaw 6600 TLD reader, WinREMS ASCII export", winrems.ASSUMED),
        ModelInfo("xsyg", "Freiberg Instruments lexsyg TLD/OSL reader, XSYG files", xsyg.ASSUMED),
    )
}
KEITHLEYS = {
    "keithley-6517a": keithley_6517b.Keithley6517A,
    "keithley-6517b": keithley_6517b.Keithley6517B,
}
UNIDOSES = {
    "ptw-unidos-tango": ptw_unidos_tango.PtwUnidosTango,
    "ptw-unidos-romeo": ptw_unidos_tango.PtwUnidosRomeo,
}
FileInstrument = winrems.WinRems | xsyg.Xsyg


def check_model(model: str) -> None:
    """Raise ValueError in one sentence when `model` cannot be simulated."""
    if model not in MODELS:
        raise ValueError(f"There is no simulated instrument {model!r}; there are {', '.join(MODELS)}.")


def make_line_instrument(model: str, clock: Clock, seed: int, options: Mapping[str, Any]) -> Instrument:
    """An instrument with a wire; raises ValueError for one that writes files or for an option it does not have."""
    check_model(model)
    if model in KEITHLEYS:
        return KEITHLEYS[model](clock, seed, keithley_6517b.Options(**_named(keithley_6517b.Options, model, options)))
    if model in UNIDOSES:
        return UNIDOSES[model](
            clock, seed, ptw_unidos_tango.Options(**_named(ptw_unidos_tango.Options, model, options))
        )
    raise ValueError(f"{model} writes files and has no wire; let it listen at dir:PATH.")


def make_file_instrument(
    model: str, folder: Path, clock: Clock, seed: int, options: Mapping[str, Any]
) -> FileInstrument:
    """An instrument that drops files into `folder`; raises ValueError for one with a wire or a wrong option."""
    check_model(model)
    if model == "winrems":
        return winrems.WinRems(folder, clock, seed, options)
    if model == "xsyg":
        return xsyg.Xsyg(folder, clock, seed, options)
    raise ValueError(f"{model} has a wire and writes no files; let it listen at tcp:HOST:PORT or pty.")


def _named(kind: type[Any], model: str, options: Mapping[str, Any]) -> dict[str, Any]:
    return option_checked(options, tuple(each.name for each in dataclasses.fields(kind)), model)
