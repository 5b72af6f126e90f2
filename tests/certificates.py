"""Authorities and certificates for tests, made by openssl as docs/security.md tells people to make theirs."""

from __future__ import annotations

import subprocess
from pathlib import Path

AUTHORITY = "keyCertSign,cRLSign"  # what the key of one is for
LONG_AGO = ("20200101000000Z", "20200201000000Z")


def openssl(folder: Path, *arguments: str) -> None:
    """Run openssl; its own words when it fails."""
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class Authority:
    """A certificate authority in a folder of its own."""

    def __init__(
        self, folder: Path, name: str = "test authority", days: int = 30, *, key_usage: str = AUTHORITY
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        usage = ["-addext", f"keyUsage=critical,{key_usage}"] if key_usage else []
        openssl(
            folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", str(days), "-subj", f"/CN={name}", *usage, "-keyout", "ca.key", "-out", "ca.crt",
        )  # fmt: skip
        # `openssl ca` is what can set a validity in the past.
        (folder / "index.txt").touch()
        (folder / "ca.conf").write_text(
            "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nrand_serial=yes\nnew_certs_dir=.\ndefault_md=sha256\n"
            "unique_subject=no\npolicy=p\ncopy_extensions=copy\n[p]\ncommonName=supplied\n"
        )

    @property
    def certificate(self) -> Path:
        return self.folder / "ca.crt"

    def issue(
        self,
        name: str,
        *,
        into: Path | None = None,
        file: str | None = None,
        hosts: str = "",
        passphrase: str | None = None,
        validity: tuple[str, str] | None = None,
    ) -> tuple[Path, Path]:
        """A certificate and key with `name` as common name; `hosts` as in subjectAltName: "DNS:a,IP:127.0.0.1"."""
        folder, stem = into or self.folder, file or name
        certificate, key, request = (folder / f"{stem}.{suffix}" for suffix in ("crt", "key", "csr"))
        sealed = ["-passout", f"pass:{passphrase}"] if passphrase else ["-nodes"]
        extension = ["-addext", f"subjectAltName={hosts}"] if hosts else []
        openssl(
            self.folder, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", *sealed,
            "-subj", f"/CN={name}", *extension, "-keyout", str(key), "-out", str(request),
        )  # fmt: skip
        dates = ["-startdate", validity[0], "-enddate", validity[1]] if validity else ["-days", "10"]
        openssl(
            self.folder, "ca", "-batch", "-notext", "-config", "ca.conf", "-cert", "ca.crt", "-keyfile", "ca.key",
            *dates, "-in", str(request), "-out", str(certificate),
        )  # fmt: skip
        request.unlink()
        return certificate, key
