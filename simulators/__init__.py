"""Simulated instruments, written from the facts and apart from the drivers."""

from simulators.clock import SimClock, SteppedClock
from simulators.registry import MODELS, ModelInfo
from simulators.serve import Served, serve
from simulators.world import Beam, Detector

__all__ = ["MODELS", "Beam", "Detector", "ModelInfo", "Served", "SimClock", "SteppedClock", "serve"]
