"""Fluke (Victoreen) X-ray test devices."""

from drivers.fluke.kv_meter import FLUKE_4000M_PLUS

__all__ = ["FLUKE_4000M_PLUS"]
