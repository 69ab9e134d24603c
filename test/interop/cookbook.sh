#!/bin/bash
# cookbook.sh NAME - doc/interoperability.md as it is, with strongSwan: its swanctl.conf
# against our configuration of README.md or of etc/examples.
#
# cookbook.sh -l lists the names for CMakeLists.txt.
if [ "${1-}" = -l ]; then
	printf '%s\n' cookbook-secret cookbook-certificates
	exit
fi
. "$(dirname "$0")/cases.sh"
. "$here/doc.sh"
swan_needed
net_enter "$@"
two_sites
ours=$T/west/run/isakmpd.conf theirs=$T/east/swan
mkdir -p "$T/west/run" "$theirs"/{private,x509,x509ca}

# Its user-space data plane speaks ESP in UDP only.
encapsulate() {
	[ $swan_plane = libipsec ] || return 0
	sed -i 's/^ *version = 1/&\nencap = yes/' "$theirs/swanctl.conf"
	sed -i 's/^Configuration= *main$/&\nForce-encapsulation=yes/' "$ours"
}

case $1 in
cookbook-secret)
	key=$(openssl rand -hex 32)
	doc_readme "$key"
	doc_block strongSwan 1 | doc_addresses >"$theirs/swanctl.conf"
	sed -i "s/0x\.\.\.the key\.\.\./0x$key/" "$theirs/swanctl.conf" ;;
cookbook-certificates)
	doc_certificates "$T/pki"
	doc_ours "$T/pki"
	doc_block 'strongSwan with certificates' 1 | doc_addresses >"$theirs/swanctl.conf"
	cp "$T/pki/berlin.key" "$theirs/private/"
	cp "$T/pki/berlin.crt" "$theirs/x509/"
	cp "$T/pki/ca.crt" "$theirs/x509ca/" ;;
*) fail "no case $1" ;;
esac
encapsulate
swan_start east
daemon west "$ours"
wait_for 20 "our tunnel" tunnel_up west
traffic
order west "t office-berlin"
order west "t main berlin"
wait_for 10 "their IKE SA to go" swan_no_ike east
they_start
traffic
healthy
