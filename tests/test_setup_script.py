"""What is lacking on a machine is named at once, all of it, before anything is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parents[1]


def test_all_that_is_lacking_is_named_in_one_sentence(tmp_path: Path) -> None:
    bare = tmp_path / "bin"
    bare.mkdir()
    for name, program in (("python3", sys.executable), ("id", shutil.which("id"))):
        (bare / name).symlink_to(str(program))
    done = subprocess.run(
        [str(shutil.which("sh")), str(HERE / "tools/setup.sh"), "dev"], cwd=tmp_path, env={"PATH": str(bare)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    *_, last = done.stderr.splitlines()
    assert done.returncode == 1
    assert last.startswith("Needed and not here: ")
    for program, packages in (("strace", "strace"), ("cc", "gcc libc6-dev"), ("node", "nodejs"), ("fish", "fish")):
        assert f", {program}" in last or f": {program}" in last
        assert packages in last.partition("apt-get install")[2]
    assert not (tmp_path / ".venv").exists()
