#!/bin/sh
# install.sh build-directory - `make install` puts everything in its place,
# below DESTDIR only, and the unit names the program where it is.
set -u
build=${1:?build directory}
t=$(mktemp -d) || exit 1
trap 'rm -rf "$t"' EXIT
[ -x "$build/bin/isakmpd" ] || { echo "skipped: no $build/bin/isakmpd"; exit 77; }
DESTDIR=$t cmake --install "$build" --prefix /opt/place >"$t/log" 2>&1 || { cat "$t/log"; exit 1; }
rc=0
for f in sbin/isakmpd sbin/isakmpctl share/man/man8/isakmpctl.8 lib/systemd/system/isakmpd.service lib/systemd/system/isakmpd-key.service lib/sysusers.d/isakmpd.conf \
    lib/tmpfiles.d/isakmpd.conf share/man/man8/isakmpd.8 share/man/man5/isakmpd.conf.5 \
    share/man/man7/isakmpd-failures.7 \
    share/doc/isakmpd/README.md; do
	[ -s "$t/opt/place/$f" ] || { echo "not installed: $f"; rc=1; }
done
grep -q '^ExecStart=/opt/place/sbin/isakmpd ' "$t/opt/place/lib/systemd/system/isakmpd.service" ||
    { echo "the unit does not start /opt/place/sbin/isakmpd"; rc=1; }
grep -q '^ExecStart=/opt/place/sbin/isakmpctl pki key$' "$t/opt/place/lib/systemd/system/isakmpd-key.service" ||
    { echo "the unit for the key does not run /opt/place/sbin/isakmpctl"; rc=1; }
grep -q '^Wants=isakmpd-key.service$' "$t/opt/place/lib/systemd/system/isakmpd.service" ||
    { echo "the unit does not want that of the key"; rc=1; }
# The command of that unit, in a folder of ours: a key pair that the daemon accepts.
"$t/opt/place/sbin/isakmpctl" pki key -e "$t/etc" >"$t/log" 2>&1 || { cat "$t/log"; rc=1; }
[ "$(stat -c %a "$t/etc/private/local.key" 2>/dev/null)" = 600 ] || { echo "the mode of local.key"; rc=1; }
openssl pkey -in "$t/etc/private/local.key" -noout -text 2>/dev/null | grep -q '3072 bit' ||
    { echo "local.key is not RSA of 3072 bits"; rc=1; }
rm -rf "$t/etc"
others=$(find "$t" -mindepth 1 -maxdepth 1 ! -name opt ! -name log)
[ -z "$others" ] || { echo "outside of the prefix: $others"; rc=1; }
exit $rc
