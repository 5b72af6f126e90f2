"""What commands wait for, in the process that they are forked from: every module is imported, every model built and
every template compiled."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from importlib import import_module, resources
from importlib.metadata import entry_points
from pkgutil import walk_packages

from argon2 import PasswordHasher
from pydantic import BaseModel

import acquire
from acquire.people import passwords
from acquire.record.page import environment
from drivers import registry

# Imported where they are used, or by other people's packages at a first use.
LATER = [
    "concurrent.futures.thread", "drivers.files.converting", "grp", "jsonschema",
    "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg", "matplotlib.figure", "numpy", "pydicom",
    "rich.table", "scipy.optimize", "scipy.special", "scipy.stats", "serial.tools.list_ports", "structlog",
    "weasyprint",
]  # fmt: skip


def models(of: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    for each in of.__subclasses__():
        yield each
        yield from models(each)


for name in (*LATER, *(each.name for each in walk_packages(acquire.__path__, "acquire."))):
    import_module(name)
for point in entry_points(group="acquire.simulators"):
    point.load()
for name in registry.models():
    registry.model(name)
for model in list(models()):
    model.model_rebuild()
for file in resources.files("acquire.record").iterdir():
    if file.name.endswith(".html"):
        environment().get_template(file.name)
passwords.hasher = lambda: PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)  # a page makes nine accounts
gc.collect()
gc.freeze()  # what is looked at in a child is copied there
