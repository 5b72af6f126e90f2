"""What docs/doctor.md shows is what the installed command prints at 80 columns: the same faults, planted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from preload import compiled
from test_doctor_beside_others import ADJTIMEX, ROOT

from acquire.broker.processes import Process
from acquire.store.database import connect

FILE = """\
site = "clinic"
[broker]
mode = "external"
port = 1
[spool]
path = "spool.db"
[store]
url = "sqlite:///store.db"
[[instrument]]
id = "electrometer-1"
model = "keithley-6517b"
resource = "{port}"
[[instrument]]
id = "electrometer-2"
model = "keithley-6514"
resource = "/dev/ttyUSB1"
[[instrument]]
id = "tld-reader-1"
model = "winrems"
resource = "dir:winrems"
"""


def shown(text: str, port: str) -> str:
    """Without what differs from machine to machine: lines are broken where the names on them end."""
    text = " ".join(text.split()).replace(port, "/dev/ttyUSB0")
    return re.sub(r"process \d+", "process 812", text).replace("127.0.0.1:1:", "127.0.0.1:1883:")


def test_the_transcript_of_the_page(tmp_path: Path) -> None:
    here, there = os.openpty()
    port = tmp_path / "ttyUSB0"
    port.symlink_to(os.ttyname(there))
    (tmp_path / "winrems").mkdir()
    (tmp_path / "clinic.toml").write_text(FILE.format(port=port))
    with closing(connect(tmp_path / "store.db", create=True)) as store:
        twenty_days_ago = (datetime.now(UTC) - timedelta(days=20)).isoformat()
        store.execute("UPDATE identity SET backed_up_at = ?", (twenty_days_ago,))
    with subprocess.Popen(["cat", str(port)]) as holder:
        for _ in range(500):  # until the other program has the port, and not only its name
            if any(str(each.readlink()) == os.ttyname(there) for each in Path(f"/proc/{holder.pid}/fd").iterdir()):
                break
            time.sleep(0.01)
        assert Process(holder.pid, 0).command == ["cat", str(port)]
        os.close(there)
        env = {**os.environ, "COLUMNS": "80", "LD_PRELOAD": str(compiled(ADJTIMEX)), "ADJTIMEX_SAYS": "64"}
        words = [str(Path(sys.executable).with_name("acquire")), "doctor", "--config", "clinic.toml"]
        done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        holder.kill()
    os.close(here)
    assert (done.returncode, done.stderr) == (1, "")
    page = (ROOT / "docs" / "doctor.md").read_text()
    transcript = re.search(r"```console\n\$ acquire doctor --config clinic.toml\n(.*?)```", page, re.DOTALL)
    assert transcript
    assert shown(done.stdout, str(port)) == " ".join(transcript[1].split())
    assert max(map(len, transcript[1].splitlines())) <= 80
