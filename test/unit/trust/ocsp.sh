#!/bin/sh
# ocsp.sh directory - certificates that name responders, and answers of responders, made by
# plain openssl.  NAME.pem, NAME.key; answers are NAME.ocsp.
set -eu
cd "${1:?directory}"
umask 077
: >err
trap 'st=$?; [ $st -eq 0 ] || cat err; exit $st' EXIT
exec 2>err

printf '[ca]\ndefault_ca=d\n[d]\ndatabase=db\nnew_certs_dir=.\nserial=number\ndefault_md=sha256
policy=p\nunique_subject=no\n[p]\ncommonName=supplied\n' >conf
echo 10 >number
: >db
until=20400101000000Z

# sign NAME SUBJECT EXTENSIONS options: valid since 2020, so that a test can go back in time
sign() {
	name=$1
	[ -e "$1.key" ] || openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"
	printf '%s\n' "$3" >ext
	openssl req -new -key "$1.key" -subj "$2" -out csr
	shift 3
	openssl ca -batch -config conf -in csr -extfile ext -startdate 20200101000000Z \
	    -enddate $until -notext "$@" -out "$name.pem"
}
ca_ext='basicConstraints=critical,CA:true
keyUsage=critical,keyCertSign,cRLSign'
root() { sign "$1" "/CN=$1" "$ca_ext" -selfsign -keyfile "$1.key"; }
# cert NAME ISSUER SUBJECT EXTENSIONS
cert() { sign "$1" "$3" "$4" -cert "$2.pem" -keyfile "$2.key"; }
leaf_ext='basicConstraints=critical,CA:false
keyUsage=critical,digitalSignature
subjectAltName=DNS:gw.example.org'

root root
root other
cert ca root /CN=ca "$ca_ext
authorityInfoAccess=OCSP;URI:http://ocsp.example.org/root"
cert leaf ca /CN=leaf "$leaf_ext
authorityInfoAccess=caIssuers;URI:http://x.example.org/ca.crt,OCSP;URI:ldap://ldap.example.org/,OCSP;URI:http://[2001:db8::1]:8080/ca?x"
cert leaf2 ca /CN=leaf2 "$leaf_ext
authorityInfoAccess=OCSP;URI:http://ocsp.example.org/ca"
cert silent ca /CN=silent "$leaf_ext"
cert short root /CN=short "$leaf_ext
authorityInfoAccess=OCSP;URI:http://ocsp.example.org/root"
cert delegate ca /CN=delegate 'extendedKeyUsage=OCSPSigning
noCheck=ignored'
cert plain ca /CN=plain "$leaf_ext"
cert elsewhere other /CN=elsewhere 'extendedKeyUsage=OCSPSigning'
until=$(date -u -d '3 days' +%Y%m%d%H%M%SZ)
cert late ca /CN=late 'extendedKeyUsage=OCSPSigning'

# line FILE STATUS NAME: of the list that the responder answers from
line() {
	printf '%s\t350101000000Z\t%s\t%s\tunknown\t/CN=%s\n' "$2" \
	    "$([ "$2" = V ] || echo 250102030405Z,keyCompromise)" \
	    "$(openssl x509 -in "$3.pem" -noout -serial | cut -d= -f2)" "$3" >>"$1"
}
for n in leaf leaf2 ca short; do
	line good V $n
	line revoked R $n
done
: >nobody

# answer NAME CERTIFICATE ISSUER LIST SIGNER [options]
answer() {
	name=$1 of=$2 issuer=$3 list=$4 signer=$5
	shift 5
	openssl ocsp -issuer "$issuer.pem" -cert "$of.pem" -no_nonce -reqout request
	openssl ocsp -index "$list" -CA "$issuer.pem" -rsigner "$signer.pem" -rkey "$signer.key" \
	    -reqin request -respout "$name.ocsp" "$@"
}
answer good leaf ca good ca -ndays 10
answer forever leaf ca good ca
answer ca ca root good root -ndays 10
answer ca_revoked ca root revoked root -ndays 10
answer short short root good root -ndays 10
answer revoked leaf ca revoked ca -ndays 10
answer unknown leaf ca nobody ca -ndays 10
answer leaf2 leaf2 ca good ca -ndays 10
answer wrong leaf ca good other -ndays 10
answer delegated leaf ca good delegate -ndays 10
answer undelegated leaf ca good plain -ndays 10
answer elsewhere leaf ca good elsewhere -ndays 10
answer late leaf ca good late -ndays 10
answer weak leaf ca good ca -ndays 10 -rmd sha1
printf '\060\003\012\001\003' >try_later.ocsp
printf '\060\003\012\001\006' >unauthorized.ocsp
