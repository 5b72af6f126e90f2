"""Keithley electrometers: one SCPI base with a file of words for each model; and two of an older language."""

from drivers.keithley.k617 import KEITHLEY_617, KEITHLEY_6512
from drivers.keithley.k6430 import KEITHLEY_6430
from drivers.keithley.k6485 import KEITHLEY_6485, KEITHLEY_6487
from drivers.keithley.k6514 import KEITHLEY_6514
from drivers.keithley.k6517 import KEITHLEY_6517A, KEITHLEY_6517B

__all__ = [
    "KEITHLEY_617",
    "KEITHLEY_6430",
    "KEITHLEY_6485",
    "KEITHLEY_6487",
    "KEITHLEY_6512",
    "KEITHLEY_6514",
    "KEITHLEY_6517A",
    "KEITHLEY_6517B",
]
