"""People: accounts and their roles, passwords, log-ins, and which role may do what (docs/adr/0030-people.md)."""

from acquire.duties import MAY, Act, Role, must_be_allowed
from acquire.people.accounts import Account, add_account, change, every_account, get_account
from acquire.people.linked import link, links, proved
from acquire.people.log_ins import LogIn, hours_of, log_in, log_out, set_hours, who_holds
from acquire.people.passwords import forgive, has_password, hashed, must_be_own, prove, set_password
from acquire.people.restored import carry_over
from acquire.store.present import has_accounts, here

__all__ = [
    "MAY",
    "Account",
    "Act",
    "LogIn",
    "Role",
    "add_account",
    "carry_over",
    "change",
    "every_account",
    "forgive",
    "get_account",
    "has_accounts",
    "has_password",
    "hashed",
    "here",
    "hours_of",
    "link",
    "links",
    "log_in",
    "log_out",
    "must_be_allowed",
    "must_be_own",
    "prove",
    "proved",
    "set_hours",
    "set_password",
    "who_holds",
]
