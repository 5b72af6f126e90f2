"""The recording and the profile of docs/write-a-profile.md, as the page has them."""

from __future__ import annotations

import re
from pathlib import Path

import third_party

from drivers import Model
from drivers.profile import load_profile
from simulators import WireModel

PAGE = (Path(__file__).parents[1] / "docs" / "write-a-profile.md").read_text()
RECORDING = "".join(re.findall(r"```jsonl\n(.*?)```", PAGE, re.DOTALL))
(PROFILE,) = re.findall(r"```toml\n(# two-channel-probe\.toml\n.*?)```", PAGE, re.DOTALL)


def model() -> Model:
    """What the page's profile describes."""
    return load_profile(PROFILE.encode(), "two-channel-probe.toml")


def simulated() -> WireModel:
    """The probe of the page: that of docs/write-a-driver.md."""
    found = third_party.module("example_probe_simulator").MODEL
    assert isinstance(found, WireModel)
    return found
