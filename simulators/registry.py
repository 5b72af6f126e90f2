"""Which instruments can be simulated: every entry point of the group ``acquire.simulators``, looked up when asked
for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points

from simulators.clock import SteppedClock
from simulators.instrument import CommandInfo
from simulators.model import FileModel, ModelInfo, WireModel

GROUP = "acquire.simulators"


class Models(Mapping[str, ModelInfo]):
    """The models by name, in the order of their names.

    An entry point is loaded when its model is first asked for, so a package that cannot be loaded spoils only its own
    model.
    """

    @cached_property
    def _points(self) -> dict[str, dict[str, EntryPoint]]:
        found: dict[str, dict[str, EntryPoint]] = {}
        for point in sorted(entry_points(group=GROUP)):
            found.setdefault(point.name, {})[point.value] = point
        return found

    def __getitem__(self, name: str) -> ModelInfo:
        """The model; raises KeyError for an unknown name, ValueError in one sentence when its entry point gives no such
        model or two packages offer it.
        """
        point, *others = self._points[name].values()
        if others:
            values = " and ".join(self._points[name])
            raise ValueError(f"Two packages offer the simulator {name}: {values}; uninstall one of them.")
        try:
            found = point.load()
        except Exception as error:  # a stranger's package may raise anything while it is imported
            raise ValueError(f"The simulator {name} ({point.value}) cannot be loaded: {error}.") from error
        if not isinstance(found, (WireModel, FileModel)) or found.model != name:
            raise ValueError(f"The entry point {name} of {GROUP} must give a WireModel or FileModel of that name.")
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._points)

    def __len__(self) -> int:
        return len(self._points)


MODELS: Mapping[str, ModelInfo] = Models()


def model_named(name: str) -> ModelInfo:
    """The model; raises ValueError in one sentence when `name` cannot be simulated."""
    if name not in MODELS:
        raise ValueError(f"There is no simulated instrument {name!r}; there are {', '.join(MODELS)}.")
    return MODELS[name]


def commands(name: str) -> list[CommandInfo]:
    """What the simulated instrument understands, in the manual's spelling and order; empty for a file reader.

    Raises ValueError in one sentence when `name` cannot be simulated.
    """
    model = model_named(name)
    return list(model.make(SteppedClock(), 0, {}).commands()) if isinstance(model, WireModel) else []
