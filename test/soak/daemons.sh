#!/bin/bash
# daemons.sh - three gateways, all tunnels between them, bad weather and sudden deaths.
#
#	SOAK_SECONDS=3600 SOAK_SEED=7 test/soak/daemons.sh
#
# west, east and north each keep a tunnel with the two others; both ends of each
# tunnel want it up. Lifetimes are well below a minute, so both phases are renewed
# all the time. Between the gateways is a switch that loses, copies, delays and
# reorders (weather.c); clients behind them send numbered packets (numbers.c) from the
# beginning to the end. One fault follows the other: a role or the whole daemon of
# west or east is killed, the daemon is stopped, its configuration changes, a cable is
# cut. north is never killed, so that what it holds can be compared over the whole time.
#
# What must hold:
#	after each fault packets flow in all directions again, within HEAL_SECONDS, and in a
#		third of that if the other ends did not lose sight of the gateway
#	no packet in clear enters the switch, ever, and no ESP number is used twice
#	no numbered packet arrives twice
#	SAs are few at any time; after a calm both ends of a tunnel have the same ones
#	in a calm no packet is lost, while SAs are renewed
#	no process grows, in memory or descriptors; none ends but by our hand
#
# SOAK_SEED repeats the plan of faults; FAULTS names kinds to draw from. The table at the end
# has a line for each kind of fault. Everything is kept in KEEP when something failed.
# shellcheck source=../net/lib.sh
. "$(dirname "$0")/../net/lib.sh"
. "$lib/conf.sh"
seconds=${SOAK_SECONDS:-30}
seed=${SOAK_SEED:-$((EPOCHSECONDS % 30000))}
patience=$((${HEAL_SECONDS:-60} * ${LAB_PATIENCE:-1}))
# Kinds as often as they are to come.
FAULTS=${FAULTS:-ike ike keys keys kern kern esp esp trust crash orphan too-often stop hup edit cut cut-all}
export SOAK_SEED=$seed
net_enter "$@"
for tool in weather numbers; do [ -x "$BIN/$tool" ] || fail "no $BIN/$tool: build it"; done
gateways="west east north"
declare -A no=([west]=1 [east]=2 [north]=3)
RANDOM=$seed
failures=0
began=$(now_ms)

at() { printf '%7.1f' "$((($(now_ms) - began) / 100))e-1"; }
tell() { say "$(at)  $*"; }
# What is wrong is told, counted, and does not end the soak.
wrong() {
	failures=$((failures + 1))
	tell "WRONG: $*"
	local g
	for g in $gateways; do
		say "---- $g:"
		tail -n 12 "$T/$g/log"
	done
	mkdir -p "$T/wrong.$failures"
	cp "$T"/*/log "$T/wrong.$failures/" 2>/dev/null
}

# ---- the world ---------------------------------------------------------------

# gateway_conf gateway p2life
gateway_conf() {
	local me=$1 he
	(
		umask 077
		{
			cat <<-C
			[General]
			Use-Keynote=no
			Kernel-backend=user
			Default-phase-1-lifetime=45,10:86400
			Default-phase-2-lifetime=$2,10:86400
			DPD-check-interval=5
			Check-interval=5
			Exchange-max-time=20
			First-retransmit=300
			Retransmits=5
			[mm]
			EXCHANGE_TYPE=ID_PROT
			Transforms=AES-128-SHA2-256-GRP19,AES-128-SHA2-256-GRP14
			C
			echo "[Phase 1]"
			for he in $gateways; do
				[ "$he" = "$me" ] || echo "10.9.0.${no[$he]}=$he"
			done
			echo "[Phase 2]"
			echo "Connections=$(for he in $gateways; do [ "$he" = "$me" ] || echo "to-$he"; done | paste -sd,)"
			conf_id "net-$me" "10.${no[$me]}.0.0/24"
			for he in $gateways; do
				[ "$he" = "$me" ] || gateway_peer "$me" "$he"
			done
		} >"$T/$me/run/isakmpd.conf"
	)
}

gateway_peer() {
	local me=$1 he=$2 pair encap='' suite
	pair=$(printf '%s\n' "$me" "$he" | sort | paste -sd-)
	case $pair in
	east-west) suite=QM-ESP-AES-128-SHA2-256-PFS-GRP19-SUITE ;;
	north-west) suite=QM-ESP-AESGCM-128-PFS-GRP19-SUITE ;;
	*)	# ESP in UDP, as behind a NAT
		suite=QM-ESP-AESGCM-128-SUITE encap=Force-encapsulation=yes ;;
	esac
	cat <<-C
	[$he]
	Phase=1
	Address=10.9.0.${no[$he]}
	Local-address=10.9.0.${no[$me]}
	Configuration=mm
	Authentication=a long secret of $pair
	$encap
	[to-$he]
	Phase=2
	ISAKMP-peer=$he
	Configuration=qm-$he
	Local-ID=net-$me
	Remote-ID=net-$he
	[qm-$he]
	EXCHANGE_TYPE=QUICK_MODE
	Suites=$suite
	C
	conf_id "net-$he" "10.${no[$he]}.0.0/24"
}

build_world() {
	local g h
	host sky
	for g in $gateways; do
		host "$g"
		host "c$g"
		link sky "$g" "$g" wan
		link "$g" lan "c$g" eth
		in_host sky ip link set "$g" up
		addr "$g" wan "10.9.0.${no[$g]}/24"
		addr "$g" lan "10.${no[$g]}.0.1/24"
		addr "c$g" eth "10.${no[$g]}.0.2/24"
		in_host "c$g" ip route add default via "10.${no[$g]}.0.1"
	done
	# Without a tunnel and without a policy, packets would leave in clear, and be seen.
	for g in $gateways; do
		for h in $gateways; do
			[ "$g" = "$h" ] || in_host "$g" ip route add "10.${no[$h]}.0.0/24" \
			    via "10.9.0.${no[$h]}" src "10.${no[$g]}.0.1"
		done
	done
	mkfifo "$T/sky/orders"
	exec {sky}<>"$T/sky/orders"
	# shellcheck disable=SC2086
	become sky "$BIN/weather" -s "$seed" -o "$T/sky/status" $gateways \
	    <"$T/sky/orders" >"$T/sky/log" 2>&1 &
	sky_pid=$!
	wait_for 10 "the switch" grep -q ready "$T/sky/log"
	wait_for 10 "its status" [ -e "$T/sky/status" ]
}

weather() { echo "$*" >&$sky; }
fair() { weather loss 0 copy 0 late 0 delay 5; }

traffic_begins() {
	local g h others
	for g in $gateways; do
		others=$(for h in $gateways; do [ "$h" = "$g" ] || echo "10.${no[$h]}.0.2"; done)
		# shellcheck disable=SC2086
		become "c$g" "$BIN/numbers" -r 20 -o "$T/c$g/status" $others >"$T/c$g/log" 2>&1 </dev/null &
		echo $! >"$T/c$g/numbers.pid"
	done
}

start() { daemon "$1" "$T/$1/run/isakmpd.conf"; }

# Packets have come in all six directions within the last second.
all_flow() {
	awk '$9 < 5 { bad = 1 } END { exit NR != 6 || bad }' "$T"/c*/status
}
silences_begin() { local g; for g in $gateways; do kill -USR1 "$(cat "$T/c$g/numbers.pid")"; done; }
longest_silence() { awk '$11 > most { most = $11 } END { print most + 0 }' "$T"/c*/status; }
# Columns of one moment must be read from one file each: the next is written meanwhile.
snapshot() { cat "$T"/c*/status >"$T/snapshot"; }
# total column: a sum over all directions, at the last snapshot.
total() { awk -v c="$1" '{ n += $c } END { print n + 0 }' "$T/snapshot"; }
in_sky() { awk -v w="$1" '{ for (i = 1; i < NF; i += 2) if ($i == w) print $(i + 1) }' "$T/sky/status"; }

# ---- what is watched -----------------------------------------------------------

# A line for each role: seconds gateway role pid resident-KiB descriptors.
sample() {
	local g p name rss now=$((($(now_ms) - began) / 1000))
	for g in $gateways; do
		[ -e "$T/$g/daemon.pid" ] || continue
		for p in $(descendants "$(cat "$T/$g/daemon.pid")"); do
			name=$(tr '\0' '\n' 2>/dev/null <"/proc/$p/cmdline" | head -n 1)
			case $name in
			"isakmpd: "*) name=${name#isakmpd: } ;;
			*) name=monitor ;;
			esac
			rss=$(awk '/^VmRSS:/ { print $2 }' "/proc/$p/status" 2>/dev/null)
			[ -z "$rss" ] || echo "$now $g $name $p $rss $(ls "/proc/$p/fd" 2>/dev/null | wc -l)"
		done
	done >>"$T/samples"
}

# pairs_of gateway: its phase 2 SAs, "other out in", and "other phase-1 cookies".
pairs_of() {
	sas "$1" | awk '
		/^SA name:/ { one = /Phase 1/ }
		/^src:/ { he = $4 }
		/^icookie/ && one { print he, "one", $2 $4 }
		/^SPI 0:/ { o = $3 } /^SPI 1:/ { print he, o, $3 }'
}

sa_most=0
few_sas() {
	local g n
	for g in $gateways; do
		pairs_of "$g" >"$T/pairs.$g" || { wrong "$g does not answer"; continue; }
		n=$(wc -l <"$T/pairs.$g")
		[ "$n" -le "$sa_most" ] || sa_most=$n
		[ "$n" -le 40 ] || wrong "$g has $n SAs"
		awk '$2 == "one" { n[$1]++ } END { for (i in n) if (n[i] > 10) exit 1 }' "$T/pairs.$g" ||
		    wrong "$g has many ISAKMP SAs with one peer"
	done
}

# same_sas: what each gateway has, seen from the other end, is what that one has.
same_sas() {
	local g
	for g in $gateways; do pairs_of "$g" >"$T/pairs.$g" || return 1; done
	for g in $gateways; do
		awk -v me="10.9.0.${no[$g]}" '$2 == "one" { print $1, me, $2, $3; next } { print $1, me, $3, $2 }' "$T/pairs.$g"
	done | sort >"$T/from-there"
	for g in $gateways; do
		awk -v me="10.9.0.${no[$g]}" '{ print me, $1, $2, $3 }' "$T/pairs.$g"
	done | sort >"$T/from-here"
	cmp -s "$T/from-there" "$T/from-here"
}

# Fair weather and no faults: both ends agree, and a renewal loses nothing.
calm() {
	local sent received top missing end length=${1:-30} from
	fair
	weather join all
	from=$(now_ms)
	until same_sas; do
		if [ $(($(now_ms) - from)) -gt $((patience * 1000)) ]; then
			wrong "the ends do not agree on their SAs: $(diff "$T/from-here" "$T/from-there")"
			break
		fi
		pause
	done
	tell "calm: the ends agree after $(($(now_ms) - from)) ms on $(wc -l <"$T/from-here") SAs counted at both ends"
	# What was late or lost before the calm is no loss of now.
	nap 1500
	wait_for 20 "all directions" all_flow
	snapshot
	sent=$(total 3) received=$(total 5) top=$(total 13)
	end=$(($(now_ms) + length * 1000))
	while [ "$(now_ms)" -lt $end ]; do
		sample
		few_sas
		nap 1000
	done
	# What overtook another is not yet its loss.
	for _ in 1 2 3 4 5; do
		snapshot
		missing=$(($(total 13) - top - ($(total 5) - received)))
		[ $missing -gt 0 ] || break
		nap 300
	done
	calm_sent=$((calm_sent + $(total 3) - sent))
	[ $missing -le 0 ] || calm_lost=$((calm_lost + missing))
	# Less than none: one of before came very late.
	[ $missing -le 0 ] || wrong "$missing of $(($(total 3) - sent)) packets lost in a calm"
	tell "calm: $(($(total 3) - sent)) packets in $length s, $missing lost"
}
calm_sent=0
calm_lost=0

nap() { local end=$(($(now_ms) + $1)); while [ "$(now_ms)" -lt $end ]; do pause; done; }

# ---- faults --------------------------------------------------------------------

# role_pid monitor role
role_pid() {
	local p
	for p in $(descendants "$1"); do
		if [ "$(tr '\0' '\n' 2>/dev/null <"/proc/$p/cmdline" | head -n 1)" = "isakmpd: $2" ]; then
			echo "$p"
			return
		fi
	done
}

# give_up gateway monitor: kills its `keys` again and again, until the daemon ends.
give_up() {
	local p limit=$(($(now_ms) + patience * 1000))
	while kill -0 "$2" 2>/dev/null; do
		p=$(role_pid "$2" keys)
		if [ -n "$p" ] && kill -KILL "$p" 2>/dev/null; then
			kills=$((kills + 1))
			wait_for 10 "the end of $p" gone "$p"
		fi
		[ "$(now_ms)" -lt $limit ] || { wrong "$1 does not give up"; kill -KILL "$2"; }
		pause
	done
	gave_up=$((gave_up + 1))
}

# fenced gateway: policy leads to both others.
fenced() { [ "$(in_host "$1" ip rule | grep -c "from 10.${no[$1]}.0.0/24 to 10")" = 2 ]; }

kills=0 gave_up=0
declare -A life=([west]=25 [east]=25 [north]=25)
# fault kind gateway span: what happens, until its cause is over.
fault() {
	local kind=$1 g=$2 span=$3 p all
	case $kind in
	ike|keys|kern|esp|trust)
		p=$(role_pid "$(cat "$T/$g/daemon.pid")" "$kind")
		[ -n "$p" ] || { wrong "$g has no role $kind"; return; }
		kill -KILL "$p"
		kills=$((kills + 1)) ;;
	crash)
		crash "$g"
		nap "$span"
		start "$g" ;;
	orphan)	# the monitor alone: its roles must see it and end
		p=$(cat "$T/$g/daemon.pid")
		all=$(descendants "$p")
		rm -f "$T/$g/daemon.pid"
		kill -KILL "$p"
		wait "$p" 2>/dev/null
		for p in $all; do wait_for 10 "process $p of $g to end with its monitor" gone "$p"; done
		rm -f "$T/$g/run/isakmpd.fifo"
		nap "$span"
		start "$g" ;;
	too-often)	# the daemon gives up; what it protected stays protected
		p=$(cat "$T/$g/daemon.pid")
		rm -f "$T/$g/daemon.pid"
		give_up "$g" "$p"
		wait "$p" && wrong "isakmpd on $g gave up with status 0"
		nap "$span"
		start "$g" ;;
	stop)	# who stops it by order takes its flows away (decisions/0006-flows-before-sas.md)
		weather open "$g"
		stop "$g" || wrong "isakmpd on $g ended with status $?"
		nap "$span"
		start "$g"
		wait_for 10 "the flows of $g" fenced "$g"
		nap 500		# what the switch has not looked at yet
		weather shut "$g" ;;
	hup)
		kill -HUP "$(cat "$T/$g/daemon.pid")" ;;
	edit)
		life[$g]=$((55 - ${life[$g]}))	# 25 or 30
		gateway_conf "$g" "${life[$g]}"
		kill -HUP "$(cat "$T/$g/daemon.pid")" ;;
	cut)
		weather cut "$g"
		nap $((span * 4))
		weather join "$g" ;;
	cut-all)
		weather cut all
		nap $((span * 4))
		weather join all ;;
	esac
}

draw_fault() {
	local -a kinds
	read -ra kinds <<<"$FAULTS"
	kind=${kinds[RANDOM % ${#kinds[@]}]}
	span=$((RANDOM % 4000))
	pause_ms=$((1000 + RANDOM % 4000))
	case $kind in
	hup|edit|cut) set -- west east north; shift $((RANDOM % 3)); gateway=$1 ;;
	*) set -- west east; shift $((RANDOM % 2)); gateway=$1 ;;
	esac
	case $((RANDOM % 4)) in
	0) sky_now="loss 0 copy 0 late 0 delay 2" ;;
	1) sky_now="loss 30 copy 20 late 10 delay 20" ;;
	2) sky_now="loss 80 copy 50 late 30 delay 40" ;;
	3) sky_now="loss 150 copy 100 late 80 delay 60" ;;
	esac
}

# What must never be on the link or come out of a tunnel, told when it is new.
seen=0
nothing_seen() {
	local now
	snapshot
	now=$(($(in_sky clear) + $(in_sky again) + $(total 7)))
	[ $now = $seen ] || wrong "clear text, a number used again, or a packet taken twice: $(cat "$T/sky/status")"
	seen=$now
}

# One fault, and how long until all is well.
round() {
	local from over heal limit
	draw_fault
	weather "$sky_now"
	nap $pause_ms
	silences_begin
	from=$(now_ms)
	fault "$kind" "$gateway" $span
	over=$(now_ms)
	# The peer is there: no retransmission has grown long, no check is far away.
	case $kind in
	ike|keys|kern|esp|trust|hup|edit) limit=$((patience / 3)) ;;
	*) limit=$patience ;;
	esac
	# What flowed before the fault is in the count for a second.
	nap 1200
	until all_flow; do
		if [ $(($(now_ms) - over)) -gt $((limit * 1000)) ]; then
			wrong "$kind of $gateway: not healed after $limit s: $(grep -h . "$T"/c*/status)"
			break
		fi
		pause
	done
	heal=$(($(now_ms) - over))
	echo "$kind $((over - from)) $heal $(longest_silence)" >>"$T/faults"
	tell "$kind of $gateway, lasted $((over - from)) ms, flowed again after $heal ms, longest silence $(longest_silence) ms ($sky_now)"
	sample
	few_sas
	nothing_seen
	for g in $gateways; do alive "$g" || { wrong "isakmpd on $g has ended"; start "$g"; }; done
}

# ---- the end -------------------------------------------------------------------

# A process that was there for ten minutes: its last third beside its first.
growth() {
	awk '
		{ id = $2 " " $3 " " $4 }
		NR == FNR { if (!(id in from)) from[id] = $1; to[id] = $1; next }
		to[id] - from[id] < 600 { next }
		{ third = (to[id] - from[id]) / 3 }
		$1 > from[id] + 60 && $1 <= from[id] + third { if ($5 > rss1[id]) rss1[id] = $5; if ($6 > fd1[id]) fd1[id] = $6 }
		$1 > to[id] - third { if ($5 > rss2[id]) rss2[id] = $5; if ($6 > fd2[id]) fd2[id] = $6 }
		END { for (id in rss2) if (id in rss1) print id, to[id] - from[id], rss1[id], rss2[id], fd1[id], fd2[id] }
	' "$T/samples" "$T/samples" | sort
}

summary() {
	local line most_rss most_fd g n
	say ""
	say "fault      times   healed after ms: median      most   longest silence ms"
	sort "$T/faults" | awk '
		function flush(   i, j, t) {
			if (!n) return
			for (i = 2; i <= n; i++) for (j = i; j > 1 && h[j] < h[j-1]; j--) { t = h[j]; h[j] = h[j-1]; h[j-1] = t }
			printf("%-10s %5d %25d %9d %20d\n", kind, n, h[int((n + 1) / 2)], h[n], silence)
		}
		$1 != kind { flush(); kind = $1; n = 0; silence = 0 }
		{ h[++n] = $3; if ($4 > silence) silence = $4 }
		END { flush() }'
	say ""
	say "role       most resident KiB   most descriptors"
	awk '{ if ($5 > r[$3]) r[$3] = $5; if ($6 > f[$3]) f[$3] = $6 }
		END { for (i in r) printf("%-10s %17d %18d\n", i, r[i], f[i]) }' "$T/samples" | sort
	read -r most_rss most_fd <<<"$(awk '{ if ($5 > r) r = $5; if ($6 > f) f = $6 } END { print r, f }' "$T/samples")"
	[ "$most_rss" -le "${MOST_KB:-32768}" ] || wrong "a role had $most_rss KiB resident"
	[ "$most_fd" -le 64 ] || wrong "a role had $most_fd descriptors"
	growth >"$T/growth"
	if [ -s "$T/growth" ]; then
		say ""
		say "process alive for ten minutes or more: seconds, KiB in its first and last third, descriptors"
		cat "$T/growth"
		while read -r line; do
			# shellcheck disable=SC2086
			set -- $line
			# ike fills its memory of messages in the first hour: 1.5 MiB at most.
			[ "$6" -le $(($5 + ${GROWTH_KB:-2048})) ] || wrong "grows: $line"
			[ "$8" -le $(($7 + 2)) ] || wrong "descriptors grow: $line"
		done <"$T/growth"
	fi
	say ""
	say "on the outside link: $(cat "$T/sky/status")"
	[ "$(in_sky clear)" = 0 ] || wrong "clear text: $(grep -m 5 '^clear' "$T/sky/log")"
	[ "$(in_sky again)" = 0 ] || wrong "ESP numbers used again: $(grep -m 5 '^again' "$T/sky/log")"
	snapshot
	say "numbered packets: $(total 3) sent, $(total 5) received, $(total 7) received twice; in calms $calm_sent sent, $calm_lost lost"
	[ "$(total 7)" = 0 ] || wrong "replayed packets were taken: $(grep -h -m 5 '^twice' "$T"/c*/log)"
	say "SAs at one gateway: at most $sa_most, of both phases"
	for g in $gateways; do
		n=$(grep -c 'ended by signal 9' "$T/$g/log")
		say "$g: $(wc -l <"$T/$g/log") lines of log, $n roles ended by signal 9"
		if grep -E 'role [a-z]+ \(pid [0-9]+\) ended' "$T/$g/log" | grep -v 'ended by signal 9 (Killed)' >"$T/ended"; then
			wrong "a role of $g ended: $(head -n 3 "$T/ended")"
		fi
		if grep -E 'Sanitizer|runtime error|[Aa]ssertion|contract|cannot go on' "$T/$g/log" >"$T/ended"; then
			wrong "the log of $g tells of a fault: $(head -n 3 "$T/ended")"
		fi
	done
	say "failure records: $(cat "$T"/{west,east,north}/log | grep -o ' \[[A-Z_]*\] ' |
	    sort | uniq -c | awk '{ printf("%s%s %d", NR > 1 ? ", " : "", $2, $1) } END { if (!NR) print "none" }')"
	# The back end does what one daemon after the other asks, whoever dies.
	if grep -hE '\[(BACKEND_[A-Z]*|CONTRACT|NO_MEMORY)\]' "$T"/{west,east,north}/log >"$T/ended"; then
		wrong "records that should not be: $(head -n 5 "$T/ended")"
	fi
	n=$(cat "$T"/{west,east,north}/log | grep -c 'the daemon ends')
	[ "$n" = $gave_up ] || wrong "$n daemons gave up, $gave_up were made to"
	n=$(cat "$T"/{west,east,north}/log | grep -c 'ended by signal 9')
	[ "$n" = "$kills" ] || wrong "$n roles were killed and $kills by us"
}

build_world
fair
for g in $gateways; do gateway_conf "$g" 25; start "$g"; done
say "seed $seed, $seconds s"
traffic_begins
wait_for 30 "packets in all directions" all_flow
tell "all tunnels are up"
kind='' gateway='' span=0 pause_ms=0 sky_now=''
end=$((began + seconds * 1000))
calm_at=$(($(now_ms) + 300000))
calm_last=30
# A short run ends with a short calm.
[ $seconds -ge 120 ] || calm_last=5
while [ "$(now_ms)" -lt $((end - calm_last * 1000)) ]; do
	round
	if [ "$(now_ms)" -gt $calm_at ]; then
		calm 30
		calm_at=$(($(now_ms) + 300000))
	fi
done
calm $calm_last
kill -0 $sky_pid || wrong "the switch has ended"
summary
for g in $gateways; do stop "$g" || wrong "isakmpd on $g ended with status $?"; done
say "seed $seed: $(wc -l <"$T/faults") faults, $failures wrong"
[ $failures = 0 ]
