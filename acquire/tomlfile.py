"""TOML files that people write: read, validated by a pydantic model, and every error with file, line and key."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from acquire.errors import FileProblem
from acquire.printable import first_hidden
from drivers.toml_text import NotToml, Where, line_numbers, message, sentence, table_of

__all__ = ["Where", "Written", "line_numbers", "message", "read", "sentence", "validated"]


class Written(BaseModel):
    """Base of everything people write: unknown keys are refused so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


Model = TypeVar("Model", bound=Written)


def read(body: bytes, name: str, model: type[Model]) -> Model:
    """Parse and validate. Raises FileProblem, one sentence for each error."""
    try:
        text, data = table_of(body, name)
    except NotToml as error:
        raise FileProblem(str(error)) from error
    return validated(text, data, name, model)


def validated(text: str, data: dict[str, Any], name: str, model: type[Model]) -> Model:
    """What a text holds, or a part of it, as a model. Raises FileProblem, one sentence for each error."""
    if (hidden := first_hidden(data)) is not None:
        where, what = hidden
        raise FileProblem(sentence(name, line_numbers(text), where, f"it holds {what}, which nobody sees"))
    try:
        return model.model_validate(data)
    except ValidationError as error:
        lines = line_numbers(text)
        raise FileProblem(
            *(sentence(name, lines, e["loc"], message(e, model)) for e in error.errors(include_url=False))
        ) from error
