"""Make what people install, into dist/: `python tools/package.py wheel`, or `deb` for this machine's Python and kind.

The Debian package has an environment of its own in /usr/lib/dosimetry-acquire, with the pinned packages, on the
system's Python of the minor version this is run with. The wheel is the same bytes whenever it is made of the same files
(SOURCE_DATE_EPOCH: the last commit, where nobody says otherwise).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).parents[1]
NAME = "dosimetry-acquire"
MADE_OF = (
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "requirements/run.in",
    "requirements/oidc.in",
    "acquire",
    "drivers",
    "simulators",
    "config",
)
PYTHON = f"python3.{sys.version_info.minor}"
PREFIX = Path("usr/lib") / NAME
SYSTEM = {  # in the package: from this folder
    "usr/lib/systemd/system": "packaging/systemd",
    "usr/lib/udev/rules.d": "packaging/udev",
}
COMPLETIONS = {  # where each shell of Debian looks by itself for the words of a program that is typed
    "bash": "usr/share/bash-completion/completions/acquire",
    "zsh": "usr/share/zsh/vendor-completions/_acquire",
    "fish": "usr/share/fish/vendor_completions.d/acquire.fish",
}
DOCUMENTS = ("README.md", "CHANGELOG.md", "docs/service.md", "docs/security.md", "docs/bus.md", "docs/resources.md")


def version() -> str:
    """As pyproject.toml has it, the one place."""
    return str(tomllib.loads((HERE / "pyproject.toml").read_text())["project"]["version"])


def epoch() -> str:
    """Seconds since 1970 that every file made here bears."""
    said = os.environ.get("SOURCE_DATE_EPOCH")
    return said or run("git", "-C", str(HERE), "log", "-1", "--format=%ct").strip() or "315532800"


def run(*words: str, **more: str) -> str:
    """What a program says. Ends this one where it fails."""
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, env=os.environ | more, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(words)} ended with {done.returncode}.")
    return done.stdout


def wheel(into: Path) -> Path:
    """The project's wheel, made of a copy: what lies about in the work tree gets into none."""
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder, "source"), Path(folder, "made")
        for name in MADE_OF:
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if (HERE / name).is_dir():
                shutil.copytree(HERE / name, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(HERE / name, target)
        isolated = ("--no-build-isolation",) if _has_backend() else ()
        run(sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", *isolated, "--wheel-dir", str(made), str(source),
            SOURCE_DATE_EPOCH=epoch())  # fmt: skip
        (found,) = made.iterdir()
        into.mkdir(parents=True, exist_ok=True)
        return Path(shutil.move(found, into / found.name))


def _has_backend() -> bool:
    """Whether the pinned setuptools is here already; otherwise pip fetches it for an environment of its own."""
    (wanted,) = tomllib.loads((HERE / "pyproject.toml").read_text())["build-system"]["requires"]
    try:
        return wanted == f"setuptools=={metadata.version('setuptools')}"
    except metadata.PackageNotFoundError:
        return False


def tree(root: Path) -> None:
    """Everything the Debian package holds but its control files, below `root`."""
    environment(root / PREFIX)
    for place, folder in SYSTEM.items():
        shutil.copytree(HERE / folder, root / place)
    for shell, place in COMPLETIONS.items():
        (root / place).parent.mkdir(parents=True)
        (root / place).write_text(completion(root / PREFIX, shell))
    put(HERE / "packaging/debian/acquire.toml", root / "etc" / NAME)
    documents = root / "usr/share/doc" / NAME
    for each in DOCUMENTS:
        put(HERE / each, documents)
    put(HERE / "LICENSE", documents, "copyright")
    for each in ("clinic.toml", "grafana-dashboard.json", "mosquitto.conf", "prometheus-rules.yml"):
        put(HERE / "config" / each, documents / "examples")
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/acquire").symlink_to(f"../lib/{NAME}/bin/acquire")
    for path in root.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)


def environment(prefix: Path) -> None:
    """A virtual environment on the system's Python, as `python -m venv` lays it out, without pip."""
    with tempfile.TemporaryDirectory() as folder:
        made = wheel(Path(folder))
        install = (sys.executable, "-m", "pip", "install", "-qq", "--no-compile", "--no-deps", "--ignore-installed",
                   "--disable-pip-version-check", "--no-warn-script-location", "--prefix", str(prefix))  # fmt: skip
        run(
            *install,
            *(word for name in ("run", "oidc") for word in ("--requirement", f"{HERE}/requirements/{name}.txt")),
        )
        run(*install, str(made))
    shutil.rmtree(prefix / "bin")
    (prefix / "bin").mkdir()
    for name in ("python", "python3"):
        (prefix / "bin" / name).symlink_to(f"/usr/bin/{PYTHON}")
    (prefix / "pyvenv.cfg").write_text(
        f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {PYTHON[6:]}\n"
    )
    (prefix / "bin/acquire").write_text(f"#!/{PREFIX}/bin/python3 -I\n{START}")
    for path in [*prefix.glob(f"lib/{PYTHON}/site-packages/*/**/tests")]:
        shutil.rmtree(path)
    compiled = ("--invalidation-mode", "unchecked-hash", "-s", str(prefix), "-p", f"/{PREFIX}")
    run(sys.executable, "-m", "compileall", "-q", "-j", "2", *compiled, str(prefix / "lib"))


def completion(prefix: Path, shell: str) -> str:
    """The script by which a shell asks the program of an environment for words, as the program itself writes it."""
    packages = prefix / f"lib/{PYTHON}/site-packages"
    said = run(
        sys.executable, str(prefix / "bin/acquire"), PYTHONPATH=str(packages), _ACQUIRE_COMPLETE=f"source_{shell}"
    ).lstrip()
    if shell == "zsh":  # which runs the file at the first press of the key, and has then to ask at once
        said += '\n[[ $zsh_eval_context[-1] == loadautofunc ]] && _acquire_completion "$@"\n'
    return said


START = "import sys\n\nfrom acquire.start import main\n\nsys.exit(main())\n"


def put(file: Path, folder: Path, name: str | None = None) -> None:
    """A copy of a file in a folder, under its own name or another."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, folder / (name or file.name))


def pack(root: Path, into: Path, *, called: str | None = None) -> Path:
    """The Debian package of a tree, of this version or one called otherwise."""
    its = called or version()
    control = root / "DEBIAN"
    control.mkdir(exist_ok=True)
    python = f"{PYTHON}"
    architecture = run("dpkg", "--print-architecture").strip()
    maintainer = "dosimetry-acquire <maintainer@example.org>"
    wanted = (HERE / "packaging/debian/control").read_text()
    (control / "control").write_text(
        wanted.format(version=its, architecture=architecture, python=python, maintainer=maintainer)
    )
    (control / "conffiles").write_text(f"/etc/{NAME}/acquire.toml\n")
    for script in ("preinst", "postinst", "prerm", "postrm"):
        made = control / script
        made.write_text((HERE / "packaging/debian" / script).read_text().replace("@VERSION@", its))
        made.chmod(0o755)
    into.mkdir(parents=True, exist_ok=True)
    deb = into / f"{NAME}_{its}_{architecture}.deb"
    run("dpkg-deb", "--root-owner-group", "-Zzstd", "-z3", "--build", str(root), str(deb), SOURCE_DATE_EPOCH=epoch())
    return deb


def main() -> None:
    """`wheel` or `deb`."""
    into = HERE / "dist"
    match sys.argv[1:]:
        case ["wheel"]:
            print(wheel(into))
        case ["deb"]:
            with tempfile.TemporaryDirectory() as folder:
                root = Path(folder, "root")
                tree(root)
                print(pack(root, into))
        case _:
            sys.exit("Say `wheel` or `deb`.")


if __name__ == "__main__":
    main()
