"""Readers that speak through files: what a file holds, the formats there are, and the drop folder it falls into."""

from drivers.files.content import Unreadable, read_whole, shown
from drivers.files.folder import FolderInstrument, check_folder, folder_model, folder_of
from drivers.files.format import Format, NoOptions
from drivers.files.formats import formats, options_of, parse_file, problems, sniff, stream_file
from drivers.files.opened import ReaderFile
from drivers.files.records import FileReadings, Piece, Rejected, axis, collected, new, origin
from drivers.files.settings import FolderSettings
from drivers.files.text import head, lines

__all__ = [
    "FileReadings",
    "FolderInstrument",
    "FolderSettings",
    "Format",
    "NoOptions",
    "Piece",
    "ReaderFile",
    "Rejected",
    "Unreadable",
    "axis",
    "check_folder",
    "collected",
    "folder_model",
    "folder_of",
    "formats",
    "head",
    "lines",
    "new",
    "options_of",
    "origin",
    "parse_file",
    "problems",
    "read_whole",
    "shown",
    "sniff",
    "stream_file",
]
