#!/bin/sh
# Boot the system below a folder ($1) with its own systemd, in namespaces and a control group ($2) of its own. Root only.
set -e
if [ "$3" != inside ]; then
    groups=$(mktemp -d)
    mount --make-rprivate /
    mount -t cgroup2 cgroup2 "$groups"
    mkdir "$groups/$2"
    echo $$ >"$groups/$2/cgroup.procs"
    exec unshare --pid --fork --mount --uts --ipc --net --cgroup --kill-child "$0" "$1" "$2" inside
fi
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for each in null zero full random urandom tty; do cp -a /dev/$each dev/; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
export container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin
exec chroot . /lib/systemd/systemd --system --show-status=no --unit=multi-user.target
