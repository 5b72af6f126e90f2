"""Readers that speak through files: what a file holds, and the drop folder it falls into."""

from drivers.files.records import FileReadings, Piece, Rejected
from drivers.files.sniff import parse_file, sniff

__all__ = ["FileReadings", "Piece", "Rejected", "parse_file", "sniff"]
