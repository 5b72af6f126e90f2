"""A package that holds nothing but a profile: its entry point names the package in which NAME.toml lies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from profile_text import GOOD

from drivers import Misuse, registry


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """On sys.path, as pip would have laid it down."""
    info, own = tmp_path / "our_probes-1.0.dist-info", tmp_path / "our_probes"
    info.mkdir()
    own.mkdir()
    (own / "__init__.py").write_text("")
    (own / "two-inputs.toml").write_text(GOOD)
    (own / "wrong.toml").write_text(GOOD.replace("two-inputs", "wrong").replace("min = -200\n", ""))
    (own / "other-name.toml").write_text(GOOD)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: our_probes\nVersion: 1.0\n")
    names = ("two-inputs", "wrong", "other-name", "missing")
    (info / "entry_points.txt").write_text("[acquire.profiles]\n" + "".join(f"{name} = our_probes\n" for name in names))
    monkeypatch.syspath_prepend(str(tmp_path))
    registry._found.cache_clear()
    yield own
    registry._found.cache_clear()
    registry._loaded.cache_clear()


def test_it_is_found_by_its_name_and_cannot_be_taken_for_another(package: Path) -> None:
    found = registry.model("two-inputs")
    assert (found.name, found.channels) == ("two-inputs", ("A", "B"))
    assert "two-inputs" in registry.models()
    with pytest.raises(Misuse, match="There is a model 'two-inputs' already"):
        registry.offer(found)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("wrong", r"our_probes/wrong\.toml, line 26, field\.charge: 'value' needs 'min'"),
        ("other-name", r"entry point other-name of acquire\.profiles \(our_probes\) gives the model 'two-inputs'"),
        ("missing", r"The package our_probes brings no missing\.toml"),
    ],
)
def test_one_that_is_wrong_stands_in_nobody_elses_way(package: Path, name: str, why: str) -> None:
    with pytest.raises(Misuse, match=why):
        registry.model(name)
    assert registry.model("mosfet-reader-5").name == "mosfet-reader-5"
