"""Panasonic TLD readers."""

from drivers.panasonic.ud_700 import PANASONIC_UD_716

__all__ = ["PANASONIC_UD_716"]
