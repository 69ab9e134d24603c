# conf.sh - writes an isakmpd.conf for tests; to be sourced after lib.sh.
#
#	ours_conf west he=10.9.0.2 p1=AES-128-SHA2-256-GRP14 ...
#
# Names, with what they are unless given:
#	me= he=			outside addresses (10.9.0.1 and 10.9.0.2 for west)
#	mynet= hisnet=		network/bits of the selectors
#	psk=
#	p1=AES-128-SHA2-256-GRP14	a predefined transform; or own:CIPHER:BITS:HASH:GROUP
#	p2=QM-ESP-AES-128-SHA2-256-PFS-GRP14-SUITE	or own:ID:BITS:AUTH:GROUP
#	p1life= p2life=		offer,least:most in seconds
#	dpd=			seconds
#	encap=no		yes: Force-encapsulation
#	active=no		yes: in Connections, else in Passive-connections
#	mode=TUNNEL		ENCAPSULATION_MODE of an own suite
#	backend=user		Kernel-backend; LAB_BACKEND is another default
#	general= peer=		more lines for [General] and the peer section
#	key= hispub=		signatures: our private key, and the public one of his address (PEM)
#	cert= ca=		our certificate with those between it and the root, and the roots (PEM)
#	id= hisid=		host names as identities in place of the addresses
# The peer section is called `peer`, the connection `net`.

ours_conf() {
	local h=$1 a
	shift
	local me=10.9.0.1 he=10.9.0.2 mynet=10.1.0.0/24 hisnet=10.2.0.0/24
	if [ "$h" = east ]; then
		me=10.9.0.2 he=10.9.0.1 mynet=10.2.0.0/24 hisnet=10.1.0.0/24
	fi
	local psk='a long secret of the two gateways' p1=AES-128-SHA2-256-GRP14
	local p2=QM-ESP-AES-128-SHA2-256-PFS-GRP14-SUITE p1life='' p2life='' dpd='' encap=no
	local active=no mode=TUNNEL general='' peer='' backend=${LAB_BACKEND:-user}
	local key='' hispub='' cert='' ca='' id='' hisid=''
	for a; do local "$a"; done
	mkdir -p "$T/$h/run"
	[ -z "$key" ] || conf_keys "$T/$h/run" "$he" "$key" "$hispub" "$hisid"
	[ -z "$cert" ] || conf_certs "$T/$h/run" "$cert" "$ca"
	(
		umask 077
		{
			echo "[General]"
			echo "Use-Keynote=no"
			echo "Kernel-backend=$backend"
			[ -z "$dpd" ] || echo "DPD-check-interval=$dpd"
			[ -z "$p1life" ] || echo "Default-phase-1-lifetime=$p1life"
			[ -z "$p2life" ] || echo "Default-phase-2-lifetime=$p2life"
			[ -z "$general" ] || printf '%b\n' "$general"
			[ -z "$key" ] || printf '%s\n' "Pubkey-directory=/run/pubkeys/" \
			    "[X509-certificates]" "Private-key=/run/private/local.key" \
			    "Private-key-directory=/run/private/" CA-directory=/run/ca \
			    Cert-directory=/run/certs CRL-directory=/run/crls
			echo "[Phase 1]"
			echo "$he=peer"
			echo "[Phase 2]"
			[ "$active" = yes ] && echo "Connections=net" || echo "Passive-connections=net"
			echo "[peer]"
			echo "Phase=1"
			echo "Address=$he"
			echo "Local-address=$me"
			echo "Configuration=mm"
			echo "Authentication=$psk"
			[ -z "$id" ] || echo "ID=own-id"
			[ -z "$hisid" ] || echo "Remote-ID=peer-id"
			[ "$encap" = no ] || echo "Force-encapsulation=$encap"
			[ -z "$peer" ] || printf '%b\n' "$peer"
			echo "[mm]"
			echo "EXCHANGE_TYPE=ID_PROT"
			case $p1 in
			own:*)
				echo "Transforms=own-p1"
				own_p1 "${p1#own:}" ;;
			*)
				echo "Transforms=$p1" ;;
			esac
			echo "[net]"
			echo "Phase=2"
			echo "ISAKMP-peer=peer"
			echo "Configuration=qm"
			echo "Local-ID=mine"
			echo "Remote-ID=his"
			echo "[qm]"
			echo "EXCHANGE_TYPE=QUICK_MODE"
			case $p2 in
			own:*)
				echo "Suites=own-suite"
				own_p2 "${p2#own:}" "$mode" ;;
			*)
				echo "Suites=$p2" ;;
			esac
			conf_id mine "$mynet"
			conf_id his "$hisnet"
			[ -z "$id" ] || printf '%s\n' "[own-id]" ID-type=FQDN "Name=$id"
			[ -z "$hisid" ] || printf '%s\n' "[peer-id]" ID-type=FQDN "Name=$hisid"
		} >"$T/$h/run/isakmpd.conf"
	)
}

# conf_keys run-folder his-address private-key his-public-key his-name
conf_keys() {
	local of=ipv4
	case $2 in *:*) of=ipv6 ;; esac
	[ -z "$5" ] || of=fqdn
	mkdir -p "$1/private" "$1/pubkeys/$of"
	install -m 600 "$3" "$1/private/local.key"
	[ -z "$4" ] || install -m 644 "$4" "$1/pubkeys/$of/${5:-$2}"
}

# conf_certs run-folder certificates roots
conf_certs() {
	mkdir -p "$1/ca" "$1/certs" "$1/crls"
	cp "$2" "$1/certs/local.crt"
	cp "$3" "$1/ca/root.crt"
}

own_p1() {
	local c b h g
	IFS=: read -r c b h g <<<"$1"
	echo "[own-p1]"
	echo "ENCRYPTION_ALGORITHM=$c"
	[ -z "$b" ] || echo "KEY_LENGTH=$b,$b:$b"
	echo "HASH_ALGORITHM=$h"
	echo "AUTHENTICATION_METHOD=PRE_SHARED"
	echo "GROUP_DESCRIPTION=$g"
	echo "Life=LIFE_MAIN_MODE"
}

own_p2() {
	local id b auth g
	IFS=: read -r id b auth g <<<"$1"
	echo "[own-suite]"
	echo "Protocols=own-proto"
	echo "[own-proto]"
	echo "PROTOCOL_ID=IPSEC_ESP"
	echo "Transforms=own-xf"
	echo "[own-xf]"
	echo "TRANSFORM_ID=$id"
	[ -z "$b" ] || echo "KEY_LENGTH=$b,$b:$b"
	[ -z "$auth" ] || echo "AUTHENTICATION_ALGORITHM=$auth"
	[ -z "$g" ] || echo "GROUP_DESCRIPTION=$g"
	echo "ENCAPSULATION_MODE=$2"
	echo "Life=LIFE_QUICK_MODE"
}

# conf_id section network/bits
conf_id() {
	local net=${2%/*} bits=${2#*/} i mask=
	echo "[$1]"
	case $2 in
	*:*/*)
		echo "ID-type=IPV6_ADDR_SUBNET"
		echo "Network=$net"
		for ((i = 0; i < 128; i += 16)); do
			local left=$((bits - i))
			[ $left -lt 0 ] && left=0
			[ $left -gt 16 ] && left=16
			mask+=$(printf '%s%x' "${mask:+:}" $((0xffff << (16 - left) & 0xffff)))
		done
		echo "Netmask=$mask" ;;
	*/*)
		echo "ID-type=IPV4_ADDR_SUBNET"
		echo "Network=$net"
		local m=$((0xffffffff << (32 - bits) & 0xffffffff))
		echo "Netmask=$((m >> 24 & 255)).$((m >> 16 & 255)).$((m >> 8 & 255)).$((m & 255))" ;;
	*:*)
		echo "ID-type=IPV6_ADDR"
		echo "Address=$net" ;;
	*)
		echo "ID-type=IPV4_ADDR"
		echo "Address=$net" ;;
	esac
}
