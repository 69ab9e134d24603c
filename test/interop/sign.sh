#!/bin/bash
# sign.sh NAME - raw public keys against strongSwan, which it made itself: we initiate,
# traffic; everything is torn down; they initiate, the same again; then a key that the
# other side does not expect is refused.
#
# sign.sh -l lists the names for CMakeLists.txt.

#	name	our key		their key	method		phase 1
table='
rsa2048	rsa:2048	rsa:2048	RSA_SIG		AES-128-SHA2-256-GRP14
rsa4096	rsa:4096	rsa:3072	RSA_SIG		AES-128-SHA2-256-GRP14
ecdsa256	ec:P-256	ec:P-256	ECDSA_256	AES-128-SHA2-256-GRP14
ecdsa384	ec:P-384	ec:P-384	ECDSA_384	AES-128-SHA2-256-GRP14
ecdsa521	ec:P-521	ec:P-521	ECDSA_521	AES-128-SHA2-256-GRP14
'
if [ "${1-}" = -l ]; then
	awk 'NF { print "sign-" $1 }' <<<"$table"
	exit
fi
. "$(dirname "$0")/cases.sh"
swan_needed
net_enter "$@"
. "$here/openssl.sh"

read -r _ our their method p1 < <(awk -v name="${1#sign-}" '$1 == name' <<<"$table")
[ -n "$p1" ] || fail "no case $1"

for k in our their other; do
	case $k:$our in
	their:*) v=$their ;;
	other:rsa:*) v=rsa:2048 ;;	# its kind matters, not its size
	*) v=$our ;;
	esac
	key_make "$v" "$T/$k.pem"
	openssl pkey -in "$T/$k.pem" -pubout -out "$T/$k.pub"
done

both p1="$p1-$method" key="$T/our.pem" hispub="$T/their.pub" psk=unused \
    swan_mykey="$T/their.pem" swan_hispub="$T/our.pub"
we_start
say "ok: we initiate with $method"
traffic
we_end
they_start
say "ok: they initiate"
traffic
we_end

# A key that does not belong to the ID is refused, by us with the reason.
install -m 644 "$T/other.pub" "$T/west/run/pubkeys/ipv4/10.9.0.2"
kill -HUP "$(cat "$T/west/daemon.pid")"
wait_for 10 "the keys to be read again" logged west 'SIGHUP received'
order west "c net"
wait_for 20 "the refusal" logged west 'signature does not match'
[ "$(phase west 1)" = 0 ] || fail "phase 1 is up with a wrong key"
say "ok: another key under its ID is refused"
healthy
