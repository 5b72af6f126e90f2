"""The file with the spectrum of a point."""

from __future__ import annotations

from acquire.procedure.records.selection import OfSpectrumFile
from acquire.procedure.results.choosing import Choosing
from acquire.procedure.session.spectrum_file import spectrum_file


def select_spectrum(choosing: Choosing) -> OfSpectrumFile:
    """The one that counts."""
    found = spectrum_file(choosing.connection, choosing.session.id, choosing.point.id)
    if found is None:
        choosing.problems.append(f"No spectrum file was given for {choosing.point.id}.")
    return OfSpectrumFile(spectrum=found)
