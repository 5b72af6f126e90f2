"""PTW dosemeters."""

from drivers.ptw.classic import PTW_UNIDOS_CLASSIC
from drivers.ptw.diamentor import PTW_DIAMENTOR
from drivers.ptw.multidos import PTW_MULTIDOS
from drivers.ptw.unidos import PTW_UNIDOS_ROMEO, PTW_UNIDOS_TANGO

__all__ = ["PTW_DIAMENTOR", "PTW_MULTIDOS", "PTW_UNIDOS_CLASSIC", "PTW_UNIDOS_ROMEO", "PTW_UNIDOS_TANGO"]
