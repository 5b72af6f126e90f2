"""People: accounts and their roles, passwords, log-ins, and which role may do what (docs/adr/0030-people.md)."""

from acquire.duties import MAY, Act, Role, must_be_allowed
from acquire.people.accounts import Account, add_account, change, every_account, get_account
from acquire.people.log_ins import LogIn, log_in, log_out, who_holds
from acquire.people.passwords import forgive, hashed, must_be_own, prove, set_password
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
    "hashed",
    "here",
    "log_in",
    "log_out",
    "must_be_allowed",
    "must_be_own",
    "prove",
    "set_password",
    "who_holds",
]
