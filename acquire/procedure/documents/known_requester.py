"""Whether whoever an order by hand names is a physician among the people of this store, where it knows people."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from acquire.duties import Role
from acquire.orders import Request
from acquire.people import every_account
from acquire.store.present import has_accounts


def held_against_accounts(connection: sqlite3.Connection, request: Request) -> Request:
    """The order by hand as a draft, where its requester has no account of a physician: a role that was typed is none.

    Orders of other systems stay as they came: those know their own physicians.
    """
    order = request.order
    if order.source != "hand" or order.draft is not None or not has_accounts(connection):
        return request
    named = order.requester.casefold()
    for each in every_account(connection):
        if named in (each.id.casefold(), *(name.casefold() for name in each.known_as)):
            if each.has(Role.PHYSICIAN):
                return request
            why = f"its requester {order.requester} is a {' and '.join(each.roles)} here, not the treating physician"
            break
    else:
        why = f"its requester {order.requester} has no account here, and so is not known as a physician"
    return replace(request, order=replace(order, draft=why, requester_role=None))
