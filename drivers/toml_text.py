"""TOML files that people write: where their keys stand, and the sentence that names file, line, key and what is right.

Profiles of instruments and the daemon's files are told of in the same words.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from drivers.plain_words import plain

Where = tuple[int | str, ...]
_HEADER = re.compile(r"\[(\[)?([^\[\]]+)\]?\][ \t]*(#.*)?")  # of a line without blanks around it
_KEY = re.compile(r"([A-Za-z0-9_.\"' -]+)=")
DEEPEST = 32
# Each part of a key costs the parser as much as all before it: 20,000 of them take ten seconds.
_TOO_DEEP = re.compile(r"(?<![\w\"'.-])(?:[\w\"'-]++[ \t]*+\.[ \t]*+){32}[\w\"'. \t-]*+[=\]]")


class NotToml(ValueError):
    """A file that cannot be read as TOML; the message is the whole sentence."""


def table_of(body: bytes, name: str) -> tuple[str, dict[str, Any]]:
    """The text of a file and what it holds. Raises NotToml."""
    try:
        text = body.decode("utf-8")
        _refuse_too_deep(text, name)
        return text, tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise NotToml(f"{name}: byte {error.start} is not UTF-8 text.") from error
    except NotToml:
        raise
    except ValueError as error:  # also of a number with too many digits, which the library lets out
        raise NotToml(f"{name}: not TOML: {error}{_mend(str(error))}.") from error
    except RecursionError as error:
        raise NotToml(f"{name}: not TOML that can be read: brackets stand too deep in brackets.") from error


def _mend(said: str) -> str:
    """How the commonest mistakes in writing TOML are mended: patterns hold backslashes, and numbers a decimal point."""
    if "'\\' in a string" in said:
        return "; a text with a backslash, such as a pattern, stands in single quotes: 'V[0-9]\\.[0-9]'"
    if "Illegal character '\\n'" in said:
        return "; a quote is not closed on this line"
    if "Expected newline" in said:
        return "; one value stands on a line, and a number has a decimal point, no comma"
    return ""


def _refuse_too_deep(text: str, name: str) -> None:
    if found := _TOO_DEEP.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise NotToml(f"{name}, line {line}: a name of more than {DEEPEST} parts with dots between them.")


def message(error: ErrorDetails, model: type[BaseModel]) -> str:
    """What is wrong, in words; for a key that does not exist, the one that was probably meant and those there are."""
    if error["type"] != "extra_forbidden":
        return plain(error)
    known = _keys(model, error["loc"][:-1])
    near = difflib.get_close_matches(str(error["loc"][-1]), known, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    return f"there is no such key{hint} Allowed here: {', '.join(known)}" if known else "there is no such key"


def _keys(model: type[BaseModel], where: Where) -> list[str]:
    """The keys that may stand at a place of a model."""
    here: Any = model
    named = False  # the next part is a name that the file chose, of a table of tables
    for part in where:
        if named:
            named = False
        elif isinstance(part, str) and isinstance(here, type) and issubclass(here, BaseModel):
            field = here.model_fields.get(part) or next(
                (f for f in here.model_fields.values() if f.alias == part), None
            )
            here = _model_in(field.annotation) if field else None
            named = field is not None and get_origin(field.annotation) is dict
    if isinstance(here, type) and issubclass(here, BaseModel):
        return [field.alias or name for name, field in here.model_fields.items()]
    return []


def _model_in(annotation: Any) -> Any:
    """The model inside an annotation such as tuple[Model, ...] or Model | None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _model_in(each)) is not None), None)


def sentence(name: str, lines: dict[Where, int], where: Where, what: str) -> str:
    """One problem: file, line, key, what is wrong and what is allowed."""
    key = ".".join(str(part) for part in where) or "the file"
    line = next((lines[where[:n]] for n in range(len(where), 0, -1) if where[:n] in lines), 1)
    return f"{name}, line {line}, {key}: {what}."


def line_numbers(text: str) -> dict[Where, int]:
    """Line (from 1) at which each table and key of a TOML text begins, by its path as pydantic names it.

    Keys inside inline tables and arrays have none of their own; the line of what holds them is near enough.
    """
    found: dict[Where, int] = {}
    counts: dict[Where, int] = {}
    table: Where = ()
    inside = False  # a multi-line string
    for number, line in enumerate(text.splitlines(), start=1):
        if not inside:
            if header := _HEADER.fullmatch(line.strip()):
                table = _table(header, counts)
                found.setdefault(table, number)
            elif key := _KEY.match(line.lstrip()):
                path = (*table, *_parts(key[1]))
                for n in range(len(table) + 1, len(path) + 1):
                    found.setdefault(path[:n], number)
        if (line.count('"""') + line.count("'''")) % 2:
            inside = not inside
    return found


def _table(header: re.Match[str], counts: dict[Where, int]) -> Where:
    """The path of a table header; parts that are arrays of tables take the index of their newest element."""
    path: Where = ()
    parts = _parts(header[2])
    for n, part in enumerate(parts, start=1):
        path = (*path, part)
        if header[1] and n == len(parts):
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _parts(dotted: str) -> list[str]:
    """The parts of a dotted key; quotes keep dots together."""
    return [
        (quoted or single or bare) for quoted, single, bare in re.findall(r'"([^"]*)"|\'([^\']*)\'|([^.\s]+)', dotted)
    ]
