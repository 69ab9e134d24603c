#!/bin/sh
# certs.sh directory - every certificate and revocation list that the tests of
# src/trust want, made by plain openssl.  NAME.pem, CAs with NAME.key.
set -eu
cd "${1:?directory}"
umask 077
: >err
trap 'st=$?; [ $st -eq 0 ] || cat err; exit $st' EXIT
exec 2>err
serial=100
long=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA		# 32
for _ in 1 2 3 4 5 6 7 8 9; do long=$long$long; done

ec() { openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:${2:-P-256}" -out "$1"; }
rsa() { openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:$2" -out "$1"; }
ca_ext='basicConstraints=critical,CA:true
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash'
leaf_ext='basicConstraints=critical,CA:false
keyUsage=critical,digitalSignature'

# root NAME SUBJECT [key]
root() {
	[ -e "${3:-$1.key}" ] || ec "${3:-$1.key}"
	printf '%s\n' "$ca_ext" >ext
	openssl req -new -key "${3:-$1.key}" -subj "$2" -out csr
	openssl x509 -req -in csr -signkey "${3:-$1.key}" -days 7300 -set_serial 1 -extfile ext -out "$1.pem"
}
# cert NAME KEY SUBJECT ISSUER EXTENSIONS [x509 options]: signed by ISSUER.pem
cert() {
	name=$1 key=$2 subject=$3 issuer=$4
	printf '%s\n' "$5" >ext
	shift 5
	serial=$((serial + 1))
	openssl req -new -key "$key" -subj "$subject" -out csr
	openssl x509 -req -in csr -CA "$issuer.pem" -CAkey "$issuer.key" -days 3650 \
	    -set_serial $serial -extfile ext "$@" -out "$name.pem"
}
# a leaf named gw.example.org
gw() { cert "$1" host.key "/C=SE/O=Example/CN=$1" "$2" "$leaf_ext
subjectAltName=DNS:gw.example.org"; }

ec host.key
root root '/C=SE/O=Example/CN=Example Root'
root root2 '/C=SE/O=Other/CN=Other Root'
root fake '/C=SE/O=Example/CN=Example Root'

# chains: leaf0 by the root, leaf1 by ca1, ...
gw leaf0 root
above=root
for i in 1 2 3 4 5 6 7 8 9; do
	ec ca$i.key
	cert ca$i ca$i.key "/C=SE/O=Example/CN=CA $i" $above "$ca_ext"
	gw leaf$i ca$i
	above=ca$i
done
cert cross1 ca1.key '/C=SE/O=Example/CN=CA 1' root2 "$ca_ext"
gw forged fake

# names
cert names host.key '/C=SE/O=Example/CN=cn.example.org' root "$leaf_ext
subjectAltName=DNS:first.example.org,DNS:Second.Example.org,IP:192.0.2.1,IP:2001:db8::1,email:Admin@Example.org,DNS:*.wild.example.org"
cert nosan host.key '/C=SE/O=Example/CN=gw.example.org' root "$leaf_ext"
long_san=DNS:pad0.example.org
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do long_san=$long_san,DNS:pad$i.example.org; done
cert longsan host.key '/CN=longsan' root "$leaf_ext
subjectAltName=$long_san,DNS:last.example.org"

# usage
cert nosign host.key '/CN=nosign' root 'keyUsage=critical,keyEncipherment
subjectAltName=DNS:gw.example.org'
cert nonrepudiation host.key '/CN=nonrepudiation' root 'keyUsage=nonRepudiation
subjectAltName=DNS:gw.example.org'
cert codesigning host.key '/CN=codesigning' root "$leaf_ext
extendedKeyUsage=codeSigning
subjectAltName=DNS:gw.example.org"
cert ikeusage host.key '/CN=ikeusage' root "$leaf_ext
extendedKeyUsage=1.3.6.1.5.5.7.3.17
subjectAltName=DNS:gw.example.org"
cp host.key nosan.key
gw byleaf nosan
cert nocertsign ca1.key '/CN=no certsign' root 'basicConstraints=critical,CA:true
keyUsage=critical,digitalSignature'
cp ca1.key nocertsign.key
gw bynocertsign nocertsign
cert critical host.key '/CN=critical' root "$leaf_ext
subjectAltName=DNS:gw.example.org
1.2.3.4.5=critical,ASN1:UTF8String:what"

# constraints
cert short ca1.key '/CN=path length 0' root 'basicConstraints=critical,CA:true,pathlen:0
keyUsage=critical,keyCertSign'
cp ca1.key short.key
cert below ca2.key '/CN=below' short "$ca_ext"
cp ca2.key below.key
gw bybelow below
cert constrained ca1.key '/CN=constrained' root "$ca_ext
nameConstraints=critical,permitted;DNS:allowed.org"
cp ca1.key constrained.key
gw outside constrained
cert inside host.key '/CN=inside' constrained "$leaf_ext
subjectAltName=DNS:gw.allowed.org"

# keys and signatures
rsa rsa1024.key 1024
rsa rsa2048.key 2048
ec p384.key P-384
ec p521.key P-521
ec k256.key secp256k1
openssl genpkey -algorithm ED25519 -out ed.key
for k in rsa1024 rsa2048 p384 p521 k256 ed; do
	cert $k $k.key "/CN=$k" root "$leaf_ext
subjectAltName=DNS:gw.example.org"
done
for d in sha1 sha384; do
	cert $d host.key "/CN=$d" root "$leaf_ext
subjectAltName=DNS:gw.example.org" -$d
done
root rsaroot '/CN=RSA Root' rsa2048.key	# there is no ECDSA with MD5
cp rsa2048.key rsaroot.key
cert md5 host.key /CN=md5 rsaroot "$leaf_ext
subjectAltName=DNS:gw.example.org" -md5
# public keys that nobody has: a modulus of 9000 bits, exponents even and of 72 bits
pub() {
	printf 'asn1=SEQUENCE:r\n[r]\nn=INTEGER:0x%s\ne=INTEGER:%s\n' "$2" "$3" >conf
	openssl asn1parse -genconf conf -noout -out der
	openssl rsa -RSAPublicKey_in -inform DER -in der -pubout -out $1.pub
	cert $1 host.key "/CN=$1" root "$leaf_ext
subjectAltName=DNS:gw.example.org" -force_pubkey $1.pub
}
hex=$(printf '%s' "$long" | tr A c)
pub huge "$(printf '%.2250s' "$hex")1" 65537
pub evenexponent "$(printf '%.511s' "$hex")1" 65538
pub longexponent "$(printf '%.511s' "$hex")1" 0x800000000000000001
printf '%s\n' "$leaf_ext" "subjectAltName=DNS:gw.example.org" "nsComment=$long" >ext
openssl req -new -key host.key -subj /CN=large -out csr
openssl x509 -req -in csr -CA root.pem -CAkey root.key -set_serial 9 -days 3650 -extfile ext -out large.pem

# signed by themselves
printf '%s\n' "$leaf_ext" subjectAltName=DNS:gw.example.org >ext
openssl req -new -key host.key -subj /CN=self -out csr
openssl x509 -req -in csr -signkey host.key -days 3650 -set_serial 1 -extfile ext -out self.pem
openssl req -new -key rsa2048.key -subj /CN=selfmd5 -out csr
openssl x509 -req -in csr -signkey rsa2048.key -days 3650 -set_serial 1 -md5 -extfile ext -out selfmd5.pem

# short lives: 10 days, so that two moments show both ends
cert brief host.key '/CN=brief' root "$leaf_ext
subjectAltName=DNS:gw.example.org" -days 10
ec briefca.key
cert briefca briefca.key '/CN=brief CA' root "$ca_ext" -days 10
gw bybriefca briefca

# revocation lists: NAME ISSUER DAYS [revoked certificate]
crl() {
	: >index
	printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index\ndefault_md=sha256\n' >conf
	openssl ca -config conf -keyfile "$2.key" -cert "$2.pem" -gencrl -crldays "$3" -out /dev/null
	[ $# -lt 4 ] || openssl ca -config conf -keyfile "$2.key" -cert "$2.pem" -revoke "$4.pem"
	openssl ca -config conf -keyfile "$2.key" -cert "$2.pem" -gencrl -crldays "$3" -out "$1.pem"
}
crl crl_root root 3650
crl crl_root_leaf0 root 3650 leaf0
crl crl_root_ca1 root 3650 ca1
crl crl_ca1 ca1 3650
crl crl_ca1_leaf1 ca1 3650 leaf1
crl crl_brief root 10
crl crl_fake fake 3650
openssl crl -in crl_root.pem -outform DER -out crl_root.der
openssl crl -in crl_root_leaf0.pem -outform DER -out crl_root_leaf0.der

# containers
openssl crl2pkcs7 -nocrl -certfile leaf2.pem -certfile ca2.pem -certfile ca1.pem -outform DER -out chain2.p7
openssl crl2pkcs7 -in crl_root_leaf0.pem -certfile leaf0.pem -outform DER -out withcrl.p7
cat leaf2.pem ca2.pem ca1.pem >full2.pem
