"""Recipients of notices, held against the accounts of the store: who could acknowledge nothing."""

from __future__ import annotations

import sqlite3

from acquire.config_notices import NoticesConfig, not_told
from acquire.people import every_account


def recipients_not_known(connection: sqlite3.Connection, config: NoticesConfig) -> list[str]:
    """A sentence (without a full stop) for each recipient without an account, locked, or without the role.

    None where the store has no accounts: then a role is what the configuration says of a name. Raises sqlite3.Error.
    """
    accounts = {each.id.casefold(): each for each in every_account(connection)}
    if not accounts:
        return []
    said = []
    for recipient in config.recipient:
        found = accounts.get(recipient.name.casefold())
        roles = None if found is None else [each.value for each in found.roles]
        said.append(not_told(recipient, roles, locked=found is not None and found.state == "locked"))
    return [each for each in said if each is not None]
