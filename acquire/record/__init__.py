"""The record of a session: one JSON document that says everything, and one page that people read and sign."""

from acquire.record.build import as_json, build, seal
from acquire.record.page import html
from acquire.record.summary import attached, results_of, write_files

__all__ = ["as_json", "attached", "build", "html", "results_of", "seal", "write_files"]
