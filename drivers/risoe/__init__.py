"""Risø/DTU luminescence readers."""

from drivers.risoe.minisys import RISOE_DA_20

__all__ = ["RISOE_DA_20"]
