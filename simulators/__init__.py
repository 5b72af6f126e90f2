"""Simulated instruments, written from the facts and apart from the drivers.

A package that adds one gives a ``WireModel`` or a ``FileModel`` under the entry point group ``acquire.simulators``.
"""

from simulators.beam import Beam, Detector
from simulators.clock import Clock, SimClock, SteppedClock
from simulators.instrument import Clear, CommandInfo, Instrument, LineFramer, Reply, Request, Session
from simulators.model import FileInstrument, FileModel, ModelInfo, WireModel
from simulators.places import port_from
from simulators.ports import Port
from simulators.recording import Exchange, read_recording
from simulators.registry import MODELS, commands
from simulators.replay import Replay, serve_replay
from simulators.serve import Served, serve

__all__ = [
    "MODELS",
    "Beam",
    "Clear",
    "Clock",
    "CommandInfo",
    "Detector",
    "Exchange",
    "FileInstrument",
    "FileModel",
    "Instrument",
    "LineFramer",
    "ModelInfo",
    "Port",
    "Replay",
    "Reply",
    "Request",
    "Served",
    "Session",
    "SimClock",
    "SteppedClock",
    "WireModel",
    "commands",
    "port_from",
    "read_recording",
    "serve",
    "serve_replay",
]
