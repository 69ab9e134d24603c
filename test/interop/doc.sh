# doc.sh - the examples of doc/interoperability.md, for tests; to be sourced after lib.sh.
#
# West is its office, east its berlin; the networks behind them are the same.

# doc_block heading n: the n-th indented block below that heading
doc_block() {
	awk -v heading="$1" -v want="$2" '
	/^#/ { on = $0 ~ "^#+ " heading "$"; n = 0; inside = 0; next }
	!on { next }
	/^    / { if (!inside) n++; inside = 1; if (n == want) { print substr($0, 5); found = 1 }; next }
	{ inside = 0 }
	END { exit !found }' "$top/doc/interoperability.md" || fail "no block $2 below \"$1\" in doc/interoperability.md"
}
doc_addresses() { sed 's/203\.0\.113\.1/10.9.0.1/g; s/198\.51\.100\.2/10.9.0.2/g'; }

# The configuration of the first tunnel in README.md, with key $1.
doc_readme() {
	(
		umask 077
		awk '/^    \[General\]/ { on = 1 } on && /^[^ ]/ { exit } on { sub(/^    /, ""); print }' \
		    "$top/README.md" | doc_addresses | sed "s/0x\.\.\.the key\.\.\./0x$1/
		    s/^\[General\]/&\nKernel-backend=${LAB_BACKEND:-user}/" >"$T/west/run/isakmpd.conf"
	)
}

# In folder $1: the authority and both certificates as the document makes them.
doc_certificates() {
	mkdir -p "$1"
	doc_block Certificates 1 >"$1/commands"
	(cd "$1" && sh -eu ./commands) >"$T/commands.out" 2>&1 || fail "openssl: $(tail -n 3 "$T/commands.out")"
}

# Our side: etc/examples/certificates.conf, with keys and certificates from folder $1.
doc_ours() {
	local run=$T/west/run
	mkdir -p "$run"/{private,certs,ca}
	install -m 600 "$1/office.key" "$run/private/local.key"
	cp "$1/office.crt" "$run/certs/"
	cp "$1/ca.crt" "$run/ca/"
	{
		doc_addresses <"$top/etc/examples/certificates.conf" |
		    sed "s/^\[General\]/&\nKernel-backend=${LAB_BACKEND:-user}/"
		printf '%s\n' "[X509-certificates]" Private-key=/run/private/local.key \
		    CA-directory=/run/ca Cert-directory=/run/certs CRL-directory=/run/crls
	} >"$run/isakmpd.conf"
	chmod 600 "$run/isakmpd.conf"
}
