"""What Mosquitto needs to serve one site over TLS: its configuration, the access file, and passwords if wanted.

The options are those of mosquitto.conf; why they are set so is said in docs/security.md.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from acquire.broker.access import Role, access_file
from acquire.broker.passwords import kept, line, new_password
from acquire.errors import Refused
from acquire.files import replace
from acquire.plain_files import read_plain

Identify = Literal["certificates", "passwords"]

# The largest reading that is sent is 1 MiB less 4 KiB (acquire/instruments/entries.py); its envelope comes on top.
MAX_PACKET_BYTES = 1024 * 1024 + 64 * 1024

MADE_BY = "Made by `acquire broker config`"  # in the first line of what may be replaced

CONFIGURATION = """\
# Mosquitto for the bus of site {site}. Made by `acquire broker config`; change it there. Use: mosquitto -c {conf}

per_listener_settings true
listener {port}{bind}

# TLS 1.2 or newer; there is no listener without it.
certfile {folder}/broker.crt
keyfile {folder}/broker.key
tls_version tlsv1.2

# Nobody without a name gets in, and a name has only what the access file gives it.
allow_anonymous false
acl_file {folder}/acl
{identify}
# Nagle's algorithm with delayed acknowledgement costs 40 ms a round trip.
set_tcp_nodelay true

# Nothing relies on the broker's memory: spools and store carry the promise, and a broker that starts empty is sound.
persistence false

# No client takes more than its share: a packet holds the largest reading; what a slow reader does not take is dropped,
# and the protocol sends it again.
max_packet_size {max_packet}
max_inflight_messages 100
max_queued_messages 10000
max_queued_bytes 67108864
max_connections 500

log_dest stderr
log_type error
log_type warning
log_type notice
"""

CERTIFICATES = """\
# Every client has a certificate of this authority; its common name is its name here.
cafile {folder}/ca.crt
require_certificate true
use_identity_as_username true
"""

PASSWORDS = """\
# Every client has a name and a password.
password_file {folder}/passwords
"""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written, and the passwords that were made: file of each role that got a new one."""

    files: list[Path]
    new_passwords: dict[str, Path]


def write(folder: Path, site: str, roles: Sequence[Role], port: int, bind: str | None, identify: Identify) -> Written:
    """Write the files; those of an earlier run are replaced, passwords are kept. Raises Refused, OSError."""
    folder = folder.resolve()
    for name in ("mosquitto.conf", "acl"):
        if (folder / name).exists() and MADE_BY not in _text(folder / name):
            raise Refused(f"{folder / name} was not made by this command; it is left as it is. Choose another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    identified = (CERTIFICATES if identify == "certificates" else PASSWORDS).format(folder=folder)
    conf = folder / "mosquitto.conf"
    replace(
        conf,
        CONFIGURATION.format(
            site=site, conf=conf, folder=folder, port=port, bind=f" {bind}" if bind else "", identify=identified,
            max_packet=MAX_PACKET_BYTES,
        ),
    )  # fmt: skip
    acl = folder / "acl"
    replace(acl, access_file(site, roles))
    written = Written([conf, acl], {})
    if identify == "passwords":
        _write_passwords(folder, list(dict.fromkeys(role.name for role in roles)), written)
    return written


def _write_passwords(folder: Path, names: Sequence[str], written: Written) -> None:
    file = folder / "passwords"
    lines = kept(_text(file) if file.exists() else "", names)
    for name in names:
        if name not in lines:
            password = new_password()
            secret = folder / "secrets" / f"{name}.password"
            secret.parent.mkdir(mode=0o700, exist_ok=True)
            write_secret(secret, password + "\n")
            written.new_passwords[name] = secret
            lines[name] = line(name, password)
    write_secret(file, "".join(lines[name] + "\n" for name in names))
    written.files.append(file)


def _text(path: Path) -> str:
    return read_plain(path).decode(errors="replace")


def write_secret(path: Path, text: str) -> None:
    """A file that only its owner can read, from its first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
