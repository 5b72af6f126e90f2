"""Prometheus' own judge of metrics, rules and what rules do, out of Debian's package; `make test` fetches it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

ROOT = Path(__file__).parents[1]
RULES = ROOT / "config/prometheus-rules.yml"
MINUTES = 10  # that a page lasts
JOB = {"job": "dosimetry-acquire", "instance": "host:9177"}


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
    def series(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
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
    values: dict[tuple[str, tuple[tuple[str, str], ...]], list[str]] = {name: [] for name in names}
    for n, page in enumerate(pages):
        here = page.series
        for name in names:
            for minute in range(n * MINUTES, (n + 1) * MINUTES):
                value = here.get(name)
                if value is not None and name[0].endswith("_timestamp_seconds"):
                    value += 60 * minute - page.at
                values[name].append("_" if value is None else repr(value))
    tests = [
        {"eval_time": f"{(n + 1) * MINUTES - 1}m", "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
         "firing": sorted(of)} for n, of in enumerate(expected)
    ]  # fmt: skip
    series = [(spelled(name, dict(labels) | JOB), each) for (name, labels), each in values.items()]
    judge([{"series": series, "tests": tests}], folder)


def judge(cases: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """`series`: (spelling, values) a minute; `tests`: when which alerts fire. Fails with promtool's words."""
    document = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": " ".join(values)} for name, values in case["series"]],
                "promql_expr_test": [
                    {"expr": 'group by (alertname) (ALERTS{alertstate="firing"})', "eval_time": each["eval_time"],
                     "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in each["firing"]]}
                    for each in case["tests"]
                ],
            }
            for case in cases
        ],
    }  # fmt: skip
    file = folder / "cases.json"  # JSON is YAML
    file.write_text(json.dumps(document))
    done = promtool("test", "rules", str(file))
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def spelled(name: str, labels: Mapping[str, str]) -> str:
    """A series as promtool reads it."""
    return f"{name}{{{', '.join(f'{key}={json.dumps(value)}' for key, value in labels.items())}}}"
