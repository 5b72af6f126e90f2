"""What a configuration says of orders and patients, made into what reads and keeps them."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from acquire.config import OrdersConfig, PatientsConfig
from acquire.orders import Site
from acquire.orders.physician import Physicians, title
from acquire.patients import PatientsFile, beside, read_key


def site_of(orders: OrdersConfig) -> Site:
    """Who is a physician here, and the site's clock."""
    codes = frozenset((each.system, each.code) for each in orders.physician_code)
    titles = frozenset(title(each) for each in orders.physician_titles)
    return Site(Physicians(codes, titles), ZoneInfo(orders.time_zone) if orders.time_zone else None)


def patients_of(store: Path, patients: PatientsConfig, folder: Path) -> PatientsFile:
    """The identities of a store, opened; paths relative to a folder. Raises PatientsError."""
    path = beside(store) if patients.path is None else folder / patients.path
    return PatientsFile(path, read_key(folder / patients.key_file) if patients.key_file else None)
