"""What commands wait for, in the process that they are forked from: every module is imported and every model built."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import walk_packages

from argon2 import PasswordHasher
from pydantic import BaseModel

import acquire
from acquire.people import passwords

# Imported where they are used, or by other people's packages at a first use.
LATER = [
    "concurrent.futures.thread", "grp", "jsonschema", "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "numpy", "rich.table", "scipy.optimize", "scipy.special", "scipy.stats", "serial.tools.list_ports", "structlog",
]  # fmt: skip
OFFERED = [
    each.module
    for group in ("acquire.drivers", "acquire.formats", "acquire.simulators")
    for each in entry_points(group=group)
    if each.module.startswith(("drivers.", "simulators."))
]


def models(of: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    for each in of.__subclasses__():
        yield each
        yield from models(each)


for name in (*LATER, *sorted(set(OFFERED)), *(each.name for each in walk_packages(acquire.__path__, "acquire."))):
    import_module(name)
for model in list(models()):
    model.model_rebuild()
passwords.hasher = lambda: PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)  # a page makes nine accounts
gc.collect()
gc.freeze()  # what is looked at in a child is copied there
