"""The fit beside the dose: `results`, `session status` and the record say what it found, or why there is none."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from arrived import glow
from brokers import running_mosquitto
from command_line import acquire
from scenario_a import CHIPS, StoreClient, measured, prepared
from waiting import until

from acquire.config import load
from acquire.fits.curves import fitted
from acquire.fits.kept import Curve, keep
from acquire.fits.shown import fits_of_session, said
from acquire.procedure.results.result import calculate_session
from acquire.procedure.session.closing import close_session
from acquire.procedure.session.session import get_session
from acquire.record import build, html
from acquire.service import service
from acquire.store.database import connect
from acquire.store.entries import entry_at

TL = {"attributes": {"recordType": "TL", "sequenceStepNumber": "2"}, "origin": {"file": "x.xsyg", "sha256": "ab" * 32}}
NOT_YET = "Curve of X-1: it has not been fitted yet; a running service does that by itself."


async def session_with_curve(connection: sqlite3.Connection, client: StoreClient) -> str:
    """Worked case A whose disc gave a real TLD-100 curve; closed."""
    session = prepared(connection)
    await measured(connection, client, session)
    client.chips("tray.asc", CHIPS)
    client.put("tld-reader-2", [glow(**TL, time=client.now())])
    close_session(connection, session, "MD-1")
    return session


def kept(connection: sqlite3.Connection, client: StoreClient, preset: str = "TLD-100", **changed: Any) -> None:
    stream = client.of("tld-reader-2").stream
    entry = entry_at(connection, stream, 1)
    assert entry is not None
    curve = Curve(stream, 1, entry.digest, preset, "X-1", "X-1", entry.body)
    keep(connection, [(curve, fitted(preset, "X-1", entry.body) | changed)])


def sentences(connection: sqlite3.Connection, session: str) -> list[str]:
    return said(fits_of_session(connection, get_session(connection, session)))


async def test_the_commands_and_the_record_show_it(
    connection: sqlite3.Connection, client: StoreClient, tmp_path: Path
) -> None:
    session = await session_with_curve(connection, client)
    assert sentences(connection, session) == [NOT_YET]
    kept(connection, client, "TLD-700")  # what another inventory said
    assert sentences(connection, session) == [NOT_YET]
    kept(connection, client)
    calculate_session(connection, session, "MP-1")
    warnings = [f"Curve of X-1: {each}" for each in fitted("TLD-100", "X-1", json.dumps(glow()).encode())["warnings"]]
    assert warnings
    assert sentences(connection, session) == warnings
    store = ("--store", f"sqlite:///{tmp_path / 'store.db'}")
    told = json.loads(acquire("results", session, *store, "--json").stdout)["results"]
    of_disc = [fit for result in told for fit in result["fits"]]
    assert [(f["element"], f["analysis"], f["preset"]) for f in of_disc] == [("X-1", "glow 1", "TLD-100")]
    assert of_disc[0]["result"]["peaks"][-1]["t_m_k"] == pytest.approx(509.4, abs=0.5)
    point = next(result["point"] for result in told if result["fits"])
    page = " ".join(acquire("results", session, *store).stdout.split())
    assert all(f"{point}: {each}" in page for each in warnings)
    assert json.loads(acquire("session", "status", session, *store, "--json").stdout)["fits"] == warnings
    record = build(connection, session)
    assert [p["fits"] for p in record["points"] if p["fits"]] == [of_disc]
    assert "Fit of the curve of X-1 that the store keeps: glow 1, TLD-100, figure of merit " in html(record)


async def test_a_curve_that_is_not_fitted_says_why(connection: sqlite3.Connection, client: StoreClient) -> None:
    session = await session_with_curve(connection, client)
    kept(connection, client, refused="The heating stood still.")
    calculate_session(connection, session, "MP-1")
    assert sentences(connection, session) == ["Curve of X-1: not fitted: The heating stood still."]
    assert "the store keeps: none, The heating stood still. (glow 1)" in html(build(connection, session))


async def test_a_material_without_preset_is_named(
    connection: sqlite3.Connection, client: StoreClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await session_with_curve(connection, client)
    monkeypatch.setattr("acquire.glow.preset_of", lambda _: None)
    assert sentences(connection, session) == ["Curve of X-1: there is no preset for the material 'LiF:Mg,Ti disc'."]


async def test_a_service_fits_what_waits_in_its_store(tmp_path: Path) -> None:
    connection = connect(tmp_path / "clinic.db", create=True)
    session = await session_with_curve(connection, StoreClient(connection))
    async with running_mosquitto(tmp_path) as broker:
        config = tmp_path / "service.toml"
        config.write_text(
            f'site = "clinic"\n[broker]\nmode = "external"\nport = {broker.port}\n[store]\nurl = "sqlite:///clinic.db"\n'
        )
        async with service(load(config)):
            await until(lambda: sentences(connection, session) != [NOT_YET])
    (fit,) = fits_of_session(connection, get_session(connection, session))
    assert fit["result"]["refused"] is None
    connection.close()
