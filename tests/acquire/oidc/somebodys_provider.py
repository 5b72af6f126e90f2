"""npm's oidc-provider on the loopback, and a person with a browser who logs in there under a name."""

from __future__ import annotations

import http.cookiejar
import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode, urljoin

NODE = Path(__file__).parents[3] / "tools" / "node"


@contextmanager
def running(*words: str) -> Iterator[str]:
    """A provider that listens; its issuer."""
    assert (NODE / "node_modules/oidc-provider").is_dir(), "the npm packages are missing; `make test` installs them"
    command = ["node", str(NODE / "oidc-provider.js"), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["issuer"]
        finally:
            process.kill()


class Person:
    """Somebody with a browser, which keeps its cookies: `name` is the subject that the provider then tells."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.pages = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        self.logged_in = 0

    def opens(self, url: str, **form: str) -> None:
        """Open a page, and fill in what each page asks for until none does."""
        page, url = self._get(url, form)
        while (found := re.search(r'<form[^>]*action="([^"]*)"', page)) is not None:
            fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
            if 'name="login"' in page:
                fields |= {"login": self.name, "password": "any"}
                self.logged_in += 1
            if 'name="user_code"' in page and form:
                fields |= form
            page, url = self._get(urljoin(url, found[1]), fields)

    def _get(self, url: str, form: dict[str, str]) -> tuple[str, str]:
        data = urlencode(form).encode() if (form and "user_code" not in form) or "xsrf" in form else None
        try:
            with self.pages.open(url, data, timeout=10) as answer:
                return answer.read().decode(), answer.url
        except urllib.error.HTTPError as error:
            with error:
                return error.read().decode(), url
