"""From a profile's file to a model: read, validated, held against itself, and made a driver."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any

from pydantic import ValidationError

from drivers.errors import Misuse
from drivers.model import Framing, Model, Quantity, Verified
from drivers.printable import hidden_in
from drivers.profile import checks, patterns
from drivers.profile.document import Profile
from drivers.profile.driver import driver_of
from drivers.profile.forms import Forms, Where
from drivers.profile.typed import settings_of
from drivers.toml_text import NotToml, line_numbers, message, sentence, table_of

LARGEST = 256 * 1024
LABELS = {
    "invented": "profile, invented protocol",
    "captured": "profile, protocol from a capture",
    "documented": "profile, documented protocol",
}


class ProfileProblem(Misuse):
    """A profile that is not as it must be; each sentence names file, line, key and what is allowed."""

    def __init__(self, *sentences: str) -> None:
        super().__init__(" ".join(sentences))
        self.sentences: Sequence[str] = sentences


def load_profile(body: bytes, name: str) -> Model:
    """The model that a profile describes; `name` is its file's. Raises ProfileProblem, one sentence for each error."""
    if len(body) > LARGEST:
        raise ProfileProblem(f"{name} is too long: a profile has {LARGEST} bytes at most.")
    try:
        text, data = table_of(body, name)
    except NotToml as error:
        raise ProfileProblem(str(error)) from error
    lines = line_numbers(text)
    if (hidden := _first_hidden(data)) is not None:
        raise ProfileProblem(sentence(name, lines, *hidden))
    profile = _validated(data, name, lines)
    found = list(checks.findings(profile))
    forms, unread = patterns.forms_of(profile)
    found += unread or list(patterns.findings(profile, forms))
    if found:
        raise ProfileProblem(*(sentence(name, lines, where, what) for where, what in found))
    return model_of(profile, forms)


def load_file(path: Path) -> Model:
    """The model of a profile in a file. Raises ProfileProblem, also where it cannot be read."""
    try:
        if not S_ISREG(path.stat().st_mode):  # a pipe would be waited for
            raise ProfileProblem(f"{path} is no plain file; only plain files are read.")
        with path.open("rb") as file:
            body = file.read(LARGEST + 1)
    except OSError as error:
        raise ProfileProblem(f"{path} cannot be read: {error.strerror or error}.") from error
    return load_profile(body, str(path))


def files_of(path: Path) -> list[Path]:
    """A file, or every *.toml of a folder. Raises ProfileProblem, also for a folder without any."""
    try:
        if not S_ISDIR(path.stat().st_mode):
            return [path]
        found = sorted(each for each in path.iterdir() if each.suffix == ".toml")
    except OSError as error:
        raise ProfileProblem(f"{path} cannot be read: {error.strerror or error}.") from error
    if not found:
        raise ProfileProblem(f"{path} holds no profile: no file in it ends in .toml.")
    return found


def load_packaged(package: str, name: str) -> Model:
    """The profile NAME.toml that a package brings. Raises ProfileProblem, and what the import of the package raises."""
    place = files(package) / f"{name}.toml"
    try:
        body = place.read_bytes()
    except OSError as error:
        raise ProfileProblem(f"The package {package} brings no {name}.toml: {error.strerror or error}.") from error
    return load_profile(body, f"{package}/{name}.toml")


def model_of(profile: Profile, forms: Forms) -> Model:
    """The model of a profile that was found sound."""
    identity, frame = profile.identity, profile.framing
    return Model(
        name=profile.name,
        vendor=profile.vendor,
        title=profile.title,
        label=LABELS[profile.protocol],
        transports=profile.transports,
        quantities=tuple(Quantity(name, each.unit, each.integrates) for name, each in profile.quantity.items()),
        settings=settings_of(profile),
        driver=driver_of(profile, forms),
        answers=re.escape(identity.model) if identity else ".*",
        channels=profile.channels,
        framing=Framing(frame.zero, frame.before, frame.start, frame.stop),
        verified=tuple(Verified(**each.model_dump()) for each in profile.verified),
        assumed=profile.assumed,
    )


def _validated(data: dict[str, Any], name: str, lines: dict[Where, int]) -> Profile:
    """By way of JSON, in which a list is a list: so no text is taken for a number."""
    try:
        return Profile.model_validate_json(json.dumps(data, default=str))
    except ValidationError as error:
        told = dict.fromkeys(
            sentence(name, lines, _place(e["loc"], data), message(e, Profile)) for e in error.errors(include_url=False)
        )
        raise ProfileProblem(*told) from error


def _place(where: Where, data: Any) -> Where:
    """The part of pydantic's place that stands in the file: it names kinds of values and keys of tables too."""
    here: list[str | int] = []
    for part in where:
        if isinstance(data, dict) and part in data:
            data = data[str(part)]
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        elif isinstance(data, dict) and isinstance(part, str) and part not in ("[key]", "str", "float"):
            here.append(part)  # a key that is missing
            break
        else:
            break
        here.append(part)
    return tuple(here)


def _first_hidden(value: Any, where: Where = ()) -> tuple[Where, str] | None:
    """Place of the first character that nobody sees, and the rest of the sentence about it."""
    if isinstance(value, str):
        found = hidden_in(value.replace("\n", "").replace("\t", ""))
        return None if found is None else (where, f"it holds {found}, which nobody sees")
    pairs: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in pairs:
        if isinstance(key, str) and (found := hidden_in(key)) is not None:
            return where, f"a key in it holds {found}, which nobody sees"
        if (here := _first_hidden(each, (*where, key))) is not None:
            return here
    return None
