# libreswan.sh - libreswan's pluto as an IKEv1 peer on a host of lib.sh; to be sourced.
#
#	libre_conf east me=10.9.0.2 he=10.9.0.1 ...	writes its configuration
#	libre_start east				runs it
#	libre east --initiate --name lab		whack
#	libre_stop east, libre_crash east
#
# It has no data plane of its own: it needs a kernel with ESP.  Debian's
# packages of libreswan and strongSwan exclude each other, so it is unpacked
# below /opt/lab/libreswan (tools/bootstrap); /usr/libexec/ipsec, where it
# insists on its helpers, is a link to there.
#
# Names for libre_conf, with what they are unless given:
#	ike=aes128-sha2_256;modp2048	its spelling
#	esp=aes128-sha2_256		aes_gcm128-null
#	pfs=modp2048			a group, or no
#	type=tunnel			or transport
#	me= he= mynet= hisnet= psk=
#	more='dpddelay=2'		more lines for the connection, with \n
#	mykey= hispub=			RSA signatures: private key, and the public one of ours (PEM)
#	mycert= chain= ca=		in place of hispub: its certificate, those between, the root
#	myid= hisid=			host names as identities; the addresses unless given
# The connection is called lab.

libreswan=${LAB_LIBRESWAN:-/opt/lab/libreswan}
pluto=$libreswan/usr/libexec/ipsec/pluto

libre_needed() {
	[ -x "$pluto" ] || skip "no libreswan ($pluto)"
	[ -e /usr/libexec/ipsec/addconn ] || skip "no libreswan (/usr/libexec/ipsec)"
	command -v certutil >/dev/null || skip "no certutil, which libreswan wants"
}

libre_conf() {
	local dir=$T/$1/libre a
	shift
	local ike='aes128-sha2_256;modp2048' esp=aes128-sha2_256 pfs=modp2048 type=tunnel
	local me=10.9.0.2 he=10.9.0.1 mynet=10.2.0.0/24 hisnet=10.1.0.0/24
	local psk='a long secret of the two gateways' more='' authby=secret
	local mykey='' hispub='' mycert='' chain='' ca='' myid='' hisid='' auth_lines=''
	for a; do local "$a"; done
	mkdir -p "$dir"
	rm -rf "$dir/nss"
	[ -z "$mykey" ] || libre_keys "$dir"
	[ "$pfs" = no ] || esp="$esp;$pfs"
	{
		# Without this it drops all IKEv1, and says so in its log only.
		printf 'config setup\n\tikev1-policy=accept\n'
		printf 'conn lab\n\tikev2=no\n\tauto=add\n\ttype=%s\n\tauthby=%s\n' "$type" "$authby"
		[ -z "$myid" ] || printf '\tleftid=@%s\n\trightid=@%s\n' "$myid" "$hisid"
		[ -z "$auth_lines" ] || printf '%s\n' "$auth_lines" | sed 's/^/\t/'
		printf '\tleft=%s\n\tright=%s\n' "$me" "$he"
		[ "$type" = transport ] ||
		    printf '\tleftsubnet=%s\n\trightsubnet=%s\n' "$mynet" "$hisnet"
		printf '\tike=%s\n\tesp=%s\n' "$ike" "$esp"
		printf '\tpfs=%s\n' "$([ "$pfs" = no ] && echo no || echo yes)"
		# Routes are there; no program is run for each tunnel.
		printf '\tleftupdown=%%disabled\n'
		[ -z "$more" ] || printf '%b\n' "$more" | sed 's/^/\t/'
	} >"$dir/ipsec.conf"
	printf '%s %s : PSK "%s"\n' "$me" "$he" "$psk" >"$dir/ipsec.secrets"
}

# Its keys live in a database of NSS, which takes a private key only together
# with a certificate; for a raw key that is one signed by itself.
libre_keys() {
	local db=sql:$1/nss cert=$mycert between=() label
	authby=rsasig
	mkdir -p "$1/nss"
	certutil -N -d "$db" --empty-password
	if [ -z "$mycert" ]; then
		cert=$1/self.crt
		openssl req -x509 -new -key "$mykey" -subj /CN=raw -days 30 -out "$cert"
	fi
	[ -z "$chain" ] || between=(-certfile "$chain")
	openssl pkcs12 -export -inkey "$mykey" -in "$cert" ${between[@]+"${between[@]}"} -name mine \
	    -passout pass:lab -out "$1/mine.p12"
	pk12util -i "$1/mine.p12" -d "$db" -W lab >"$1/pk12util" || fail "pk12util: $(cat "$1/pk12util")"
	if [ -n "$mycert" ]; then
		certutil -A -d "$db" -n root -t CT,, -i "$ca"
		auth_lines=$(printf '%s\n' leftcert=mine leftsendcert=always sendca=all rightca=%any)
		return
	fi
	label=$(certutil -K -d "$db" | awk '/rsa/ { print $4; exit }')
	auth_lines=$(printf '%s\n' "leftckaid=$label" leftsendcert=never \
	    "rightrsasigkey=0s$(libre_rsasigkey "$hispub")")
}

# A public key in its spelling (RFC 3110): length of the exponent, exponent, modulus.
libre_rsasigkey() {
	local modulus
	modulus=$(openssl rsa -pubin -in "$1" -noout -modulus)
	printf '03010001%s' "${modulus#Modulus=}" | sed 's/../\\x&/g' | xargs -0 printf '%b' | base64 -w 0
}

libre_start() {
	local h=$1 dir=$T/$1/libre
	mkdir -p "$dir/run" "$dir/ipsec.d" "$dir/nss"
	[ -e "$dir/nss/cert9.db" ] || certutil -N -d "sql:$dir/nss" --empty-password
	rm -f "$dir"/run/*
	(
		PATH=$libreswan/usr/sbin:$PATH
		export IPSEC_SBINDIR=$libreswan/usr/sbin IPSEC_EXECDIR=$libreswan/usr/libexec/ipsec \
		    IPSEC_CONF=$dir/ipsec.conf IPSEC_RUNDIR=$dir/run IPSEC_NSSDIR=$dir/nss \
		    IPSEC_CONFDDIR=$dir/ipsec.d
		become "$h" "$pluto" --nofork --logfile "$T/$h/log" \
		    --config "$dir/ipsec.conf" --rundir "$dir/run" --ipsecdir "$dir/ipsec.d" \
		    --nssdir "$dir/nss" --secretsfile "$dir/ipsec.secrets" --no-dnssec --nhelpers 0
	) >>"$T/$h/libre.out" 2>&1 </dev/null &
	echo $! >"$dir/pid"
	wait_for 20 "pluto's control socket" [ -S "$dir/run/pluto.ctl" ]
	# It loads every connection by itself, then listens.
	wait_for 20 "pluto to load its connection" libre_loaded "$h"
	! grep 'failed to add connection' "$T/$h/log" || fail "libreswan refuses its configuration"
}
libre_loaded() {
	{ libre "$1" --status 2>/dev/null | grep -q '^000 "lab"' || logged "$1" 'failed to add'; } &&
	    in_host "$1" cat /proc/net/udp /proc/net/udp6 | grep -q ':01F4 '
}

libre() {
	local dir=$T/$1/libre
	shift
	"$libreswan/usr/libexec/ipsec/whack" --rundir "$dir/run" "$@"
}

libre_stop() {
	local p
	p=$(cat "$T/$1/libre/pid")
	libre "$1" --shutdown >/dev/null 2>&1
	wait_for 15 "pluto to end" gone "$p"
	wait "$p" 2>/dev/null
}

# What it had in the kernel stays there, as after a real crash of the daemon
# alone; a machine that lost its power has none of it.
libre_crash() {
	local p
	p=$(cat "$T/$1/libre/pid")
	kill -KILL "$p" 2>/dev/null
	wait "$p" 2>/dev/null
	wait_for 5 "pluto to end" gone "$p"
	in_host "$1" ip xfrm state flush
	in_host "$1" ip xfrm policy flush
}

libre_children() { libre "$1" --trafficstatus 2>/dev/null | grep -c '"lab"'; }
libre_up() { [ "$(libre_children "$1")" -ge 1 ]; }
libre_down() { [ "$(libre_children "$1")" = 0 ]; }
libre_no_ike() { ! libre "$1" --showstates 2>/dev/null | grep -q 'STATE_MAIN'; }
