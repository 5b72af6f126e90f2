"""The fleet: every registered model with a wire, and the third party's that the page on drivers builds."""

from __future__ import annotations

from typing import Any

import third_party

from drivers import Driver, Listener, Misuse, Model
from drivers.registry import model, models
from simulators import MODELS, WireModel


def _is(name: str, kinds: Any) -> bool:
    """What cannot be loaded belongs to somebody else's broken package and is no part of the fleet."""
    try:
        kind = model(name).driver
    except Misuse:
        return False
    return isinstance(kind, type) and issubclass(kind, kinds)


THIRD_PARTY = "example-probe"
REGISTERED = models()
ASKED = (*(name for name in REGISTERED if _is(name, Driver)), THIRD_PARTY)
LISTENERS = tuple(name for name in REGISTERED if _is(name, Listener))
FLEET = (*ASKED, *LISTENERS)


def both(name: str) -> tuple[Model, WireModel]:
    """A model and its simulator."""
    if name == THIRD_PARTY:
        return third_party.module("example_probe").MODEL, third_party.module("example_probe_simulator").MODEL
    simulated = MODELS.get(name)
    assert isinstance(simulated, WireModel), f"{name} has no simulator of that name: write one from its manual."
    return model(name), simulated
