#!/bin/sh
# Set-up for `make demo` and `make test`: a virtual environment with the pinned packages, and for the tests the system
# packages they need; `newest` makes a second environment, of the newest Python that the packages can be had for. Says
# in one sentence what to install where it may not do so itself.
set -eu

newest=3.15 newest_of=forky # the version, and the release of Debian that has it

fail() { printf '%s\n' "$1" >&2; exit 1; }

lacking="" packages="" # what is not here, and the Debian packages that bring it

need_python() {
    [ -x .venv/bin/python ] && .venv/bin/python -c '' 2>/dev/null && return
    for candidate in "${PYTHON:-}" python3 python3.15 python3.14 python3.13 python3.12 python3.11; do
        [ -n "$candidate" ] || continue
        command -v "$candidate" >/dev/null 2>&1 || continue
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        "$candidate" -c 'import ensurepip, venv' 2>/dev/null && return
        lack "the venv module of $candidate" "python$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
        return
    done
    candidate=python3
    lack 'Python 3.11 or newer' python3 python3-venv
}

has_newest() { "python$newest" -c 'import ensurepip, venv' 2>/dev/null; }

need_program() { # $1: program, $2...: Debian packages that bring it
    PATH="$PATH:/usr/sbin" command -v "$1" >/dev/null 2>&1 || lack "$@"
}

need_library() { # $1: library, $2...: Debian packages that bring it
    PATH="$PATH:/usr/sbin:/sbin" ldconfig -p 2>/dev/null | grep -q "$1" || lack "$@"
}

lack() { # $1: what, $2...: Debian packages that bring it
    lacking="${lacking:+$lacking, }$1"
    shift
    packages="${packages:+$packages }$*"
}

install_what_lacks() { # all of it at once, or a sentence that names all of it
    [ -n "$packages" ] || return 0
    printf 'Installing %s ...\n' "$packages" >&2
    apt_install "$packages" || fail "Needed and not here: $lacking. Install them (apt-get install $packages) and run make again."
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif sudo -n true 2>/dev/null; then sudo -n "$@"; else return 1; fi
}

apt_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    as_root sh -c "apt-get install -y -q $* >/dev/null 2>&1 || { apt-get update -q >/dev/null && apt-get install -y -q $* >/dev/null; }"
}

make_venv() {
    [ -x .venv/bin/python ] && .venv/bin/python -c '' 2>/dev/null && return
    "$candidate" -m venv .venv
}

fetch_uv() { # the pinned one, which installs in a fifth of the processor time that pip takes
    wanted_uv=$(grep '^uv==' requirements/dev.txt)
    [ "$(.venv/bin/uv --version 2>/dev/null)" = "uv ${wanted_uv#uv==}" ] && return
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile "$wanted_uv" || true
}

install_into() { # $1: environment, $2...: what. pip, where there is no uv, or it does not find what pip is set up to find
    environment=$1
    shift
    if [ -x .venv/bin/uv ] && .venv/bin/uv pip install --quiet --python "$environment/bin/python" "$@" 2>/dev/null; then return; fi
    .venv/bin/python -m pip --python "$environment/bin/python" install --quiet --disable-pip-version-check --no-compile "$@"
}

install_packages() { # $1: run or dev, $2: environment
    stamp="$2/.installed-$1"
    wanted=$(cat "requirements/$1.txt" pyproject.toml | sha256sum)
    [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
    printf 'Installing the %s packages into %s ...\n' "$1" "$2" >&2
    install_into "$2" -r "requirements/$1.txt"
    install_into "$2" --no-deps --editable .
    printf '%s\n' "$wanted" >"$stamp"
}

make_newest_venv() {
    .venv-newest/bin/python -c '' 2>/dev/null && return
    rm -rf .venv-newest
    if has_newest; then
        "python$newest" -m venv .venv-newest
        return
    fi
    root="$PWD/.venv-newest/debian"
    unpack_newest
    "$root/usr/bin/python$newest" -m venv --without-pip .venv-newest # Debian's looks for pip in the system's folders
    .venv-newest/bin/python -m zipfile -e "$root"/usr/share/python-wheels/pip-*.whl .venv-newest/lib/python*/site-packages
}

unpack_newest() { # Debian's, with the libraries it wants, beside the system and not into it
    printf 'Unpacking Python %s of Debian %s into .venv-newest ...\n' "$newest" "$newest_of" >&2
    mkdir -p "$root"
    mmdebstrap --quiet --variant=extract --mode=chrootless --aptopt='Acquire::Check-Valid-Until "false"' \
        --include="python$newest,python3-pip-whl" "$newest_of" "$root" ||
        fail "Python $newest could not be had from Debian $newest_of; install it and run make again."
    program="$root/usr/bin/python$newest"
    libraries=$(echo "$root"/usr/lib/*-linux-gnu*)
    patchelf --set-interpreter "$root/usr$(patchelf --print-interpreter "$program")" \
        --force-rpath --set-rpath "$libraries" "$program" # whatever it loads is looked for there first
}

install_apart() { # $1: name of requirements and environment, $2: what it is, $3...: options of pip
    name=$1 what=$2
    shift 2
    stamp=".venv-$name/.installed"
    wanted=$(sha256sum <"requirements/$name.txt")
    [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
    printf 'Installing %s, into .venv-%s ...\n' "$what" "$name" >&2
    rm -rf ".venv-$name"
    .venv/bin/python -m venv --without-pip ".venv-$name"
    install_into ".venv-$name" "$@" -r "requirements/$name.txt"
    printf '%s\n' "$wanted" >"$stamp"
}

has_promtool() { [ -x .venv/prometheus/usr/bin/promtool ] || command -v promtool >/dev/null 2>&1; }

fetch_promtool() { # out of Debian's package, without the service that it would start
    has_promtool && return
    printf 'Fetching promtool ...\n' >&2
    mkdir -p .venv/prometheus
    (cd .venv/prometheus && { apt-get download -q prometheus || { as_root apt-get update -q && apt-get download -q prometheus; }; } &&
        dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool && rm -f prometheus_*.deb) >/dev/null 2>&1 ||
        fail "The tests need 'promtool'; install it with 'apt-get install prometheus' and run make again."
}

install_node_packages() { # without a lock file, which would name the registry it was made from
    stamp="tools/node/node_modules/.installed"
    wanted=$(sha256sum <tools/node/package.json)
    [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
    printf 'Installing the npm packages of the tests into tools/node/node_modules ...\n' >&2
    (cd tools/node && npm install --silent --ignore-scripts --no-audit --no-fund --no-package-lock) ||
        fail "npm could not install tools/node/package.json; see what 'npm install' says in tools/node and run make again."
    printf '%s\n' "$wanted" >"$stamp"
}

need_python
if [ "$1" = newest ] && ! has_newest; then
    need_program mmdebstrap mmdebstrap
    need_program patchelf patchelf
fi
if [ "$1" = dev ] || [ "$1" = newest ]; then
    need_program mosquitto mosquitto
    need_program mosquitto_sub mosquitto-clients
    need_program ip iproute2
    need_program faketime faketime
    [ "$(id -u)" != 0 ] || need_program mmdebstrap mmdebstrap
    need_program strace strace
    need_program chromium chromium
    need_program pdftotext poppler-utils
    need_library libpangoft2-1.0.so.0 libpango-1.0-0 libpangoft2-1.0-0 # what WeasyPrint lays text out with
    need_program cc gcc libc6-dev
    has_promtool || command -v apt-get >/dev/null 2>&1 || lack promtool prometheus
    need_program node nodejs
    need_program npm npm
    need_program zsh zsh
    need_program fish fish
fi
install_what_lacks
make_venv
if [ "$1" = supply ]; then
    install_apart supply 'cyclonedx-bom and pip-audit, which look at what the service is made of'
    exit
fi
if [ "$1" = run ]; then
    install_packages run .venv
else
    fetch_uv
    install_apart pylinac 'pylinac, which the dose library is compared with and never imports' & pylinac=$!
    install_apart programs 'clients of other people, which judge the simulators' --no-deps & programs=$!
    install_node_packages & node=$!
    fetch_promtool
    install_packages dev .venv
    for each in "$pylinac" "$programs" "$node"; do wait "$each" || exit 1; done # it has said why
fi
if [ "$1" = newest ]; then
    make_newest_venv
    install_packages dev .venv-newest
fi
