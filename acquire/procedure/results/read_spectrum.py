"""What a spectrum's file holds."""

from __future__ import annotations

from acquire.procedure.documents import kept
from acquire.procedure.methods.spectrum import read
from acquire.procedure.records.measured import SpectrumFile
from acquire.procedure.records.selection import OfSpectrumFile
from acquire.procedure.results.preparing import Preparing


def read_spectrum(preparing: Preparing, of: OfSpectrumFile) -> None:
    """Read as the plan says. Raises DosimetryError, Refused."""
    if of.spectrum is not None and preparing.point.spectrum is not None:
        body = kept.fetch(preparing.connection, of.spectrum)[1]
        preparing.measured = SpectrumFile(measured=read(preparing.point.spectrum, body))
