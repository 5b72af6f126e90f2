"""The settings that every drop folder has, whatever falls into it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from drivers.settings import Settings

LARGEST_MB = 64.0


class FolderSettings(Settings):
    """Settings of every drop folder. journal: where taken records are remembered (default: beside the folder)."""

    journal: Path | None = None
    settle_s: float = Field(1.0, ge=0, le=600, description="a file is read when it has not changed for so long")
    give_up_s: float = Field(60.0, ge=0, le=86400, description="what is unfinished is reported after this")
    poll_interval_s: float = Field(1.0, gt=0, le=3600)
    largest_file_mb: float = Field(LARGEST_MB, gt=0, le=4096, description="a larger file is named and not read")
