"""Every alert fires where it should and is silent beside it, by promtool; Grafana's own library reads the dashboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from promtool import RULES, judge, promtool, spelled

ROOT = Path(__file__).parents[3]
DAY = 86400
LENGTH = 130  # of every series, in intervals
NOW = (LENGTH - 1) * 1800  # in those of half an hour, which begin at 0
Values = list[float | None]
Series = dict[tuple[str, str], Values]  # by name, and by what series of one name are told apart


def stays(value: float) -> Values:
    return [value] * LENGTH


def steps(before: float | None, after: float, ago: int = 10) -> Values:
    """Another value for the last so many intervals."""
    return [before] * (LENGTH - ago) + [after] * ago


def rises() -> Values:
    return [60.0 * n for n in range(LENGTH)]


def store(**more: Values) -> Series:
    """A store's host that is well but for `more`."""
    return {("dosimetry_service_part_ready", "store"): stays(1)} | {
        (f"dosimetry_{name}", "store"): values for name, values in more.items()
    }


ALERTS: list[tuple[str, str, Series, Series]] = [  # interval, series of which it fires, series of which nothing does
    ("AcquireGone", "1m", {("up", ""): stays(0)}, {("up", ""): stays(1)}),
    ("AcquireStuck", "1m", {("dosimetry_service_live", ""): stays(0)}, {("dosimetry_service_live", ""): stays(1)}),
    ("AcquireConfigurationWaits", "1m", {("dosimetry_service_configuration_in_force", ""): stays(0)},
     {("dosimetry_service_configuration_in_force", ""): steps(1, 0)}),
    ("AcquireDatabaseSilent", "1m", {("dosimetry_service_database_answers", "store"): stays(0)},
     {("dosimetry_service_database_answers", "store"): steps(1, 0, 2)}),
    ("AcquireBrokerLost", "1m", {("dosimetry_broker_connected", "source"): stays(0)},
     {("dosimetry_broker_connected", "source"): steps(1, 0, 2)}),
    ("AcquireInstrumentFault", "1m", {("dosimetry_instrument_state", "fault"): stays(1)},
     {("dosimetry_instrument_state", "fault"): stays(0), ("dosimetry_instrument_state", "ready"): stays(1)}),
    ("AcquireInstrumentComesAndGoes", "1m", {("dosimetry_instrument_connections_total", ""): steps(1, 9)},
     {("dosimetry_instrument_connections_total", ""): steps(1, 4)}),
    ("AcquireUnreadAnswers", "1m", {("dosimetry_instrument_unread_answers_total", ""): steps(0, 20)},
     {("dosimetry_instrument_unread_answers_total", ""): steps(0, 3)}),
    ("AcquireFilesUnreadable", "1m", {("dosimetry_instrument_unreadable_files", ""): stays(1)},
     {("dosimetry_instrument_unreadable_files", ""): steps(0, 1)}),
    ("AcquireAcquisitionStands", "1m", {("dosimetry_service_part_ready", "spool"): stays(0)},
     {("dosimetry_service_part_ready", "spool"): stays(1)}),
    ("AcquireStoreCommitsNothing", "1m", {("dosimetry_service_part_ready", "store"): stays(0)},
     {("dosimetry_service_part_ready", "store"): stays(1)}),
    ("AcquireWaitsForStore", "1m", {("dosimetry_spool_oldest_unconfirmed_age_seconds", ""): stays(301)},
     {("dosimetry_spool_oldest_unconfirmed_age_seconds", ""): stays(299)}),
    ("AcquireSlow", "1m", {("dosimetry_spool_confirmation_seconds_bucket", "5"): stays(0),
                           ("dosimetry_spool_confirmation_seconds_bucket", "10"): rises(),
                           ("dosimetry_spool_confirmation_seconds_bucket", "+Inf"): rises()},
     {("dosimetry_spool_confirmation_seconds_bucket", "5"): rises(),
      ("dosimetry_spool_confirmation_seconds_bucket", "+Inf"): rises()}),
    ("AcquireSpoolNearlyFull", "1m",
     {("dosimetry_spool_size_bytes", ""): stays(91), ("dosimetry_spool_limit_bytes", ""): stays(100)},
     {("dosimetry_spool_size_bytes", ""): stays(89), ("dosimetry_spool_limit_bytes", ""): stays(100)}),
    ("AcquireWithheld", "1m", {("dosimetry_spool_withheld_entries", ""): stays(1)},
     {("dosimetry_spool_withheld_entries", ""): stays(0)}),
    ("AcquireOtherStore", "1m", {("dosimetry_spool_foreign_answers_total", ""): steps(0, 1)},
     {("dosimetry_spool_foreign_answers_total", ""): stays(7)}),
    ("AcquireNoAnswers", "1m", {("dosimetry_spool_unreadable_answers_total", ""): steps(0, 1)},
     {("dosimetry_spool_unreadable_answers_total", ""): stays(7)}),
    ("AcquireRejectedEntries", "1m", {("dosimetry_store_refused_entries_total", ""): steps(3, 23)},
     {("dosimetry_store_refused_entries_total", ""): steps(3, 5)}),
    ("AcquireUnreadableMessages", "1m", {("dosimetry_store_unreadable_messages_total", ""): steps(0, 1)},
     {("dosimetry_store_unreadable_messages_total", ""): stays(1)}),
    ("AcquireEntriesLost", "1m", {("dosimetry_store_lost_entries", ""): steps(0, 4)},
     {("dosimetry_store_lost_entries", ""): stays(4)}),
    ("AcquireAlarm", "1m", {("dosimetry_store_alarms_total", "lost"): steps(1, 2)},
     {("dosimetry_store_alarms_total", "lost"): stays(2)}),
    ("AcquireSpoolAlarm", "1m", {("dosimetry_spool_alarms_total", "withheld"): steps(None, 1, 30)},
     {("dosimetry_spool_alarms_total", "withheld"): stays(1)}),
    ("AcquireDamaged", "1m", {("dosimetry_database_sound", "store"): stays(0)},
     {("dosimetry_database_sound", "store"): stays(1)}),
    ("AcquireUnchecked", "1m", {("dosimetry_database_check_timestamp_seconds", "spool"): stays(-3.1 * DAY)},
     {("dosimetry_database_check_timestamp_seconds", "spool"): stays(-2.9 * DAY)}),
    ("AcquireDoesNotVerify", "1m", {("dosimetry_store_verify_problems", ""): stays(2)},
     {("dosimetry_store_verify_problems", ""): stays(0)}),
    ("AcquireUnverified", "30m", store(store_backup_timestamp_seconds=stays(NOW - DAY)),
     store(store_backup_timestamp_seconds=stays(NOW - DAY), store_verify_timestamp_seconds=stays(NOW - 34 * DAY))),
    ("AcquireUnverified", "30m", {("dosimetry_store_verify_timestamp_seconds", ""): stays(NOW - 37 * DAY)}, {}),
    ("AcquireBackupOld", "30m", store(store_verify_timestamp_seconds=stays(NOW)),
     store(store_verify_timestamp_seconds=stays(NOW), store_backup_timestamp_seconds=stays(NOW - 1.9 * DAY))),
    ("AcquireBackupOld", "30m", {("dosimetry_store_backup_timestamp_seconds", ""): stays(NOW - 2.5 * DAY)}, {}),
    ("AcquireLogInFailures", "1m", {("dosimetry_store_password_trials_total", ""): steps(5, 25),
                                    ("dosimetry_store_password_successes_total", ""): steps(4, 5)},
     {("dosimetry_store_password_trials_total", ""): steps(5, 25),
      ("dosimetry_store_password_successes_total", ""): steps(4, 22)}),
    ("AcquireOrdersRefused", "1m", {("dosimetry_orders_outcomes_total", "AE"): steps(0, 1)},
     {("dosimetry_orders_outcomes_total", "AA"): steps(0, 9)}),
    ("AcquireDiskNearlyFull", "1m",
     {("dosimetry_disk_free_bytes", "spool"): stays(4e9), ("dosimetry_disk_size_bytes", "spool"): stays(1e11)},
     {("dosimetry_disk_free_bytes", "spool"): stays(6e9), ("dosimetry_disk_size_bytes", "spool"): stays(1e11)}),
    ("AcquireDiskNearlyFull", "1m",
     {("dosimetry_disk_free_bytes", "spool"): stays(1e9), ("dosimetry_disk_size_bytes", "spool"): stays(4e9)}, {}),
    ("AcquireCertificateEnds", "30m",
     {("dosimetry_certificate_expiry_timestamp_seconds", "broker"): stays(NOW + 13 * DAY)},
     {("dosimetry_certificate_expiry_timestamp_seconds", "broker"): stays(NOW + 15 * DAY)}),
]  # fmt: skip
TOLD_BY = {
    "dosimetry_instrument_state": "dosimetry_instrument_state", "dosimetry_service_part_ready": "part",
    "dosimetry_spool_confirmation_seconds_bucket": "le", "dosimetry_orders_outcomes_total": "outcome",
}  # fmt: skip


def spelt(series: Series, instance: str) -> dict[str, Values]:
    return {
        spelled(name, {TOLD_BY.get(name, "what"): apart} if apart else {}, instance): values
        for (name, apart), values in series.items()
    }


@pytest.mark.parametrize("interval", ["1m", "30m"])
def test_every_alert_fires_where_it_should_and_nothing_beside_it(interval: str, tmp_path: Path) -> None:
    """Each case is a host of its own."""
    series: dict[str, Values] = {}
    firing = set()
    for n, (alert, every, fires, silent) in enumerate(ALERTS):
        if every == interval:
            series |= spelt(fires, f"fires-{n}") | spelt(silent, f"silent-{n}")
            firing.add((f"fires-{n}", alert))
    judge(interval, series, {LENGTH - 1: firing}, tmp_path)


def test_no_alert_is_forgotten_and_the_judge_is_no_yes_man(tmp_path: Path) -> None:
    named = {rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]}
    assert named == {alert for alert, *_ in ALERTS}
    with pytest.raises(AssertionError, match=r"(?s)FAILED.*AcquireGone"):
        judge("1m", spelt({("up", ""): stays(0)}, "host"), {9: ()}, tmp_path)


def test_promtool_finds_nothing_wrong_with_the_rules_and_each_says_what_to_do() -> None:
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", str(RULES))
    assert done.returncode == 0, done.stdout + done.stderr
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in ("critical", "warning")
            assert all(rule["annotations"][key] for key in ("summary", "description"))


def test_the_dashboard_is_one_to_grafanas_own_library() -> None:
    """Whatever it does not know it drops: nothing is."""
    ours = json.loads((ROOT / "config/grafana-dashboard.json").read_text())
    theirs = json.loads(JSONEncoder().encode(Dashboard.from_json(ours)))
    assert list(lost(ours, theirs)) == []
    ids = [panel["id"] for panel in ours["panels"]]
    assert len(ids) == len(set(ids))


def lost(ours: Any, theirs: Any, at: str = "") -> list[str]:
    """What of ours is not in theirs."""
    if isinstance(ours, dict):
        return [each for key, value in ours.items() for each in (
            lost(value, theirs[key], f"{at}/{key}") if key in theirs else [f"{at}/{key}"])]  # fmt: skip
    if isinstance(ours, list):
        pairs = zip(ours, theirs, strict=True)
        return [each for n, (one, other) in enumerate(pairs) for each in lost(one, other, f"{at}/{n}")]
    return [] if ours == theirs else [f"{at}: {ours!r}, {theirs!r}"]
