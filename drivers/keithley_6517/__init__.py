"""Keithley 6517A and 6517B electrometers: charge, current, voltage, resistance over SCPI."""

from drivers.keithley_6517.driver import Keithley6517A, Keithley6517B, Settings6517

__all__ = ["Keithley6517A", "Keithley6517B", "Settings6517"]
