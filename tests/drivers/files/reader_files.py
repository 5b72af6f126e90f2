"""Writers of small reader files, from the published layouts; every value and id is invented."""

from __future__ import annotations

from pathlib import Path

from drivers.files import FolderInstrument, Format, folder_model
from drivers.files.winrems import WINREMS

MICRO = "\u00b5"


def line(card: int | str = 501, response: str = "80955", **fields: str) -> str:
    """One WinREMS record of 29 fields without line end; element 2 is active. fields: f1, f2, ... replace what is there.

    tld_readers.md section 3.2 has the layout.
    """
    texts = [
        '"M6600"', "1", "9", "0", "1", "0", "0", '"3"', '"0"', "0", '" "', "20260601", "090215", str(card),
        '"           "', '" "', "1.000E+0", "1.000", "0", "0.000E+0", "0.000", response, "0.000E+0", "0.000", "78584",
        "1.000E+0", "1.000", "0", '"pC"',
    ]  # fmt: skip
    for name, text in fields.items():
        texts[int(name[1:]) - 1] = text
    return ", ".join(texts)


def export(*cards: int, end: str = "\r\n") -> bytes:
    """A WinREMS export of one line for each card."""
    return "".join(line(card) + end for card in cards).encode()


def curve(text: str, source: str = 'detector="UVVIS"', state: str | None = "finished", kind: str = "measured") -> str:
    """One Curve element."""
    said = f'state="{state}" ' if state else ""
    return f'<Curve {said}curveType="{kind}" {source} curveDescripter="t [s]; cts [1/ch]">{text}</Curve>'


def heater(text: str, **more: str | None) -> str:
    """The measured curve of the heating element."""
    return curve(text, 'stimulator="heating element"', **more)  # type: ignore[arg-type]


def record(*curves: str, state: str | None = "finished", kind: str | None = "TL", more: str = "") -> str:
    """One Record element."""
    said = (f'state="{state}" ' if state else "") + (f'recordType="{kind}" ' if kind else "")
    return f'<Record {said}name="r" startDate="20260601090100" {more}>{"".join(curves)}</Record>'


def xsyg(*records: str, declared: str = '<?xml version="1.0" encoding="utf-8"?>\n') -> str:
    """A file of one Sample with one Sequence."""
    head = '<Sample state="finished" name="S1" user="somebody" comment="private" savePath="C:\\somebody">'
    inside = "\n".join(records)
    sequence = '<Sequence state="finished" name="s" protocol="SAR" position="3">'
    return f"{declared}{head}{sequence}\n{inside}\n</Sequence></Sample>\n"


GLOW = curve("0.1,6;0.2,7;0.3,5;0.4,5")
HEAT = heater("0.1,25;0.2,30;0.3,35;0.4,40")
GOOD = record(GLOW, HEAT)


class Clock:
    """Monotonic seconds that a test steps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Now."""
        return self.now

    def step(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


def folder_at(path: Path, fmt: Format = WINREMS, clock: Clock | None = None, **settings: object) -> FolderInstrument:
    """A drop folder in `path`/in that settles at once, unless told otherwise."""
    (path / "in").mkdir(exist_ok=True)
    model = folder_model(fmt)
    made = model.settings.model_validate({"settle_s": 0, "journal": path / "taken"} | settings)
    return FolderInstrument(model, f"dir:{path / 'in'}", made, clock=clock or Clock())  # type: ignore[arg-type]
