#!/bin/sh
# examples.sh isakmpd - every example configuration is one that the daemon takes.
set -u
bin=${1:?isakmpd}
top=$(cd "$(dirname "$0")/../.." && pwd)
[ -x "$bin" ] || { echo "skipped: no $bin"; exit 77; }
t=$(mktemp -d) || exit 1
trap 'rm -rf "$t"' EXIT
rc=0 n=0
# Who signs has a key: that it is missing is a warning of its own.
mkdir "$t/private"
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$t/private/local.key" 2>/dev/null
chmod 600 "$t/private/local.key"
try() {
	n=$((n + 1))
	grep -q '_SIG\|ECDSA' "$t/isakmpd.conf" && ! grep -q '^Private-key' "$t/isakmpd.conf" &&
	    printf '%s\n' '[X509-certificates]' "Private-key=$t/private/local.key" >>"$t/isakmpd.conf"
	chmod 600 "$t/isakmpd.conf"
	"$bin" --check --strict -K -c "$t/isakmpd.conf" >"$t/out" 2>&1 && return
	# A key for everybody is worth a warning, whoever writes it.
	[ "$(grep -c ': warning: ' "$t/out")" = 1 ] && ! grep -q ': error: ' "$t/out" &&
	    grep -q 'shares its key with every address' "$t/out" && return
	echo "$1 is refused:"
	sed 's/^/    /' "$t/out"
	rc=1
}
for f in "$top"/etc/*.sample "$top"/etc/examples/*.conf "$top"/etc/site-to-site/*.conf; do
	# With a key that is not the one everybody knows.
	sed 's/EXAMPLE-ONLY:[^ ]*/0x6f5c2a1e0d9b48c7a3f1e2d4c5b6a7980112233445566778/' "$f" >"$t/isakmpd.conf"
	try "${f#"$top"/}"
done
# The one in the README is read by more people than any other.
awk '/^    \[General\]/ { on = 1 } on && /^[^ ]/ { exit } on { sub(/^    /, ""); print }' \
    "$top/README.md" | sed 's/0x\.\.\.the key\.\.\./0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f/' \
    >"$t/isakmpd.conf"
[ "$(wc -l <"$t/isakmpd.conf")" -gt 30 ] || { echo "no configuration found in README.md"; rc=1; }
try "the configuration in README.md"
# And the test can fail.
echo "[Phase 1" >>"$t/isakmpd.conf"
"$bin" --check -K -c "$t/isakmpd.conf" >/dev/null 2>&1 && { echo "a broken file passes"; rc=1; }
[ $n -ge 16 ] || { echo "only $n examples found"; rc=1; }
exit $rc
