"""notices and hold by the real program: the page is followed, and who may not lift a hold is told who may."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import sys
from pathlib import Path

import pytest
from command_line import Said, acquire

sys.path.append(str(Path(__file__).parents[1] / "procedure"))

from noticed import BEYOND, calculated, diode_case
from people_known import everybody, logged_in, password_file, staffed

from acquire.config import load
from acquire.config_part import notices_of
from acquire.errors import FileProblem
from acquire.store.database import connect

PAGE = (Path(__file__).parents[3] / "docs" / "notices.md").read_text()
(TOLD, DUE) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
CONFIG = 'site = "clinic"\n[broker]\nmode = "auto"\nport = 0\n[store]\nurl = "sqlite:///store.db"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    connection = connect(tmp_path / "store.db", create=True)
    case = diode_case()
    case.add(connection)
    asyncio.run(calculated(connection, case, BEYOND))
    connection.close()
    (tmp_path / "service.toml").write_text(CONFIG + TOLD)
    return tmp_path


def run(folder: Path, *words: str, code: int = 0) -> str:
    done: Said = acquire(*words, "--config", "service.toml", cwd=folder)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return " ".join((done.stdout + done.stderr).split())


def test_the_page_is_followed(folder: Path) -> None:
    (block,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    said = [run(folder, *shlex.split(line)[1:]) for line in block.strip().splitlines()]
    assert "is beyond the action level" in said[0]
    assert "waits for physicist and physician; HOLDS the next fraction" in said[1]
    assert "waits for physician; HOLDS" in said[2]
    assert "ORD-N-1" in said[4]
    assert said[5] == "Notice 1: acknowledged; lifted by MP-1. The next fraction may be measured."
    (found,) = json.loads(run(folder, "notices", "list", "--json"))
    assert [m["what"] for m in found["marks"]] == ["acknowledged", "acknowledged", "lifted"]
    assert not found["holding"]


def test_who_has_not_the_role_is_told_who_has(folder: Path) -> None:
    lift = ("hold", "lift", "1", "--reason", "it was nothing")
    assert "MD-1 is no physicist or physician of [notices]" in run(folder, *lift, "--by", "MD-1", code=1)
    assert "by one person and confirmed by another" in run(folder, *lift, "--by", "MP-1", code=1)
    assert "There is no notice 7" in run(folder, "notices", "acknowledge", "7", "--by", "RO-1", code=1)
    url = f"sqlite:///{folder / 'store.db'}"
    done = acquire("notices", "acknowledge", "1", "--by", "RO-1", "--store", url, cwd=folder)
    assert done.returncode == 2
    assert "Say which service" in done.stderr


def test_the_status_of_a_session_shows_its_notices(folder: Path) -> None:
    (found,) = json.loads(run(folder, "notices", "list", "--json"))
    assert "Notice 1: C2 of session" in run(folder, "session", "status", found["session"])
    status = json.loads(run(folder, "session", "status", found["session"], "--json"))
    assert [each["cause"] for each in status["notices"]] == ["ACTION"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"mp-1@clinic.example"', '"mp-1"', "it is no mail address, such as physicist@clinic.example"),
        ('name = "MP-2"', 'name = "mp- 1"', "there are two recipients called 'mp- 1'"),
        ('role = "physician"', 'role = "physicist"', "no physician is told first"),
        ('security = "starttls"', 'security = "none"', "goes with a server on this machine"),
        ('username = "dosimetry"', "", "username and password_file go together"),
        ("stand_in_after_min = 120", "stand_in_after_min = 0", "stand_in_after_min"),
        ('url = "sqlite:///store.db"', "", "url"),
    ],
)
def test_a_wrong_table_of_notices_is_told_in_plain_words(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = tmp_path / "service.toml"
    assert old in CONFIG + TOLD
    path.write_text((CONFIG + TOLD).replace(old, new))
    with pytest.raises(FileProblem) as found:
        load(path)
    assert says in str(found.value)


def test_the_tables_of_the_page_are_sound(folder: Path) -> None:
    told = notices_of(folder / "service.toml")
    assert told is not None
    assert [each.name for each in told.recipient] == ["MP-1", "MP-2", "RO-1"]
    load(folder / "service.toml")
    assert DUE.startswith("result_due = { fraction = 3")


def test_with_accounts_a_role_is_the_accounts_and_the_second_person_shows_it(tmp_path: Path) -> None:
    connection = connect(tmp_path / "store.db", create=True)
    case = diode_case()
    staffed(connection)
    with everybody():
        case.add(connection)
        asyncio.run(calculated(connection, case, BEYOND))

    def says(code: int, who: str, *words: str) -> str:
        env = logged_in(connection, who, tmp_path)
        done = acquire(*words, "--store", f"sqlite:///{tmp_path / 'store.db'}", cwd=tmp_path, env=env)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    assert "MD-1 (dosimetrist) may not lift a hold" in says(
        1, "MD-1", "hold", "lift", "1", "--reason", "it was nothing"
    )
    assert "waits for physician" in says(0, "MP-1", "notices", "acknowledge", "1")
    assert "Notice 1: acknowledged" in says(0, "RO-2", "notices", "acknowledge", "1")
    lift = ("hold", "lift", "1", "--reason", "set-up corrected", "--confirmed-by", "RO-1")
    wrong = password_file("MP-2", tmp_path)
    says(1, "MP-1", *lift, "--confirm-password-file", wrong)
    assert "lifted by MP-1" in says(0, "MP-1", *lift, "--confirm-password-file", password_file("RO-1", tmp_path))
    connection.close()
