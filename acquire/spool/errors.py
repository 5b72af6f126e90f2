"""Why a spool does not do what it was asked for."""

from __future__ import annotations


class SpoolError(Exception):
    """The spool cannot be used: one plain sentence."""


class SpoolFull(SpoolError):
    """The spool takes no more entries until there is room again, or its disk works again (rule 3.9)."""


class SpoolDamaged(SpoolError):
    """SQLite finds the file malformed."""
