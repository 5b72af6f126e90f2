"""Charge proposals and their tables from the command line alone."""

from __future__ import annotations

import asyncio
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command_line import acquire
from every_row import PAYER
from followed_page import followed
from scenario_a import StoreClient, closed

from acquire.billing.claim import RULES
from acquire.billing.coverage import ROWS
from acquire.procedure.results.result import calculate_session
from acquire.store.database import connect

PAGE = Path(__file__).parents[3] / "docs" / "billing.md"
MUE = (
    '"A notice of\nseveral lines."\n'
    "HCPCS/CPT Code,Practitioner Services MUE Values,MUE Adjudication Indicator,MUE Rationale\n"
    "77331,2,2 Date of Service Edit: Policy,Clinical: Data\n"
)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Worked case A, measured and calculated: the store's option, and its session."""
    path = tmp_path_factory.mktemp("billing") / "store.db"
    connection = connect(path, create=True)
    session = asyncio.run(closed(connection, StoreClient(connection)))
    calculate_session(connection, session, "MP-1")
    connection.close()
    return f"--store=sqlite:///{path}", session


def test_the_card_has_every_rule_with_a_tick_or_what_is_missing(measured):
    store, session = measured
    done = acquire("billing", session, store)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"77331  {session}: proposal, not submitted"
    assert sum(line[:1] in "✓▲–" and line[:1] != "" for line in lines) == 26
    assert any(line.split("  ")[0] == "✓ Purpose" for line in lines)
    assert "B1, B2, B7" in done.stdout
    assert len(lines) < 80
    assert max(map(len, lines)) <= 100
    assert "example-a" not in done.stdout


def test_the_page_can_be_followed(measured, tmp_path):
    store, session = measured
    shutil.copy(store.removeprefix("--store=sqlite:///"), tmp_path / "store.db")
    for line, done in followed(PAGE, tmp_path, {"STORE": "sqlite:///store.db", "SESSION": session}, "CB-1"):
        assert done.returncode == 0, (line, done.stderr)
    assert done.stdout == "Table 1 is withdrawn.\n"
    assert json.loads((tmp_path / "claim.json").read_text())["charge"]["units"] == 3


def test_tables_are_added_for_stated_days_listed_and_withdrawn(measured, tmp_path):
    store, session = measured
    mue, payer = tmp_path / "mue.csv", tmp_path / "payer.toml"
    mue.write_text(MUE, encoding="utf-8-sig")
    today = datetime.now(UTC).date()
    payer.write_bytes(PAYER.replace(b"2026-12-31", b"2099-12-31"))
    quarter = ("--from", f"{today - timedelta(days=2)}", "--until", f"{today + timedelta(days=60)}")

    refused = acquire("billing", "table", "add", str(mue), "--by", "CB-1", store)
    assert (refused.returncode, "give --from and --until" in refused.stderr) == (1, True)
    long = acquire(
        "billing", "table", "add", str(mue), "--by", "CB-1", "--from", "2026-01-01", "--until", "2027-01-01", store
    )
    assert "is published by quarter" in long.stderr
    half = acquire("billing", "table", "add", str(mue), "--by", "CB-1", "--from", "2026-01-01", store)
    assert half.returncode == 2
    none = acquire("billing", "table", "add", str(tmp_path), "--by", "CB-1", store)
    assert (none.returncode, "only plain files are read" in none.stderr) == (1, True)

    added = acquire("billing", "table", "add", str(mue), "--by", "CB-1", *quarter, store)
    assert added.stdout.startswith("Table 1: CMS MUE, practitioners, dates of service")
    acquire("billing", "table", "add", str(payer), "--by", "CB-1", store)
    listed = json.loads(acquire("billing", "table", "list", "--json", store).stdout)
    assert [(t["number"], t["kind"], t["limit_77331"]) for t in listed] == [
        (1, "mue-practitioner", "2 a day"),
        (2, "payer", "6 a course"),
    ]
    said = json.loads(acquire("billing", session, "--json", store).stdout)
    rule = next(r for r in said["rules"] if r["id"] == "unit-limits")
    assert "3 units of 77331 on" in rule["says"]
    assert "an absolute limit" in rule["says"]
    assert {limit["stands"] for limit in said["charge"]["limits"]} == {"within", "beyond", "unknown"}
    assert "CMS MUE, practitioners" in said["charge"]["payer_table_version"]

    gone = acquire("billing", "table", "withdraw", "1", "--by", "CB-1", "--reason", "of another quarter", store)
    assert gone.stdout == "Table 1 is withdrawn.\n"
    again = acquire("billing", "table", "withdraw", "1", "--by", "CB-1", "--reason", "x", store)
    assert again.stderr == "Table 1 was withdrawn already.\n"
    unknown = acquire("billing", session, store).stdout
    assert "no MUE table of practitioners holds" in " ".join(unknown.split())
    assert acquire("store", "verify", store).returncode == 0


def test_the_page_has_every_row():
    titles = {r.id: r.title for r in RULES}
    page = PAGE.read_text()
    for row in ROWS:
        holds = ", ".join(titles[each] for each in row.rules) or f"no rule: {row.no_rule}"
        assert f"| {row.asks} | {holds} |" in page


def test_what_is_neither_session_nor_order_is_refused(measured):
    done = acquire("billing", "s-none", measured[0])
    assert done.returncode == 1
    assert done.stderr.startswith("There is no session and no order s-none;")
