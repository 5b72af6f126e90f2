"""Simulated instruments, written from the facts and apart from the drivers.

A package that adds one gives a ``WireModel`` or a ``FileModel`` under the entry point group ``acquire.simulators``.
"""

from simulators.beam import Beam, Detector
from simulators.clock import Clock, SimClock, SteppedClock
from simulators.instrument import Clear, CommandInfo, Instrument, LineFramer, Reply, Request, Session
from simulators.model import FileInstrument, FileModel, ModelInfo, WireModel
from simulators.registry import MODELS, commands
from simulators.serve import Served, serve

__all__ = [
    "MODELS",
    "Beam",
    "Clear",
    "Clock",
    "CommandInfo",
    "Detector",
    "FileInstrument",
    "FileModel",
    "Instrument",
    "LineFramer",
    "ModelInfo",
    "Reply",
    "Request",
    "Served",
    "Session",
    "SimClock",
    "SteppedClock",
    "WireModel",
    "commands",
    "serve",
]
