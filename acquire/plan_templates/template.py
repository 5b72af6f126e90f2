"""The templates there are, by name: each a file beside this one."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

from acquire.errors import Refused
from acquire.procedure.documents.to_fill import Place, places

FOLDER = "acquire.plan_templates"


@dataclass(frozen=True, slots=True)
class Template:
    """A template: its name, what it is for (its first comment), and its text."""

    name: str
    text: str

    @property
    def says(self) -> str:
        """What it is for: the first sentence of its first line."""
        return self.text.splitlines()[0].removeprefix("# ").partition(". ")[0].rstrip(".") + "."

    @property
    def places(self) -> list[Place]:
        """What is to be filled."""
        return places(self.text)


def templates() -> list[Template]:
    """All of them, by name."""
    files = [each for each in resources.files(FOLDER).iterdir() if each.name.endswith(".toml")]
    return sorted((Template(f.name[:-5], f.read_text("utf-8")) for f in files), key=lambda t: t.name)


def template(name: str) -> Template:
    """One by its name. Raises Refused, with the names there are."""
    known = {each.name: each for each in templates()}
    if name not in known:
        raise Refused(f"There is no template '{name}'; there are {', '.join(known)}.")
    return known[name]
