"""PTW dosemeters."""

from drivers.ptw.unidos import PTW_UNIDOS_ROMEO, PTW_UNIDOS_TANGO

__all__ = ["PTW_UNIDOS_ROMEO", "PTW_UNIDOS_TANGO"]
