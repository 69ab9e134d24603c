# openssl.sh - keys, authorities and certificates by plain openssl, for tests; to be sourced.
#
#	key_make rsa:2048 file		rsa:BITS, or ec:P-256 and the like
#	ca_make root rsa:2048		$pki/root.crt and .key, signed by itself
#	ca_make between ec:P-384 root	the same, signed by another
#	cert_make gw rsa:2048 between DNS:gw.example.org [days]
#	crl_make root gw...		$pki/root.crl, which revokes these
# A common name is the name with .test; everything lies in $pki.

pki=${pki:-$T/pki}

openssl_does() { openssl "$@" 2>"$T/openssl.err" || fail "openssl $1: $(tail -n 3 "$T/openssl.err")"; }

key_make() {
	case $1 in
	rsa:*) openssl_does genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:${1#rsa:}" -out "$2" ;;
	ec:*) openssl_does genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:${1#ec:}" -out "$2" ;;
	esac
}

# issue name issuer days: the request $pki/NAME.csr with the extensions on standard input
issue() {
	cat >"$pki/$1.ext"
	if [ "$2" = "$1" ]; then
		openssl_does x509 -req -in "$pki/$1.csr" -signkey "$pki/$1.key" -sha256 -days "$3" \
		    -extfile "$pki/$1.ext" -out "$pki/$1.crt"
	else
		openssl_does x509 -req -in "$pki/$1.csr" -CA "$pki/$2.crt" -CAkey "$pki/$2.key" \
		    -set_serial "0x$(openssl rand -hex 12)" -sha256 -days "$3" \
		    -extfile "$pki/$1.ext" -out "$pki/$1.crt"
	fi
}

request_make() {
	mkdir -p "$pki"
	[ -e "$pki/$1.key" ] || key_make "$2" "$pki/$1.key"
	openssl_does req -new -key "$pki/$1.key" -subj "/C=XX/O=Example/CN=$1.test" -out "$pki/$1.csr"
}

ca_make() {
	request_make "$1" "$2"
	issue "$1" "${3:-$1}" 3650 <<-E
	basicConstraints=critical,CA:true
	keyUsage=critical,keyCertSign,cRLSign
	subjectKeyIdentifier=hash
	E
}

cert_make() {
	request_make "$1" "$2"
	issue "$1" "$3" "${5:-365}" <<-E
	basicConstraints=CA:false
	keyUsage=critical,digitalSignature
	subjectKeyIdentifier=hash
	authorityKeyIdentifier=keyid
	subjectAltName=$4
	E
}

crl_make() {
	local ca=$1 c
	shift
	: >"$pki/$ca.index"
	printf '%s\n' '[ca]' default_ca=here '[here]' "database=$pki/$ca.index" default_md=sha256 \
	    default_crl_days=30 crl_extensions=list '[list]' authorityKeyIdentifier=keyid \
	    >"$pki/$ca.cnf"
	for c; do
		openssl_does ca -batch -config "$pki/$ca.cnf" -keyfile "$pki/$ca.key" -cert "$pki/$ca.crt" \
		    -revoke "$pki/$c.crt"
	done
	openssl_does ca -batch -config "$pki/$ca.cnf" -keyfile "$pki/$ca.key" -cert "$pki/$ca.crt" \
	    -gencrl -out "$pki/$ca.crl"
}
