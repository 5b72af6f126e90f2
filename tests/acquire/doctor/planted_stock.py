"""Faults of calibrations and detectors: files of the demonstration with other dates and doses."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from installations import Installation, planted
from planned import planned
from scenario_a import demo_file

from acquire.doctor.looking import stock

Plants = AsyncIterator[None]


@planted("calibration-due", "Calibration CAL-D-11-6MV of D-11 ends on ", ", in 20 days: calibrate it before.")
async def a_calibration_that_ends_soon(it: Installation) -> Plants:
    with planned(it):
        yield
    it.store_file.unlink()
    soon = (datetime.now(UTC).date() + timedelta(days=20)).isoformat().encode()
    _, body = demo_file("calibrations.toml")
    before, own, after = body.partition(b'id = "CAL-D-11-6MV"')
    with planned(it, calibrations=before + own + re.sub(rb"(valid_until = )[0-9-]+", rb"\g<1>" + soon, after, count=1)):
        yield


@planted("calibration-over", "Calibration CAL-D-11-6MV of D-11 ended on ", ": calibrate it again, or use another.")
async def a_calibration_whose_time_is_over(it: Installation) -> Plants:
    """No plan takes one: the plan was made in time, and a day has passed since the last one of its calibration."""
    soon = datetime.now(UTC).date() + timedelta(days=40)
    _, body = demo_file("calibrations.toml")
    before, own, after = body.partition(b'id = "CAL-D-11-6MV"')
    edited = before + own + re.sub(rb"(valid_until = )[0-9-]+", rb"\g<1>" + str(soon).encode(), after, count=1)
    with planned(it, calibrations=edited):
        yield
        with patch.object(stock, "today", lambda: soon + timedelta(days=1)):
            yield


@planted("detector-dose", "Calibration CAL-D-11-6MV of D-11 ended at ", "calibrate it again, or use another.")
async def a_detector_that_has_received_what_it_may(it: Installation) -> Plants:
    """The plan was made with what the inventory said; an irradiation here came on top."""
    _, body = demo_file("calibrations.toml")
    before, own, after = body.partition(b'id = "CAL-D-11-6MV"')
    limited = before + own + after.replace(b"valid_until = ", b"valid_until_gy = 500\nvalid_until = ", 1)
    with planned(it, calibrations=limited) as connection:
        yield
        connection.execute("PRAGMA foreign_keys = OFF")
        serial = re.search(rb'id = "D-11".*?serial = "([^"]+)"', demo_file("inventory.toml")[1], re.DOTALL)
        assert serial
        connection.execute(
            "INSERT INTO session (id, order_id, plan_version, fraction, calibrations, inventory, simulated, started_at,"
            " started_by) SELECT 's-1', order_id, version, 1, calibrations, inventory, 0, '2026-01-01', 'MD-1'"
            " FROM plan_files"
        )
        connection.execute(
            "INSERT INTO attempt (measurement, session, step, kind, instrument, requested_at, who) VALUES ('m-1',"
            " 's-1', 'b1', 'irradiate', 'electrometer-1', '2026-01-01', 'MD-1')"
        )
        connection.execute(
            "INSERT INTO attempt_mark (n, measurement, mark, stream, seq, at, who) VALUES (1, 'm-1', 'begun', 's', 1,"
            " ?, 'MD-1')",
            (datetime.now(UTC).isoformat(),),
        )
        connection.execute(
            "INSERT INTO detector_irradiated (measurement, point, detector, serial, at_most_gy) VALUES"
            " ('m-1', 'B1', 'D-11', ?, 1e6)",
            (serial[1].decode(),),
        )
        yield
