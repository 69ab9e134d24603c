#!/bin/bash
# certs.sh NAME - X.509 certificates against strongSwan, made by plain openssl.
#
# One pair of daemons has a pair of outside addresses, an identity and a key on
# each side for every row of a table.  Each row is begun by us and passes
# packets, all is torn down, then each is begun by them.
#
# certs.sh -l lists the names for CMakeLists.txt.

#	row	our key		its issuer	their key	its issuer	method
#	Issuers are roots, or `root>between`: then each side has the root only, and
#	the intermediate one comes with the certificate.  In row dn the IDs are the
#	subjects: theirs because it is told none, ours by %fromcert.
accepted='
rsa2048		rsa:2048	root-rsa		rsa:2048	root-rsa		RSA_SIG
rsa4096		rsa:4096	root-rsa		rsa:4096	root-rsa		RSA_SIG
p256		ec:P-256	root-ec			ec:P-256	root-ec			ECDSA_256
p384		ec:P-384	root-ec			ec:P-384	root-ec			ECDSA_384
p521		ec:P-521	root-ec			ec:P-521	root-ec			ECDSA_521
chain-rsa	rsa:2048	root-rsa>west-rsa	rsa:3072	root-rsa>east-rsa	RSA_SIG
chain-ec	ec:P-256	root-ec>west-ec		ec:P-256	root-ec>east-ec		ECDSA_256
dn		ec:P-256	root-ec			ec:P-256	root-ec			ECDSA_256
'
#	row: who refuses whom, and why
refused='
foreign		ec:P-256	root-ec			ec:P-256	elsewhere		ECDSA_256
revoked		ec:P-256	root-ec			ec:P-256	root-ec			ECDSA_256
stranger	ec:P-256	elsewhere		ec:P-256	root-ec			ECDSA_256
withdrawn	ec:P-256	root-ec			ec:P-256	root-ec			ECDSA_256
'
if [ "${1-}" = -l ]; then
	printf '%s\n' certs-accepted certs-refused
	exit
fi
. "$(dirname "$0")/cases.sh"
swan_needed
command -v openssl >/dev/null || skip "no openssl"
net_enter "$@"
. "$here/openssl.sh"

case $1 in
certs-accepted) table=$accepted ;;
certs-refused) table=$refused ;;
*) fail "no case $1" ;;
esac
table=$(awk 'NF' <<<"$table")
names=$(awk '{ print $1 }' <<<"$table")

# ---- certificates ------------------------------------------------------------

# issuer_made root-or-root>between algorithm: which name signs
issuer_made() {
	local root=${1%>*} between=${1#*>} kind=ec:P-384
	[[ $root != *rsa ]] || kind=rsa:2048
	[ -e "$pki/$root.crt" ] || ca_make "$root" $kind
	[ "$between" = "$root" ] || [ -e "$pki/$between.crt" ] || ca_make "$between" $kind "$root"
	signer=$between
}

# What a host has: certificate and key of its own, with the intermediate one after it.
# holder host row key issuer
holder() {
	issuer_made "$4"
	cert_make "$2.$1" "$3" "$signer" "DNS:$2.$1.example"
	[ "$signer" = "${4%>*}" ] || between=$signer
}

install_all() {
	local run=$T/west/run swan=$T/east/swan
	mkdir -p "$run"/{ca,certs,crls,private} "$swan"/{x509,x509ca,x509crl,private}
	while read -r name ours our_ca theirs their_ca _; do
		between=
		holder west "$name" "$ours" "$our_ca"
		cat "$pki/$name.west.crt" ${between:+"$pki/$between.crt"} >"$run/certs/$name.crt"
		install -m 600 "$pki/$name.west.key" "$run/private/$([ $name = dn ] && echo local.key || echo "$name.west.example")"
		between=
		holder east "$name" "$theirs" "$their_ca"
		cp "$pki/$name.east.crt" ${between:+"$pki/$between.crt"} "$swan/x509/"
		cp "$pki/$name.east.key" "$swan/private/"
	done <<<"$table"
	for name in "$pki"/root-*.crt; do
		cp "$name" "$run/ca/"
		cp "$name" "$swan/x509ca/"
	done
}

# ---- both daemons ------------------------------------------------------------

our_side() {
	local k=0 name method our_id their_id
	printf '%s\n' "[General]" Use-Keynote=no "Kernel-backend=${LAB_BACKEND:-user}" \
	    "[X509-certificates]" CA-directory=/run/ca Cert-directory=/run/certs CRL-directory=/run/crls \
	    Private-key=/run/private/local.key Private-key-directory=/run/private "[Phase 1]"
	for name in $names; do echo "10.9.0.$((100 + ++k))=peer-$name"; done
	printf '[Phase 2]\nPassive-connections=%s\n' "$(printf 'net-%s,' $names | sed 's/,$//')"
	k=0
	while read -r name _ _ _ _ method; do
		k=$((k + 1))
		our_id=(ID-type=FQDN "Name=$name.west.example")
		their_id=(ID-type=FQDN "Name=$name.east.example")
		[ $name != dn ] || {
			our_id=(ID-type=ASN1_DN Name=%fromcert)
			their_id=(ID-type=ASN1_DN "Name=/C=XX/O=Example/CN=dn.east.test")
		}
		printf '%s\n' "[peer-$name]" Phase=1 "Address=10.9.0.$((100 + k))" \
		    "Local-address=10.9.0.$((10 + k))" "Configuration=mm-$name" \
		    "ID=us-$name" "Remote-ID=they-$name" \
		    "Force-encapsulation=$([ $swan_plane = libipsec ] && echo yes || echo no)" \
		    "[us-$name]" "${our_id[@]}" "[they-$name]" "${their_id[@]}" \
		    "[mm-$name]" EXCHANGE_TYPE=ID_PROT "Transforms=AES-128-SHA2-256-GRP19-$method" \
		    "[net-$name]" Phase=2 "ISAKMP-peer=peer-$name" Configuration=qm \
		    "Local-ID=mine-$name" "Remote-ID=his-$name"
		conf_id "mine-$name" "10.1.$((100 + k)).0/24"
		conf_id "his-$name" "10.2.$((100 + k)).0/24"
	done <<<"$table"
	printf '%s\n' "[qm]" EXCHANGE_TYPE=QUICK_MODE Suites=QM-ESP-AESGCM-128-PFS-GRP19-SUITE
}

their_side() {
	local k=0 name encap=yes
	[ $swan_plane = libipsec ] || encap=no
	echo "connections {"
	for name in $names; do
		k=$((k + 1))
		cat <<-C
		$name {
		  version = 1
		  local_addrs = 10.9.0.$((100 + k))
		  remote_addrs = 10.9.0.$((10 + k))
		  proposals = aes128-sha256-ecp256
		  encap = $encap
		  local {
		    auth = pubkey
		    certs = $name.east.crt
		    $([ $name = dn ] || echo "id = $name.east.example")
		  }
		  remote {
		    auth = pubkey
		    id = $([ $name = dn ] && echo '"C=XX, O=Example, CN=dn.west.test"' || echo $name.west.example)
		  }
		  children {
		    net-$name {
		      local_ts = 10.2.$((100 + k)).0/24
		      remote_ts = 10.1.$((100 + k)).0/24
		      esp_proposals = aes128gcm16-ecp256
		    }
		  }
		}
		C
	done
	echo "}"
}

addresses() {
	local k=0 name
	for name in $names; do
		k=$((k + 1))
		in_host west ip -batch - <<-B
		addr add 10.9.0.$((10 + k))/24 dev wan
		addr add 10.1.$((100 + k)).1/24 dev lan
		route add 10.2.$((100 + k)).0/24 via 10.9.0.2 src 10.1.$((100 + k)).1
		B
		in_host east ip -batch - <<-B
		addr add 10.9.0.$((100 + k))/24 dev wan
		addr add 10.2.$((100 + k)).1/24 dev lan
		route add 10.1.$((100 + k)).0/24 via 10.9.0.1 src 10.2.$((100 + k)).1
		B
		in_host cwest ip addr add 10.1.$((100 + k)).2/24 dev eth
		in_host ceast ip addr add 10.2.$((100 + k)).2/24 dev eth
	done
}

begin() {
	two_sites
	addresses
	install_all
	(umask 077; our_side >"$T/west/run/isakmpd.conf")
	their_side >"$T/east/swan/swanctl.conf"
}
start_both() {
	swan_start east
	daemon west "$T/west/run/isakmpd.conf" -v
}

# ---- rows --------------------------------------------------------------------

# up_row name: ours has a pair of SAs for it
up_row() {
	sas west | awk -v want="net-$1 " '
		/^SA name:/ { this = index($0, want) > 0 && index($0, "Phase 2") > 0 }
		this && /^Flags 0x/ { if (substr($2, 10) ~ /[13579bdf]/) n++ }
		END { exit n < 1 }'
}
# passes row number: pings from client to client, both ways
passes() {
	local k=$((100 + $2))
	wait_for 5 "the first answer of $1" in_host cwest ping -n -q -c 1 -W 1 -I 10.1.$k.2 10.2.$k.2
	in_host cwest ping -n -q -c 3 -i 0.05 -W 2 -I 10.1.$k.2 10.2.$k.2 >/dev/null || fail "$1: no pings"
	in_host ceast ping -n -q -c 3 -i 0.05 -W 2 -I 10.2.$k.2 10.1.$k.2 >/dev/null || fail "$1: no pings back"
}
# all_pass text
all_pass() {
	local k=0 name
	for name in $names; do
		k=$((k + 1))
		wait_for 20 "our tunnel of $name" up_row "$name"
		passes "$name" $k
		say "ok: $name: $1, packets pass"
	done
}
they_begin() {
	swan east --initiate --child "net-$1" --timeout "${2:-20}" >"$T/initiate" 2>&1
}
count_logged() { grep -c -- "$2" "$T/$1/log"; }
more_logged() { [ "$(count_logged "$1" "$2")" -gt "$3" ]; }
no_phase1() { ! sas west | grep '^SA name' | grep -q "peer-$1 "; }

# refused_by_us row pattern: whoever begins, our record says why
refused_by_us() {
	local n
	n=$(count_logged west "$2")
	order west "c net-$1"
	wait_for 20 "our refusal of $1" more_logged west "$2" "$n"
	order west "t net-$1"
	order west "t main peer-$1"
	say "ok: $1, we begin: $(grep -- "$2" "$T/west/log" | tail -n 1)"
	n=$(count_logged west "$2")
	they_begin "$1" 4 && fail "strongSwan has a tunnel of $1"
	wait_for 5 "our refusal of $1, as responder" more_logged west "$2" "$n"
	up_row "$1" && fail "a tunnel of $1"
	wait_for 5 "phase 1 of $1 to be gone" no_phase1 "$1"
	say "ok: $1, they begin"
}
# refused_by_them row pattern: of their log
refused_by_them() {
	local n
	n=$(count_logged east "$2")
	order west "c net-$1"
	wait_for 20 "their refusal of $1" more_logged east "$2" "$n"
	wait_for 10 "that we are told" logged west "PEER_REFUSED.*peer-$1).*AUTHENTICATION_FAILED"
	order west "t net-$1"
	order west "t main peer-$1"
	n=$(count_logged east "$2")
	they_begin "$1" 4 && fail "strongSwan has a tunnel of $1"
	wait_for 5 "their refusal of $1, as initiator" more_logged east "$2" "$n"
	wait_for 5 "our tunnel of $1 to be gone" row_down "$1"
	say "ok: $1, they begin"
}
row_down() { ! up_row "$1"; }

begin
case $1 in
certs-accepted)
	start_both
	for name in $names; do order west "c net-$name"; done
	all_pass "we begin"
	for name in $names; do order west "t net-$name"; done
	wait_for 10 "their children to go" swan_down east
	for name in $names; do order west "t main peer-$name"; done
	wait_for 10 "their IKE SAs to go" swan_no_ike east
	wait_for 5 "our side to be empty" nothing_left west
	for name in $names; do they_begin "$name" || fail "$name: $(tail -n 5 "$T/initiate")"; done
	all_pass "they begin" ;;

certs-refused)
	crl_make root-ec revoked.east
	cp "$pki/root-ec.crl" "$T/west/run/crls/"
	crl_make root-ec withdrawn.west
	cp "$pki/root-ec.crl" "$T/east/swan/x509crl/"
	start_both
	refused_by_us foreign 'CERT_ISSUER.*elsewhere.test'
	refused_by_us revoked 'CERT_REVOKED.*revoked.east.test'
	refused_by_them stranger 'no issuer certificate found for.*stranger.west.test'
	refused_by_them withdrawn 'certificate was revoked' ;;
esac
healthy
