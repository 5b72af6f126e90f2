"""The fit of a reading's bytes: whatever is wrong with them is a sentence; and the process that makes it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from arrived import COUNTS, glow, of, osl

from acquire.canonical import canonical, parse
from acquire.fits.curves import fitted, light_begins_late
from acquire.fits.running import FitFailed, FitProcess
from drivers.reading import Axis, Flag, Sample

INVENTORY = b"""
schema = "inventory/1"
[[instrument]]
id = "reader-1"
model = "winrems"
serial = "1"
[[element]]
id = "c-1"
kind = "tld"
material = "TLD-700"
reader = "reader-1"
read_as = "77"
element_index = 2
[[element]]
id = "c-2"
kind = "tld"
material = "glass"
reader = "reader-1"
read_as = "78"
"""


def without(axis: str) -> dict[str, Any]:
    body = glow()
    del body["axes"][axis]
    return body


REFUSED: dict[str, tuple[Any, str]] = {
    "clipped": (glow(np.minimum(COUNTS, 4000)), "range was exceeded"),
    "flagged": (glow(flags=["overload"], value=None), "The readout is flagged overload; such a curve is not fitted."),
    "no temperature": (without("temperature"), "no temperature beside its signal"),
    "nothing": (glow(0 * COUNTS), "a glow curve has light"),
    "short": (osl(axes={"time": {"unit": "s", "values": [1.0]}, "signal": {"unit": "1", "values": [2.0]}}), ""),
    "unlike": (osl(axes={"time": {"unit": "s", "values": [1, 2]}, "signal": {"unit": "1", "values": [2]}}), "2 times"),
    "minutes": (osl(axes={"time": {"unit": "min", "values": [1]}, "signal": {"unit": "1", "values": [2]}}), "'min'"),
    "no curve": (glow(kind="scalar"), "holds no curve"),
    "no reading": ([1, 2], "The analysis failed on this curve"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_fitted_is_a_sentence(what: str) -> None:
    body, sentence = REFUSED[what]
    found = fitted("TLD-100", "X-1", of(body))
    assert sentence in found["refused"]
    assert found["refused"].endswith((".", ")"))
    assert not found.get("peaks")


def test_a_decay_that_begins_late_in_its_record_counts_from_its_first_point() -> None:
    late = osl()
    late["axes"]["time"]["values"] = [30 + t for t in late["axes"]["time"]["values"]]
    early, found = fitted("", "D-7", of(osl())), fitted("", "D-7", of(late))
    assert found["components"][0]["rate_per_s"] == pytest.approx(early["components"][0]["rate_per_s"], rel=1e-6)
    axes = {name: Axis(unit=a["unit"], values=tuple(a["values"])) for name, a in late["axes"].items()}
    sample = Sample(kind="curve", quantity="counts", unit="{counts}", mode="OSL", axes=axes, flags=(Flag.BUSY,))
    assert light_begins_late(sample) == 30.1


async def test_the_process_fits_and_reads_inventories_until_it_is_closed(closed: Callable[..., Any]) -> None:
    process = closed(FitProcess())
    assert await process.elements("inventory.toml", INVENTORY) == [
        ["reader-1", "77", 2, "c-1", "TLD-700", "TLD-700"], ["reader-1", "78", None, "c-2", "glass", None],
    ]  # fmt: skip
    assert await process.elements("inventory.toml", b"schema = \xff") == []
    found = await process.fit("TLD-100", "X-1", of(glow()))
    assert found == parse(canonical(fitted("TLD-100", "X-1", of(glow()))))
    assert process.is_running
    child = process._process
    assert os.getpriority(os.PRIO_PROCESS, child.pid) == 19
    await process.close()
    assert (process.is_running, child.returncode) == (False, 0)


@pytest.mark.parametrize(
    ("does", "sentence"),
    [
        ("import sys; sys.stdin.readline()", "The process that fits ended while it was at it."),
        ("import sys; sys.stdin.readline(); print('{', end='', flush=True)", "The process that fits ended"),
        ("import sys; [0 for _ in sys.stdin]", "The fit was not done after 0.5 s and was given up."),
    ],
)
async def test_a_process_that_ends_or_does_not_answer_is_replaced(
    closed: Callable[..., Any], does: str, sentence: str
) -> None:
    process = closed(FitProcess(longest_s=0.5, command=("-c", does)))
    for _ in range(2):
        with pytest.raises(FitFailed, match=sentence):
            await process.fit("TLD-100", "X-1", b"{}")
        assert not process.is_running
