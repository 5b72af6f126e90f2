"""Thorlabs power meters of the PM100 family: a photodiode read in watts or in amperes."""

from drivers.thorlabs.pm100 import THORLABS_PM100

__all__ = ["THORLABS_PM100"]
