"""Prometheus' own judge of metrics, rules and what rules do, out of Debian's package; `make test` fetches it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

ROOT = Path(__file__).parents[1]
RULES = ROOT / "config/prometheus-rules.yml"
MINUTES = 10  # that a page lasts
Name = tuple[str, tuple[tuple[str, str], ...]]
Values = Sequence[float | None]


def promtool(*words: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run it; a machine without it fails the test rather than skipping it."""
    path = f"{os.environ['PATH']}:{ROOT / '.venv/prometheus/usr/bin'}"
    found = shutil.which("promtool", path=path)
    assert found, "promtool is not there; `make test` fetches it"
    return subprocess.run([found, *words], input=given, capture_output=True, check=False, timeout=60)


@dataclass(frozen=True, slots=True)
class Page:
    """A scrape in OpenMetrics, read by prometheus_client's parser. at: seconds since 1970."""

    families: Sequence[Metric]
    at: float

    @classmethod
    def of(cls, text: str, at: float) -> Page:
        return cls(list(text_string_to_metric_families(text)), at)

    @property
    def series(self) -> dict[Name, float]:
        """Value by name and labels."""
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): float(sample.value)
            for family in self.families
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        """Of the one series that has these labels; None where there is none."""
        found = [
            value
            for (called, of), value in self.series.items()
            if called == name and labels.items() <= dict(of).items()
        ]
        assert len(found) < 2, f"{name} {labels} is not one series"
        return found[0] if found else None


def fire(pages: Sequence[Page], expected: Sequence[Iterable[str]], folder: Path) -> None:
    """Fails unless after MINUTES of each page, one after the other, exactly these alerts fire, by promtool's judgement.

    Each minute is a scrape. Moments since 1970 are moved into its time, which begins at 0.
    """
    names = dict.fromkeys(name for page in pages for name in page.series)
    values: dict[Name, list[float | None]] = {name: [] for name in names}
    for n, page in enumerate(pages):
        here = page.series
        for name in names:
            for minute in range(n * MINUTES, (n + 1) * MINUTES):
                value = here.get(name)
                if value is not None and name[0].endswith("_timestamp_seconds"):
                    value += 60 * minute - page.at
                values[name].append(value)
    series = {spelled(name, dict(labels), "host"): each for (name, labels), each in values.items()}
    firing = {(n + 1) * MINUTES - 1: {("host", alert) for alert in of} for n, of in enumerate(expected)}
    judge("1m", series, firing, folder)


def judge(
    interval: str, series: Mapping[str, Values], firing: Mapping[int, Iterable[tuple[str, str]]], folder: Path
) -> None:
    """Fails, with promtool's words, unless after so many intervals exactly these (instance, alert) fire.

    `series`: a value each interval, None for none.
    """
    minutes = int(interval.removesuffix("m"))
    tests = [
        {
            "expr": 'group by (instance, alertname) (ALERTS{alertstate="firing"})',
            "eval_time": f"{after * minutes}m",
            "exp_samples": [
                {"labels": f'{{instance="{instance}", alertname="{alert}"}}', "value": 1}
                for instance, alert in sorted(of)
            ],
        }
        for after, of in firing.items()
    ]
    given = [
        {"series": name, "values": " ".join("_" if each is None else repr(each) for each in values)}
        for name, values in series.items()
    ]
    document = {
        "rule_files": [str(RULES)],
        "evaluation_interval": interval,
        "tests": [{"interval": interval, "input_series": given, "promql_expr_test": tests}],
    }
    file = folder / f"cases-{interval}.json"
    file.write_text(json.dumps(document))  # JSON is YAML
    done = promtool("test", "rules", str(file))
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def spelled(name: str, labels: Mapping[str, str], instance: str) -> str:
    """A series of a scraped host, as promtool reads it."""
    of = {**labels, "job": "dosimetry-acquire", "instance": instance}
    return f"{name}{{{', '.join(f'{key}={json.dumps(value)}' for key, value in of.items())}}}"
