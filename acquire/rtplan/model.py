"""An RT Plan as far as a measurement needs it: frozen values with their units."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Beam:
    """A treatment beam of a fraction group. None stands for what the file does not state.

    energies   nominal energies in the order of the control points, MV or MeV, each once
    fff        the fluence is not flattened, as the fluence mode says
    gantry     first and last angle in degrees; alike where the gantry stands
    ssd_cm     of the first control point, else that of the fraction group
    dose_gy    beam dose of one fraction at the beam's own point (mm, patient coordinates), never the entrance dose
    """

    number: int
    name: str
    radiation: str
    machine: str
    energies: tuple[float, ...]
    fff: bool
    gantry: tuple[float, float] | None
    mu: float | None
    ssd_cm: float | None
    wedges: tuple[str, ...]
    applicator: str | None
    bolus: int
    dose_gy: float | None
    dose_point_mm: tuple[float, float, float] | None
    depth_cm: float | None

    @property
    def is_arc(self) -> bool:
        """Whether the gantry moves during the beam."""
        return self.gantry is not None and self.gantry[0] != self.gantry[1]

    @property
    def quality(self) -> str:
        """As plans name a beam: "6 MV", "6 MV FFF", "9 MeV"; several energies joined."""
        unit = "MeV" if self.radiation == "ELECTRON" else "MV"
        return " + ".join(f"{each:g} {unit}" for each in self.energies) + (" FFF" if self.fff else "")


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of an applicator: its source's total time in s, and (position in mm, dwell time in s) of each stop."""

    number: int
    source: int
    total_s: float
    dwells: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A sealed source: isotope, half-life in d, reference air kerma rate in U (µGy m²/h), and as of when."""

    number: int
    isotope: str
    half_life_d: float
    strength_u: float
    strength_at: str


@dataclass(frozen=True, slots=True)
class DoseReference:
    """A point or volume of the prescription: description, type (TARGET, ORGAN_AT_RISK), doses in Gy."""

    number: int
    structure: str
    kind: str
    description: str
    prescribed_gy: float | None
    maximum_gy: float | None


@dataclass(frozen=True, slots=True)
class RtPlan:
    """One file. `patient` is for comparing alone: it goes into no document, no log and no message.

    left_out  beams that are no treatment (set-up, port images), by name
    """

    uid: str
    sha256: str
    label: str
    approval: str
    approved_at: str | None
    patient: str
    fractions: int | None
    beams: tuple[Beam, ...]
    left_out: tuple[str, ...]
    sources: tuple[Source, ...]
    channels: tuple[Channel, ...]
    technique: str | None
    references: tuple[DoseReference, ...]
