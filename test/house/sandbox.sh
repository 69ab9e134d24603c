#!/bin/sh
# sandbox.sh program - the sandbox holds for the other kind of user as well: as
# root the test also runs as an ordinary user, and as a user also as the root of a
# user namespace.
set -u
program=$1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
# The build directory may be out of reach for others.
chmod 755 "$dir" && cp "$program" "$dir/sandbox" && chmod 755 "$dir/sandbox" || exit 1
cd "$dir" || exit 1

if [ "$(id -u)" = 0 ]; then
	command -v setpriv >/dev/null || { echo "skipped: no setpriv"; exit 77; }
	setpriv --reuid=65534 --regid=65534 --clear-groups ./sandbox
else
	unshare -r true 2>/dev/null || { echo "skipped: no user namespaces"; exit 77; }
	unshare -r ./sandbox
fi
