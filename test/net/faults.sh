#!/bin/bash
# faults.sh CASE - what an operator is told of faults in files, orders and values.
#
# Each fault is put into a real daemon; then exactly one new line of the log at
# the default level must name what is wrong, what was expected, what came, the
# place, and, where the rest does not say it, the remedy.  The words looked for are
# those that were put in.  faults.sh -l lists the cases.

cases='faults'
if [ "${1-}" = -l ]; then
	printf '%s\n' $cases
	exit
fi
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/conf.sh"
net_enter "$@"

conf=$T/west/run/isakmpd.conf
log=$T/west/log
tried=0 good=0

# judge name words: what is new in $T/new is one line with all these words
judge() {
	local name=$1 words=$2 word miss='' n
	n=$(grep -c . "$T/new")
	tried=$((tried + 1))
	[ "$n" = 1 ] || miss="$n lines; "
	while [ -n "$words" ]; do
		word=${words%%|*}
		[ "$word" = "$words" ] && words='' || words=${words#*|}
		grep -qF -- "$word" "$T/new" || miss+="lacks \"$word\"; "
	done
	if [ -z "$miss" ]; then
		good=$((good + 1))
		say "ok   $name"
	else
		say "MISS $name: $miss"
		sed 's/^/        /' "$T/new"
	fi
}

# What follows from a refusal, and is told once more at its end.
new_lines() {
	tail -n +$(($1 + 1)) "$log" | grep -v -e 'nothing refers to this section' -e 'the running configuration stays' -e 'reinitializing' \
	    -e 'the previous one stays in force' -e 'further refusals' -e 'isakmpd: plan: connections:' >"$T/new"
}
has_news() { new_lines "$1"; [ -s "$T/new" ]; }

# fault name words command...
fault() {
	local name=$1 words=$2 before
	shift 2
	before=$(wc -l <"$log")
	"$@"
	local i
	for ((i = 0; i < 60; i++)); do
		has_news "$before" && break
		pause
	done
	pause; pause; pause; pause
	new_lines "$before"
	judge "$name" "$words"
}

line_of() { grep -n -- "$1" "$conf" | head -n 1 | cut -d: -f1; }

# value name words sed-script: a reload with a changed file; then the true one again
value() {
	local name=$1 words=$2
	cp -p "$conf" "$T/good.conf"
	sed -i "$3" "$conf"
	fault "$name" "$words" order west R
	cat "$T/good.conf" >"$conf"
}

# mode name words command: a daemon that does not start
mode() {
	local name=$1 words=$2
	shift 2
	"$@"
	in_host west timeout 10 "$BIN/isakmpd" -d -K -c /run/odd.conf -f /run/odd.fifo -i /run/odd.pid \
	    >"$T/new" 2>&1 </dev/null
	judge "$name" "$words"
	rm -rf "$T/west/run/odd.conf"
}
odd() { install -m "$1" "$conf" "$T/west/run/odd.conf"; }

case ${1-} in
faults)
	host west
	addr west lo 10.9.0.1/32
	ours_conf west general='Retransmits=3'
	daemon west "$conf"
	order west 'c nobody'
	wait_for 5 "the log" logged west NOT_CONFIGURED

	say "---- files"
	mode "file that others read" "/run/odd.conf|mode 644|expected 600|chmod 600" odd 644
	mode "file that the group writes" "/run/odd.conf|mode 660|expected 600|chmod 600" odd 660
	owner() { odd 600 && chown 65533 "$T/west/run/odd.conf"; }
	[ "$(id -u)" != 0 ] || ! chown 65533 "$T/new" 2>/dev/null ||
	    mode "file of another owner" "/run/odd.conf|it is 65533|expected 0|chown root" owner
	mode "directory in place of a file" "/run/odd.conf|not a regular file" mkdir -p "$T/west/run/odd.conf"
	mode "FIFO in place of a file" "/run/odd.conf|not a regular file" mkfifo "$T/west/run/odd.conf"
	open_up() { chmod 644 "$conf"; order west R; }
	fault "file opened up at a reload" "/run/isakmpd.conf|mode 644|expected 600|chmod 600" open_up
	chmod 600 "$conf"

	say "---- orders"
	fault "unknown order" "unrecognized|'z'|expected one of C c D d M p Q R r S T t" order west 'z abc'
	fault "order of its own letters" "'X'|expected one of" order west 'X'
	fault "c without a name" "\"c\"|expected: c" order west 'c'
	fault "c of nothing" "NOT_CONFIGURED|field=\"connection\"|got=\"berlin\"|net|[Phase 2]" order west 'c berlin'
	fault "t without a name" "\"t\"|expected: t" order west 't'
	fault "t of no phase" "\"t slow net\"|expected: t" order west 't slow net'
	fault "M without a mode" "\"M\"|expected: M|active|passive" order west 'M'
	fault "M of no mode" "\"M standby\"|active|passive" order west 'M standby'
	fault "D of no class" "class 77|expected 0 to" order west 'D 77 10'
	fault "D of no level" "\"D 3 x\"|expected: D class level" order west 'D 3 x'
	fault "D without a level" "\"D 3\"|expected" order west 'D 3'
	fault "d of no cookies" "\"d xyz 0\"|expected up to 32 hex digits" order west 'd xyz 0'
	fault "d of an SA that is not there" "found no SA|0123456789abcdef0123456789abcdef|S lists" \
	    order west 'd 0123456789abcdef0123456789abcdef -'
	fault "C set without a value" "\"C set|expected: C set [section]:tag=value" \
	    order west 'C set [General]:Retransmits'
	fault "C set without brackets" "C set General:Retransmits|expected: C set [section]:tag=value" \
	    order west 'C set General:Retransmits=4'
	fault "C of no command" "C put [General]:Retransmits|expected: C set|add|rmv" \
	    order west 'C put [General]:Retransmits=4'
	fault "C set of what is there" "[General]:Retransmits|duplicate" \
	    order west 'C set [General]:Retransmits=9'
	fault "p of a directory that it may not write" "/etc/passwd|must be a file in /var/run" order west 'p on=/etc/passwd'
	fault "line with an escape" '\x1b' order west $'\033[2J'
	long() { head -c 70000 /dev/zero | tr '\0' c >"$T/west/run/isakmpd.fifo"; echo >"$T/west/run/isakmpd.fifo"; }
	fault "line without an end" "too long|expected" long

	say "---- values"
	value "number that is none" "isakmpd.conf:$(line_of Retransmits)|Retransmits|three|number" \
	    's/^Retransmits=.*/Retransmits=three/'
	value "number out of range" "isakmpd.conf:$(line_of Retransmits)|Retransmits|99999" \
	    's/^Retransmits=.*/Retransmits=99999/'
	value "address that is none" "isakmpd.conf:$(line_of ^Address)|10.9.0.277" 's/^Address=.*/Address=10.9.0.277/'
	value "section that is not there" "isakmpd.conf:$(line_of ^Configuration=mm)|mmm" \
	    's/^Configuration=mm/Configuration=mmm/'
	value "suite that is none" "isakmpd.conf:$(line_of ^Suites)|QM-ESP-AES-128-SHA9-SUITE" \
	    's/^Suites=.*/Suites=QM-ESP-AES-128-SHA9-SUITE/'
	value "transform that is none" "isakmpd.conf:$(line_of ^Transforms)|AES-512-SHA2-256" \
	    's/^Transforms=.*/Transforms=AES-512-SHA2-256/'
	value "exchange type that is none" "isakmpd.conf:$(line_of ^EXCHANGE_TYPE=ID)|ID_PROTT|ID_PROT" \
	    's/^EXCHANGE_TYPE=ID_PROT/EXCHANGE_TYPE=ID_PROTT/'
	value "ID type that is none" "isakmpd.conf:$(line_of ^ID-type)|IPV4_NET" '0,/^ID-type=/s/^ID-type=.*/ID-type=IPV4_NET/'
	value "netmask with a hole" "isakmpd.conf:$(line_of ^Netmask)|255.0.255.0" '0,/^Netmask=/s/^Netmask=.*/Netmask=255.0.255.0/'
	value "phase that is none" "isakmpd.conf:$(line_of ^Phase=1)|Phase|7" 's/^Phase=1/Phase=7/'
	value "line without =" "isakmpd.conf:$(line_of ^Retransmits)|expected [section], Tag=value" 's/^Retransmits=.*/Retransmits 3/'
	value "header that is cut" "isakmpd.conf:$(line_of '^.qm.')|[qm" 's/^\[qm\]/[qm/'
	value "tag that is none" "isakmpd.conf:$(line_of ^Retransmits)|Retransmitts|Retransmits" \
	    's/^Retransmits=/Retransmitts=/'
	value "back end that is none" "isakmpd.conf:$(line_of ^Kernel-backend)|usr|user" \
	    's/^Kernel-backend=.*/Kernel-backend=usr/'
	value "peer that is not there" "isakmpd.conf:$(line_of ^ISAKMP-peer)|pear|peer" \
	    's/^ISAKMP-peer=.*/ISAKMP-peer=pear/'

	say "$good of $tried faults are told as they should be ($((good * 100 / tried)) %)"
	[ $((good * 100)) -ge $((tried * 95)) ] || fail "less than 95 %"
	stop west
	;;
*)
	fail "no such case: ${1-}" ;;
esac
