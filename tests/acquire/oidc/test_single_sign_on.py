"""Log-in at somebody else's provider: by a device's code and by a browser, fresh for a signature; what is refused."""

from __future__ import annotations

import json
import os
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from command_line import acquire, acquire_heard
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from people_known import everybody, logged_in, staffed
from signable import ready, to_sign
from somebodys_provider import Person, running

from acquire.bus.tls import Secret, Tls
from acquire.duties import Role
from acquire.errors import Refused
from acquire.oidc import Proof, Registered, prove_at_provider
from acquire.oidc.id_token import Asked, proof_of
from acquire.people import (
    Account,
    add_account,
    change,
    has_password,
    here,
    link,
    links,
    log_in,
    must_be_own,
    prove,
    proved,
    who_holds,
)
from acquire.procedure.signing.writing import write
from acquire.store.database import connect

ISSUER = "https://login.clinic.example"
NOW = 1_800_000_000


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with running() as found:
        yield found


def at(issuer: str, flow: Any = None, client: str = "acquire", secret: Secret | None = None) -> Registered:
    return Registered(issuer, client, secret, Tls(), flow)


def by_device(registered: Registered, who: Person, *, fresh: bool = False) -> Proof:
    said: list[str] = []

    def enters(_: float) -> None:
        if len(said) == 1:
            uri, code = re.findall(r"Open (\S+) in any browser, log in, and enter (\S+) there", said[0])[0]
            said.append("entered")
            who.opens(uri, user_code=code)

    return prove_at_provider(registered, said.append, fresh=fresh, wait=enters)


def by_browser(registered: Registered, opens: Callable[[str], object], *, fresh: bool = False) -> Proof:
    threads = []

    def say(text: str) -> None:
        threads.append(threading.Thread(target=opens, args=(text.partition("log in: ")[2],)))
        threads[-1].start()

    try:
        return prove_at_provider(registered, say, fresh=fresh)
    finally:
        for each in threads:
            each.join()


def test_a_code_entered_on_any_device_says_who_it_is(issuer: str) -> None:
    assert by_device(at(issuer), Person("sub-1")) == Proof(issuer, "sub-1", "")


def test_a_browser_of_this_machine_says_who_it_is_and_is_asked_again_for_a_signature(
    issuer: str, tmp_path: Path
) -> None:
    person, registered = Person("sub-2"), at(issuer, "browser")
    assert by_browser(registered, person.opens).subject == "sub-2"
    assert by_browser(registered, person.opens).subject == "sub-2"
    assert person.logged_in == 1  # the provider knew the browser
    before = time.time()
    fresh = by_browser(registered, person.opens, fresh=True)
    assert person.logged_in == 2
    assert fresh.at >= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(before - 1))
    secret = tmp_path / "secret"
    secret.write_text("a secret of the client\n")
    known = at(issuer, "browser", "with-secret", Secret(secret))
    assert by_browser(known, person.opens).subject == "sub-2"
    assert by_device(at(issuer, "device", "with-secret", Secret(secret)), Person("sub-2"), fresh=True).at != ""


def test_where_there_is_no_device_flow_a_browser_is_asked() -> None:
    with running("no-device") as issuer:
        assert by_browser(at(issuer), Person("sub-3").opens).subject == "sub-3"
        with pytest.raises(Refused, match="states no device_authorization_endpoint that could be used"):
            by_device(at(issuer, "device"), Person("sub-3"))


def test_a_request_of_another_log_in_is_not_taken(issuer: str) -> None:
    def opens(url: str) -> None:
        asked = parse_qs(urlsplit(url).query)
        back = asked["redirect_uri"][0]
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{back}?code=stolen&state=other", timeout=5)
        refused.value.close()
        urllib.request.urlopen(f"{back}?error=access_denied&state={asked['state'][0]}", timeout=5).close()

    with pytest.raises(Refused, match=f"was refused or broken off at {issuer}"):
        by_browser(at(issuer, "browser"), opens)


def test_what_keeps_a_provider_from_being_asked_is_said(issuer: str, tmp_path: Path) -> None:
    port = urlsplit(issuer).port
    for registered, sentence in (
        (at("http://127.0.0.1:1"), "cannot be used: it is not reached; try again, or log in with a password"),
        (at(f"http://localhost:{port}"), f"calls itself '{issuer}': .oidc. issuer must be what"),
        (at(f"{issuer}/elsewhere"), "gave no answer that could be used .HTTP 404."),
        (at(issuer, client="nobody"), "gave no answer that could be used .HTTP 40"),
        (at(issuer, secret=Secret(tmp_path / "none")), "which is to hold a secret"),
    ):
        with pytest.raises(Refused, match=sentence):
            by_device(registered, Person("sub-4"))
    with pytest.raises(Refused, match="does not know this program as with-secret, or not for this way"):
        by_browser(at(issuer, "browser", "with-secret"), Person("sub-4").opens)
    with pytest.raises(Refused, match="Nobody logged in at the provider in time"):
        prove_at_provider(at(issuer), lambda _: None, fresh=False, wait=lambda _: None)


# --- the ID token alone ---------------------------------------------------------------------------------------------

KEY = RSAKey.generate_key(2048, {"kid": "one"})
OTHER = RSAKey.generate_key(2048, {"kid": "one"})
SHARED = OctKey.import_key("a secret that both sides would have to hold", {"kid": "one"})
CLAIMS = {"iss": ISSUER, "aud": "acquire", "sub": "s-1", "iat": NOW, "exp": NOW + 60, "nonce": "n", "auth_time": NOW}


def judged(
    key: Any = KEY, alg: str = "RS256", ahead_s: float = 0.0, since: float | None = None, **changed: Any
) -> Proof:
    claims = {name: value for name, value in {**CLAIMS, **changed}.items() if value is not None}
    text = jwt.encode({"alg": alg, "kid": "one"}, claims, key, algorithms=[alg])
    keys = {"keys": [KEY.as_dict(private=False)]}
    return proof_of({"id_token": text}, keys, Asked(ISSUER, "acquire", "n", True, since), NOW, ahead_s)


def test_an_id_token_that_holds_names_the_subject() -> None:
    assert judged(since=NOW - 1) == Proof(ISSUER, "s-1", "2027-01-15T08:00:00Z")
    assert judged(aud=["acquire"], exp=NOW - 59).subject == "s-1"  # two clocks may differ by a minute


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"iss": "https://elsewhere.example"}, "is not of https://login.clinic.example"),
        ({"aud": "another"}, "is for another program than acquire"),
        ({"aud": ["acquire", "another"]}, "is for another program than acquire"),
        ({"azp": "another"}, "is for another program than acquire"),
        ({"nonce": "another"}, "is of another log-in than this one"),
        ({"nonce": None}, "is of another log-in than this one"),
        ({"exp": NOW - 61}, "is no longer valid; log in again"),
        ({"exp": NOW - 301, "ahead_s": -300.0}, "clock of this machine is 300 s ahead of the provider's: set it right"),
        ({"iat": NOW + 300, "ahead_s": 300.0}, "clock of this machine is 300 s behind the provider's: set it right"),
        ({"nbf": NOW + 300}, "is not of this time .nbf."),
        ({"sub": None}, "does not hold what it must .sub."),
        ({"sub": ""}, "names nobody that an account could be linked to"),
        ({"auth_time": NOW - 5, "since": NOW - 1}, "before this was asked for: log in there anew"),
        ({"auth_time": None, "since": NOW - 1}, "does not say when you showed there who you are"),
        ({"key": OTHER}, "is not signed with a key of"),
        ({"key": SHARED, "alg": "HS256"}, "cannot be read or verified"),
    ],
)  # fmt: skip
def test_an_id_token_that_does_not_hold_names_nobody(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        judged(**changed)


def test_an_id_token_that_nobody_signed_or_none_at_all_names_nobody() -> None:
    head, body, _ = jwt.encode({"alg": "RS256", "kid": "one"}, CLAIMS, KEY).split(".")
    keys = {"keys": [KEY.as_dict(private=False)]}
    unsigned = "eyJhbGciOiJub25lIn0." + body + "."
    for tokens, sentence in (
        ({}, "gave no ID token"), ({"id_token": unsigned}, "cannot be read or verified"),
        ({"id_token": f"{head}.{body}.AAAA"}, "is not signed with a key"), ({"id_token": "x"}, "cannot be read"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=sentence):
            proof_of(tokens, keys, Asked(ISSUER, "acquire", "n", True, None), NOW, 0.0)


# --- accounts -------------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Any]:
    connection = connect(tmp_path / "store.db", create=True)
    staffed(connection)
    with here("AD-1"):
        yield connection
    connection.close()


def test_a_subject_is_one_account_that_an_administrator_linked(store: Any) -> None:
    with pytest.raises(Refused, match="knows you as s-1, and no account is linked to that: an administrator links it"):
        proved(store, ISSUER, "s-1", "log in", "", "MP-1")
    link(store, "MP-1", ISSUER, "s-1", "AD-1", "known to the clinic")
    assert proved(store, ISSUER, "s-1", "log in", "", "mp-1").id == "MP-1"
    said = store.execute("SELECT who, what, new FROM audit ORDER BY n DESC LIMIT 1").fetchone()
    assert tuple(said) == ("MP-1", "proved at a provider", f"log in: {ISSUER}")
    with pytest.raises(Refused, match=r"Whoever logged in at .* is MP-1 here, not RO-1"):
        proved(store, ISSUER, "s-1", "log in", "", "RO-1")
    with pytest.raises(Refused, match="no account is linked"):
        proved(store, "https://other.example", "s-1", "log in", "", "MP-1")
    with pytest.raises(Refused, match=r"MP-1 is s-1 at .* already: one person has one account"):
        link(store, "RO-1", ISSUER, "s-1", "AD-1", "a mistake")
    change(store, "MP-1", "AD-1", state="locked", reason="left")
    with pytest.raises(Refused, match="MP-1 is locked"):
        proved(store, ISSUER, "s-1", "log in", "", "MP-1")


def test_another_link_or_none_ends_what_was_begun_with_the_one_before(store: Any) -> None:
    link(store, "MP-1", ISSUER, "s-1", "AD-1", "known to the clinic")
    with here("MP-1"):
        token = log_in(store, proved(store, ISSUER, "s-1", "log in", "", "MP-1"))
    link(store, "MP-1", ISSUER, None, "AD-1", "left the provider")
    assert links(store) == {}
    with pytest.raises(Refused, match="has ended"):
        who_holds(store, token)
    with pytest.raises(Refused, match="no account is linked"):
        proved(store, ISSUER, "s-1", "log in", "", "MP-1")
    for subject in ("", "x" * 256, "a\nb"):
        with pytest.raises(Refused, match="1 to 255 characters"):
            link(store, "MP-1", ISSUER, subject, "AD-1", "why")


def test_an_account_without_a_password_is_opened_by_none(store: Any) -> None:
    add_account(store, Account("MP-9", "Nona Phys", (Role.PHYSICIST,)), None, "AD-1")
    assert not has_password(store, "MP-9")
    for tried in ("", "own words of MP9"):
        with pytest.raises(Refused, match="The account or the password is wrong"):
            prove(store, "MP-9", tried, "log in")
    link(store, "MP-9", ISSUER, "s-9", "AD-1", "known to the clinic")
    must_be_own(store, proved(store, ISSUER, "s-9", "log in", "", "MP-9"))  # nobody else knows a password of it


# --- the commands ---------------------------------------------------------------------------------------------------


def run(words: list[str], who: Person, env: dict[str, str], folder: Path) -> tuple[int, str, str]:
    """A command whose person opens the page that it names."""

    def hears(line: str) -> None:
        if "log in: " in line:
            who.opens(line.partition("log in: ")[2].strip())

    done = acquire_heard(hears, *words, cwd=folder, env=env)
    return done.returncode, done.stdout, done.stderr


async def test_a_physicist_logs_in_and_signs_at_the_provider(issuer: str, tmp_path: Path) -> None:
    connection = connect(tmp_path / "store.db", create=True)
    session = await ready(connection)
    with everybody():
        write(connection, session, "review", "Agrees with the plan.", "MP-1")
        seen = to_sign(connection, session)[:12]
    config = tmp_path / "acquire.toml"
    config.write_text(
        f'[store]\nurl = "sqlite:///store.db"\n[oidc]\nissuer = "{issuer}"\nclient_id = "acquire"\nflow = "browser"\n'
    )
    link_it = ("user", "link", "MP-1", "--oidc-subject", "sub-mp", "--reason", "asked", "-c", str(config))
    made = acquire(*link_it, env=logged_in(connection, "AD-1", tmp_path), cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    person, env = Person("sub-mp"), {**os.environ, "ACQUIRE_LOGIN": str(tmp_path / "token")}
    code, out, err = run(["login", "MP-1", "--oidc", "-c", str(config)], person, env, tmp_path)
    assert (code, out) == (0, "MP-1 (Mary Phys, physicist) is logged in.\n"), err
    assert (tmp_path / "token").stat().st_mode & 0o077 == 0
    assert set(json.loads((tmp_path / "token").read_bytes())) == {"store", "token"}  # ours; the provider's is forgotten
    sign = ["session", "sign", session, "--seen", seen, "--oidc", "-c", str(config)]
    code, out, err = run(sign, Person("sub-else"), env, tmp_path)
    assert (code, out) == (1, "")
    assert "no account is linked to that" in err
    code, out, err = run(sign, person, env, tmp_path)
    assert code == 0, err
    assert "review signed by Mary Phys" in out
    assert person.logged_in == 2
    said = connection.execute("SELECT new FROM audit WHERE what = 'proved at a provider' ORDER BY n").fetchall()
    assert said[0]["new"] == f"log in: {issuer}"
    assert said[-1]["new"].startswith(f"sign: {issuer}, shown there at 20")
    connection.close()
