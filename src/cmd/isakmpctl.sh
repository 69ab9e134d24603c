#!/bin/sh
# isakmpctl status, order - a question to the running daemon, and its answer.
# isakmpctl pki - keys and certificates for isakmpd, made by openssl(1): a CA, a
# host's key and request with the right subjectAltName, the certificate, its
# revocation; and what to copy where.  See isakmpctl(8).
set -eu
umask 077

usage() {
	cat <<-'EOT'
	usage: isakmpctl status [-r dir] [text|json|table]
	       isakmpctl order [-r dir] line
	       isakmpctl pki ca [-d dir] [-t days] name
	       isakmpctl pki key [-e dir] [-a rsa|p256|p384|p521]
	       isakmpctl pki request [-e dir] id
	       isakmpctl pki sign [-d dir] [-t days] request [id]
	       isakmpctl pki revoke [-d dir] certificate
	       isakmpctl pki crl [-d dir] [-t days]
	       isakmpctl pki show file
	An id is an IPv4 or IPv6 address, a host name, or user@host.
	-d: the folder of the CA (./isakmpd-ca); -e: the folder of isakmpd (/etc/isakmpd)
	-r: the run directory of the daemon (/var/run)
	EOT
}
fail() {
	echo "isakmpctl: $*" >&2
	exit 1
}
copy() { printf '  %-28s -> %s\n' "$1" "$2"; }

# The subjectAltName of an identity: its type is told by its form.
name_of() {
	case $1 in
	'' | *[!A-Za-z0-9.:_@+-]* | -*) fail "not an identity: $1" ;;
	*@*@* | @* | *@) fail "not user@host: $1" ;;
	*@*) echo "email:$1" ;;
	*:*) echo "IP:$1" ;;
	*[!0-9.]*) echo "DNS:$1" ;;
	*) echo "IP:$1" ;;
	esac
}

# File names are made of identities.
file_of() { echo "$1" | tr : _; }

need_ca() {
	[ -s "$ca/ca.key" ] || fail "no CA in $ca: make one by isakmpctl pki ca"
}

settings() {
	cat >"$ca/ca.cnf" <<-'EOT'
	[ca]
	default_ca=here
	[here]
	database=$ENV::ISAKMPCTL_CA/index
	new_certs_dir=$ENV::ISAKMPCTL_CA/issued
	rand_serial=yes
	default_md=sha256
	policy=any
	unique_subject=no
	string_mask=utf8only
	[any]
	countryName=optional
	organizationName=optional
	commonName=supplied
	EOT
}

# openssl ca knows its folder by this name only.
authority() {
	ISAKMPCTL_CA=$ca openssl ca -batch -config "$ca/ca.cnf" -keyfile "$ca/ca.key" -cert "$ca/ca.crt" "$@" \
	    2>"$ca/log" || { cat "$ca/log" >&2; fail "openssl ca failed"; }
}

make_ca() {
	[ $# -eq 1 ] || fail "ca: which name?"
	[ ! -e "$ca/ca.key" ] || fail "$ca/ca.key is there already: a new CA would make all its certificates worthless"
	case $1 in '' | *[!A-Za-z0-9._\ -]*) fail "not a name for a CA: $1" ;; esac
	mkdir -p "$ca/issued"
	settings
	: >"$ca/index"
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out "$ca/ca.key" 2>/dev/null
	cat >"$ca/ext" <<-'EOT'
	basicConstraints=critical,CA:true,pathlen:0
	keyUsage=critical,keyCertSign,cRLSign
	subjectKeyIdentifier=hash
	EOT
	openssl req -new -key "$ca/ca.key" -subj "/CN=$1" -out "$ca/csr"
	openssl x509 -req -in "$ca/csr" -signkey "$ca/ca.key" -days "${days:-3650}" -sha256 \
	    -extfile "$ca/ext" -out "$ca/ca.crt" 2>/dev/null
	chmod 644 "$ca/ca.crt"
	rm -f "$ca/csr" "$ca/ext"
	days=
	make_crl quiet
	echo "A CA is in $ca. Keep ca.key there, and nowhere else. Copy to every gateway:"
	copy "$ca/ca.crt" /etc/isakmpd/ca/
	copy "$ca/ca.crl" "/etc/isakmpd/crls/  (and again each month, by isakmpctl pki crl)"
}

make_key() {
	[ $# -eq 0 ] || fail "key: what is $1?"
	key=$etc/private/local.key
	[ ! -e "$key" ] || fail "$key is there already"
	mkdir -p "$etc/private"
	case $algorithm in
	rsa) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out "$key" 2>/dev/null ;;
	p256) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$key" ;;
	p384) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$key" ;;
	p521) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out "$key" ;;
	*) fail "no keys of kind $algorithm: rsa, p256, p384 or p521" ;;
	esac
	openssl pkey -in "$key" -pubout -out "$etc/local.pub"
	chmod 644 "$etc/local.pub"
	echo "The key is $key; it stays on this host."
	echo "Without certificates, copy the public half to the peer:"
	copy "$etc/local.pub" "/etc/isakmpd/pubkeys/fqdn/NAME (or ipv4/, ipv6/, ufqdn/)"
}

make_request() {
	[ $# -eq 1 ] || fail "request: for which identity?"
	san=$(name_of "$1")
	[ -s "$etc/private/local.key" ] || fail "no key in $etc/private: make one by isakmpctl pki key"
	file=$etc/$(file_of "$1").csr
	openssl req -new -key "$etc/private/local.key" -subj "/CN=$1" -addext "subjectAltName=$san" \
	    -out "$file" || fail "openssl refuses $san"
	chmod 644 "$file"
	echo "A request for $san is $file. Take it to the CA, and there:"
	echo "  isakmpctl pki sign $(basename "$file")"
}

# The one name that a request asks for.
requested() {
	openssl req -in "$1" -noout -verify >/dev/null 2>&1 || fail "$1: not a request, or not signed by its own key"
	openssl req -in "$1" -noout -text |
	    sed -n '/X509v3 Subject Alternative Name:/{n;s/^ *//;s/IP Address:/IP:/g;p;q;}'
}

sign() {
	[ $# -eq 1 ] || [ $# -eq 2 ] || fail "sign: which request?"
	need_ca
	[ -r "$1" ] || fail "$1 cannot be read"
	asked=$(requested "$1")
	if [ $# -eq 1 ]; then
		case $asked in *,*) fail "$1 asks for several names: $asked; say which one, as another argument" ;; esac
		set -- "$1" "${asked#*:}"
	fi
	san=$(name_of "$2")
	cat >"$ca/ext" <<-EOT
	basicConstraints=critical,CA:false
	keyUsage=critical,digitalSignature
	extendedKeyUsage=serverAuth,clientAuth,1.3.6.1.5.5.7.3.17
	subjectKeyIdentifier=hash
	authorityKeyIdentifier=keyid
	subjectAltName=$san
	EOT
	file=$ca/$(basename "$1" .csr).crt
	authority -in "$1" -subj "/CN=$2" -days "${days:-825}" -notext -extfile "$ca/ext" -out "$file"
	chmod 644 "$file"
	rm -f "$ca/ext"
	echo "$san is certified in $file. Copy to that host:"
	copy "$file" /etc/isakmpd/certs/
	copy "$ca/ca.crt" /etc/isakmpd/ca/
	copy "$ca/ca.crl" /etc/isakmpd/crls/
	echo "and send SIGHUP to isakmpd there."
}

make_crl() {
	authority -gencrl -crldays "${days:-45}" -out "$ca/ca.crl"
	chmod 644 "$ca/ca.crl"
	[ "${1-}" = quiet ] && return
	echo "A list that is current for ${days:-45} days. Copy to every gateway, and send SIGHUP:"
	copy "$ca/ca.crl" /etc/isakmpd/crls/
}

revoke() {
	[ $# -eq 1 ] || fail "revoke: which certificate?"
	need_ca
	[ -r "$1" ] || fail "$1 cannot be read"
	authority -revoke "$1"
	echo "$1 is revoked."
	make_crl
}

# Where a raw key of a peer that calls itself by this subject would lie: the
# subject is the nth sequence of the third level of the file.
key_file() {
	at=$(openssl asn1parse -in "$1" | awk -F: -v n="$2" '/:d=2 .*cons: SEQUENCE/ && ++found == n { print $1 + 0 }')
	sum=$(openssl asn1parse -in "$1" -strparse "$at" -noout -out /dev/stdout | openssl dgst -sha256 -r)
	echo "raw key of the subject: pubkeys/asn1_dn/${sum%% *}.pem"
}

show() {
	[ $# -eq 1 ] || fail "show: which file?"
	[ -r "$1" ] || fail "$1 cannot be read"
	case $(sed -n 's/^-----BEGIN \(.*\)-----.*/\1/p' "$1" | head -n 1) in
	*CERTIFICATE\ REQUEST) openssl req -in "$1" -noout -subject && requested "$1" && key_file "$1" 1 ;;
	*CERTIFICATE) openssl x509 -in "$1" -noout -subject -issuer -serial -dates -ext subjectAltName,keyUsage
	    key_file "$1" 4 ;;
	X509\ CRL) openssl crl -in "$1" -noout -issuer -lastupdate -nextupdate
	    openssl crl -in "$1" -noout -text | sed -nE '/^ *(Serial Number|Revocation Date):/p' ;;
	*PRIVATE\ KEY) openssl pkey -in "$1" -noout -text | head -n 1 ;;
	*PUBLIC\ KEY) openssl pkey -pubin -in "$1" -noout -text | head -n 1 ;;
	*) fail "$1: no PEM file" ;;
	esac
}

# ---- the running daemon ----

# One line for its FIFO.  Without a reader the open would wait for ever.
order() {
	[ -p "$run/isakmpd.fifo" ] || fail "no $run/isakmpd.fifo: isakmpd does not run, or has another run directory"
	[ -w "$run/isakmpd.fifo" ] || fail "$run/isakmpd.fifo: permission denied: only root may ask"
	timeout 5 sh -c 'printf "%s\n" "$1" >"$2"' sh "$1" "$run/isakmpd.fifo" ||
	    fail "nobody reads $run/isakmpd.fifo: isakmpd has ended without removing it"
}

# The daemon renames a whole answer into place: it is there when the file is another one.
answer() {
	was=$(stat -c %i.%z "$run/isakmpd.result" 2>/dev/null || :)
	order "$1"
	i=0
	while [ "$(stat -c %i.%z "$run/isakmpd.result" 2>/dev/null || :)" = "$was" ]; do
		i=$((i + 1))
		[ $i -le 100 ] || fail "no answer in ten seconds; the log says more"
		sleep 0.1
	done
	cat "$run/isakmpd.result"
}

daemon() {
	what=$1 run=/var/run
	shift
	while getopts r: letter; do
		case $letter in
		r) run=$OPTARG ;;
		*) usage >&2; exit 1 ;;
		esac
	done
	shift $((OPTIND - 1))
	[ $# -le 1 ] || { usage >&2; exit 1; }
	case $what.${1-} in
	status. | status.text) answer 'S text' ;;
	status.json) answer 'S json' ;;
	status.table) answer S ;;
	order.S | order.S\ * | order.C\ get\ *) answer "$1" ;;
	order.?*) order "$1" ;;
	*) usage >&2; exit 1 ;;
	esac
}

case ${1-} in
-h | --help) usage; exit 0 ;;
status | order) daemon "$@"; exit ;;
pki) ;;
*) usage >&2; exit 1 ;;
esac
[ $# -ge 2 ] || { usage >&2; exit 1; }
verb=$2
shift 2
ca=isakmpd-ca etc=/etc/isakmpd days='' algorithm=rsa
while getopts a:d:e:t: letter; do
	case $letter in
	a) algorithm=$OPTARG ;;
	d) ca=$OPTARG ;;
	e) etc=$OPTARG ;;
	t) days=$OPTARG ;;
	*) usage >&2; exit 1 ;;
	esac
done
shift $((OPTIND - 1))
case $days in *[!0-9]*) fail "days: $days" ;; esac
command -v openssl >/dev/null 2>&1 || fail "openssl(1) is not installed"
case $verb in
ca) make_ca "$@" ;;
key) make_key "$@" ;;
request) make_request "$@" ;;
sign) sign "$@" ;;
revoke) revoke "$@" ;;
crl) need_ca; make_crl ;;
show) show "$@" ;;
*) usage >&2; exit 1 ;;
esac
