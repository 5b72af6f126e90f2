"""A type for models that are validated: a text in which every character is seen."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from acquire.printable import hidden_in


def _seen(text: str) -> str:
    if (found := hidden_in(text)) is not None:
        raise ValueError(f"it holds {found}, which nobody sees; write it without")
    return text


Seen = Annotated[str, AfterValidator(_seen)]
"""A text in which every character is seen: what names something."""
