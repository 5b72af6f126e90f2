"""Fits of the curves that arrive: made beside the path of readings, kept in the store, shown beside the dose.

A glow curve whose element an inventory names is fitted with its material's preset, an OSL decay as it is. No dose
depends on a fit. docs/glow-curves.md is the page, docs/adr/0022-fits-on-arrival.md says why. What shows them is
in acquire.fits.shown: it needs the procedure, which the service does not.
"""

from acquire.fits.arriving import Fitter
from acquire.fits.kept import ANALYSIS, KeptFit, fits_of

__all__ = ["ANALYSIS", "Fitter", "KeptFit", "fits_of"]
