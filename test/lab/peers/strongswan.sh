# strongswan.sh - strongSwan's charon as an IKEv1 peer on a host of lib.sh; to be sourced.
#
#	swan_conf east me=10.9.0.2 he=10.9.0.1 ...	writes its configuration
#	swan_start east					runs it, with its own data plane
#	swan east --initiate --child net		swanctl
#	swan_stop east, swan_crash east
#
# Needs neither starter nor systemd: charon is run directly, and everything it
# reads and writes is in $T/HOST/swan.  Its data plane is libipsec (a TUN
# device), which needs no ESP in the kernel and always speaks ESP in UDP: it
# pretends that there is a NAT.  LAB_PLANE=kernel takes the kernel's ESP.
#
# Names for swan_conf, with what they are unless given:
#	ike=aes128-sha256-modp2048	its spelling
#	esp=aes128-sha256-modp2048	without a group: no PFS
#	me= he=				outside addresses
#	mynet= hisnet=			selectors
#	myid= hisid=			identities, the addresses unless given
#	psk=
#	mykey= hispub=			signatures: private key, and the public one of ours (PEM)
#	dpd=0 dpd_timeout=10		seconds
#	ike_time=1h esp_time=20m	when it rekeys
#	type=tunnel			or transport
#	encap=				yes or no: force ESP in UDP
#	start=none			trap, start: what its child does by itself
# The connection is called lab, its child net.

charon=${LAB_CHARON:-/usr/lib/ipsec/charon}
swan_plane=${LAB_PLANE:-libipsec}

swan_needed() {
	[ -x "$charon" ] || skip "no strongSwan (charon)"
	command -v swanctl >/dev/null || skip "no strongSwan (swanctl)"
	local d=${charon%/*}
	[ "$swan_plane" = kernel ] || [ -e "$d/plugins/libstrongswan-kernel-libipsec.so" ] || skip "no strongSwan plugin kernel-libipsec"
}

swan_conf() {
	local dir=$T/$1/swan a
	shift
	local ike=aes128-sha256-modp2048 esp=aes128-sha256-modp2048
	local me=10.9.0.2 he=10.9.0.1 mynet=10.2.0.0/24 hisnet=10.1.0.0/24 myid='' hisid=''
	local psk='a long secret of the two gateways' dpd=0 dpd_timeout=10
	local ike_time=1h esp_time=20m start=none type=tunnel encap=yes
	local mykey='' hispub='' auth=psk mypubs='' hispubs=''
	[ $swan_plane = libipsec ] || encap=no
	for a; do local "$a"; done
	mkdir -p "$dir" "$dir/private" "$dir/pubkey"
	if [ -n "$mykey" ]; then
		install -m 600 "$mykey" "$dir/private/mine.pem"
		openssl pkey -in "$mykey" -pubout -out "$dir/pubkey/mine.pub"
		cp "$hispub" "$dir/pubkey/his.pub"
		auth=pubkey mypubs='pubkeys = mine.pub' hispubs='pubkeys = his.pub'
	fi
	cat >"$dir/swanctl.conf" <<-C
	connections {
	  lab {
	    version = 1
	    local_addrs = $me
	    remote_addrs = $he
	    proposals = $ike
	    encap = $encap
	    dpd_delay = ${dpd}s
	    dpd_timeout = ${dpd_timeout}s
	    rekey_time = $ike_time
	    local {
	      auth = $auth
	      $mypubs
	      id = ${myid:-$me}
	    }
	    remote {
	      auth = $auth
	      $hispubs
	      id = ${hisid:-$he}
	    }
	    children {
	      net {
	        mode = $type
	        local_ts = $mynet
	        remote_ts = $hisnet
	        esp_proposals = $esp
	        rekey_time = $esp_time
	        dpd_action = clear
	        start_action = $start
	      }
	    }
	  }
	}
	secrets {
	  ike-lab {
	    id-1 = ${myid:-$me}
	    id-2 = ${hisid:-$he}
	    secret = "$psk"
	  }
	}
	C
}

# swan_start host [log level]: 4 shows the keys.
swan_start() {
	local h=$1 dir=$T/$1/swan d
	for d in x509 x509ca x509aa x509ac x509ocsp x509crl private rsa ecdsa bliss \
	    pkcs8 pkcs12 pubkey; do
		mkdir -p "$dir/$d"
	done
	cat >"$dir/strongswan.conf" <<-C
	charon {
	  filelog {
	    lab {
	      path = $T/$h/log
	      append = yes
	      flush_line = yes
	      default = ${2:-1}
	    }
	  }
	  retransmit_timeout = 2
	  retransmit_base = 1.4
	  load_modular = yes
	  plugins {
	    include /etc/strongswan.d/charon/*.conf
	    vici {
	      socket = unix://$dir/vici
	    }
	    kernel-libipsec {
	      load = $([ $swan_plane = libipsec ] && echo yes || echo no)
	      allow_peer_ts = yes
	    }
	    stroke {
	      load = no
	    }
	    bypass-lan {
	      load = no
	    }
	    connmark {
	      load = no
	    }
	    dhcp {
	      load = no
	    }
	    farp {
	      load = no
	    }
	    forecast {
	      load = no
	    }
	    ha {
	      load = no
	    }
	    resolve {
	      load = no
	    }
	  }
	}
	C
	rm -f "$dir/vici" "$T/$h/run/charon.pid"
	STRONGSWAN_CONF=$dir/strongswan.conf become "$h" "$charon" >>"$T/$h/swan.out" 2>&1 </dev/null &
	echo $! >"$dir/pid"
	wait_for 20 "charon's control socket" [ -S "$dir/vici" ]
	swan "$h" --load-all --noprompt >"$dir/load" 2>&1 || fail "swanctl --load-all: $(cat "$dir/load")"
}

swan() {
	local dir=$T/$1/swan
	shift
	local verb=$1
	shift
	SWANCTL_DIR=$dir STRONGSWAN_CONF=$dir/strongswan.conf \
	    swanctl "$verb" --uri "unix://$dir/vici" "$@"
}

swan_stop() {
	local p
	p=$(cat "$T/$1/swan/pid")
	kill "$p" 2>/dev/null
	wait_for 15 "charon to end" gone "$p"
	wait "$p" 2>/dev/null
}

swan_crash() {
	local p
	p=$(cat "$T/$1/swan/pid")
	kill -KILL "$p" 2>/dev/null
	wait "$p" 2>/dev/null
	wait_for 5 "charon to end" gone "$p"
}

# How many of its children are installed; the cookies of its IKE SAs.
swan_children() { swan "$1" --list-sas 2>/dev/null | grep -c 'INSTALLED'; }
swan_up() { [ "$(swan_children "$1")" -ge 1 ]; }
swan_down() { [ "$(swan_children "$1")" = 0 ]; }
swan_ikes() { swan "$1" --list-sas 2>/dev/null | grep -c 'ESTABLISHED'; }
swan_no_ike() { [ "$(swan_ikes "$1")" = 0 ]; }
