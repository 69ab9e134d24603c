#!/bin/bash
# bare.sh - the two commands in a fresh clone on a machine that has nothing.
#
#	test/house/bare.sh [-k DIR] [COMMAND...]
#
# Makes a Debian 12 tree with nothing but git, make and a C compiler, copies a
# clone of this repository's HEAD into it, and runs `make demo` and
# `make check` in there (or the COMMANDs): first as root, which installs the
# rest with apt, then in another clone as an ordinary user.  Wants root,
# debootstrap and the way to a Debian archive; about 1.5 GB below DIR (a
# temporary one unless -k, which keeps the tree for the next run).
# Not part of `make check`: it is what `make check` is run in.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
dir= keep=
if [ "${1-}" = -k ]; then
	dir=$2 keep=1
	shift 2
fi
[ $# -gt 0 ] || set -- "make demo" "make check WERROR=ON"
[ "$(id -u)" = 0 ] || { echo "bare: run as root" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "bare: no debootstrap" >&2; exit 1; }
dir=${dir:-$(mktemp -d)}
mkdir -p "$dir"
mirror=${MIRROR:-http://deb.debian.org/debian}

# Everything happens in a mount and process namespace: no mount outlives this.
if [ -z "${BARE_INSIDE-}" ]; then
	finish() { [ -n "$keep" ] || rm -rf "$dir"; }
	trap finish EXIT
	BARE_INSIDE=1 unshare -m -p --fork --kill-child --mount-proc \
	    bash "$0" -k "$dir" "$@"
	exit
fi
mount --make-rprivate /
tree=$dir/debian12
if [ ! -e "$tree/bare-is-complete" ]; then
	rm -rf "$tree"
	debootstrap --variant=minbase --include=git,make,gcc,libc6-dev,ca-certificates \
	    bookworm "$tree" "$mirror" >"$dir/debootstrap.log" 2>&1 ||
	    { tail -n 20 "$dir/debootstrap.log"; exit 1; }
	cat >"$tree/etc/apt/sources.list" <<-S
	deb $mirror bookworm main
	deb $mirror bookworm-updates main
	deb ${mirror%/debian}/debian-security bookworm-security main
	S
	chroot "$tree" useradd -m ordinary
	touch "$tree/bare-is-complete"
fi
cp /etc/resolv.conf "$tree/etc/resolv.conf"
mount --bind "$tree" "$tree"
mount -t proc proc "$tree/proc"
mount -t sysfs -o ro sysfs "$tree/sys" || mount --rbind /sys "$tree/sys"
mount --rbind /dev "$tree/dev"
mount -t tmpfs -o mode=1777 tmp "$tree/tmp"
mount -t tmpfs -o mode=755 run "$tree/run"

# inside account command: with the tree as true root, as on a machine of its own
# (a chroot, where nobody but root may make namespaces, if CHROOT is set)
inside() {
	local home=/root change=
	[ "$1" = root ] || {
		home=/home/$1
		change="setpriv --reuid=$1 --regid=$1 --clear-groups"
	}
	local run="cd $home/isakmpd && exec $change env -i HOME=$home USER=$1 TERM=dumb \
	    PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c \"\$1\""
	if [ -n "${CHROOT-}" ]; then
		chroot "$tree" sh -c "$run" sh "$2"
	else
		unshare -m sh -c 'cd "$1" && pivot_root . mnt && umount -l /mnt && shift &&
		    exec sh -c "$@"' sh "$tree" "$run" sh "$2"
	fi
}

# clone home: a clone of HEAD that knows nothing of where it came from
clone() {
	rm -rf "$tree$1/isakmpd"
	git -c safe.directory="$top" -c safe.directory="$top/.git" \
	    clone -q --no-hardlinks "$top" "$tree$1/isakmpd"
	git -C "$tree$1/isakmpd" remote remove origin
}
rc=0
clone /root
clone /home/ordinary
chroot "$tree" chown -R ordinary: /home/ordinary/isakmpd
for who in root ordinary; do
	for command; do
		echo "bare: $who: $command"
		start=$SECONDS
		inside $who "$command" || rc=1
		echo "bare: $who: $command: $([ $rc = 0 ] && echo passed || echo FAILED) after $((SECONDS - start)) s"
		[ $rc = 0 ] || exit 1
	done
	left=$(chroot "$tree" sh -c 'ls -d /tmp/isakmpd.* /run/isakmpd* 2>/dev/null; getent passwd _isakmpd; true')
	[ -z "$left" ] || { echo "bare: $who left behind: $left"; exit 1; }
done
exit $rc
