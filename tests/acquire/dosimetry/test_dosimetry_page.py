"""The page docs/dosimetry.md: every example on it runs and prints what it says."""

from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs" / "dosimetry.md"


def test_every_example_on_the_page() -> None:
    found = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.ELLIPSIS, encoding="utf-8")
    assert found.attempted > 40
    assert found.failed == 0


def test_the_library_is_importable_alone() -> None:
    """It pulls in numpy, and nothing of the daemon, the drivers or any other package."""
    asked = "import sys; before = set(sys.modules); import acquire.dosimetry; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    ours = {name for name in loaded if name.startswith(("acquire", "drivers", "simulators"))}
    assert ours <= {"acquire", "acquire.sums"} | {name for name in ours if name.startswith("acquire.dosimetry")}
    packages = {name.split(".")[0] for name in loaded} - set(sys.stdlib_module_names)
    assert packages <= {"acquire", "numpy", "_distutils_hack"}
