"""Instruments that are described in TOML instead of programmed, with the same engine and the same safety.

docs/write-a-profile.md leads from a capture to a profile.
"""

from drivers.profile.load import ProfileProblem, files_of, load_file, load_packaged, load_profile

__all__ = ["ProfileProblem", "files_of", "load_file", "load_packaged", "load_profile"]
