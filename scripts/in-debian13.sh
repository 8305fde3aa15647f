#!/bin/sh
# Runs a make target in a Debian 13 of its own (Ceph 18), made under .run/debian13 when it is not there:
#   scripts/in-debian13.sh test
# Needs root: it is a chroot, with its mounts in a mount namespace that ends with it.
set -eu
cd "$(dirname "$0")/.."
root=$PWD/.run/debian13
work=$root/srv/loligo

if [ ! -e "$root/.complete" ]; then
  command -v mmdebstrap >/dev/null || apt-get install --yes --no-install-recommends mmdebstrap >/dev/null
  rm -rf --one-file-system "$root"
  mkdir -p "$root"
  echo '  Debian 13 by mmdebstrap, with git, make, npm and Go'
  mmdebstrap --quiet --variant=minbase --include=git,make,npm,golang-go,ca-certificates,procps,kmod trixie "$root" >/dev/null
  touch "$root/.complete"
fi

# The machine's own certificates and names, whatever they are.
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"

mkdir -p "$work"
# What was installed there stays; what is no longer in the project goes.
find "$work" -mindepth 1 -maxdepth 1 ! -name node_modules ! -name dist ! -name .run ! -name .cache -exec rm -rf {} +
git ls-files -z | tar --null --files-from=- -c | tar -x -C "$work"

exec unshare --mount --propagation private sh -eu -c '
  root=$1; shift
  mount --bind "$root" "$root"
  for dir in proc sys dev; do mount --rbind "/$dir" "$root/$dir"; done
  mount -t tmpfs tmpfs "$root/tmp"
  exec chroot "$root" /usr/bin/env HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    make -C /srv/loligo "$@"
' sh "$root" "$@"
