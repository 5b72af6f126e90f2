"""The installed models of instrument, by the name that the inventory writes."""

from __future__ import annotations

from drivers import Misuse, Settings
from drivers.model import Framing, Model, Quantity

# --- until the engine lands: this table goes, and the two functions ask drivers.registry -------------------------

_CHARGES = (Quantity("charge", "C", "running"), Quantity("current", "A"), Quantity("voltage", "V"))
_DOSES = (Quantity("charge", "C", "reset"), Quantity("current", "A"), Quantity("dose", "Gy", "reset"))
_TANGO = Framing(zero=("zero",), before=("reset",), start=("start",), stop=("hold",))


def _model(name: str, quantities: tuple[Quantity, ...], framing: Framing) -> Model:
    return Model(
        name=name, vendor="", title="", transports=(), quantities=quantities, settings=Settings, driver=None,
        framing=framing,
    )  # fmt: skip


_INSTALLED = {
    each.name: each
    for each in (
        _model("keithley-6517a", _CHARGES, Framing(zero=("zero",))),
        _model("keithley-6517b", _CHARGES, Framing(zero=("zero",))),
        _model("ptw-unidos-romeo", _DOSES, _TANGO),
        _model("ptw-unidos-tango", _DOSES, _TANGO),
        _model("winrems", (Quantity("charge", "C", "elements"),), Framing()),
        _model("xsyg", (Quantity("counts", "{counts}", "elements"),), Framing()),
    )
}

# ---------------------------------------------------------------------------------------------------------------------


def model_names() -> tuple[str, ...]:
    """Names of all installed models, sorted."""
    return tuple(sorted(_INSTALLED))


def model_named(name: str) -> Model:
    """The model of that name. Raises drivers.Misuse, one sentence that names those there are, for an unknown one."""
    if name not in _INSTALLED:
        raise Misuse(f"There is no driver for '{name}'. There are: {', '.join(_INSTALLED)}.")
    return _INSTALLED[name]
