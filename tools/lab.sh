# shellcheck shell=bash disable=SC2034,SC2154  # variables of the script that sources this one, and for it
# lab.sh: what quickstart starts: a collector, the resolver with the library, and NSD where the Internet does not answer.
#
# Sourced after setup.sh, with `run` (a directory of this run) set. Everything listens on loopback, on ports that were
# free, and is ended by its id in lab_stop.

lab_pids=()

lab_stop() {
	local pid try
	[ "${#lab_pids[@]}" -gt 0 ] || return 0
	kill "${lab_pids[@]}" 2>/dev/null || true
	for pid in "${lab_pids[@]}"; do
		for ((try = 0; try < 50; try++)); do
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.1
		done
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	lab_pids=()
}

# lab_run OUTPUT COMMAND...: in the background, with its id in lab_pids and lab_pid; OUTPUT `-` is where ours goes.
# Should this script be killed, the kernel ends what it started.
lab_run() {
	local output=$1
	shift
	if [ "$output" = - ]; then
		setpriv --pdeathsig TERM "$@" </dev/null 8>&- &
	else
		setpriv --pdeathsig TERM "$@" >"$output" 2>&1 </dev/null 8>&- &
	fi
	lab_pid=$!
	lab_pids=("$lab_pid" "${lab_pids[@]}")
}

# wait_until SECONDS COMMAND...: polls
wait_until() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

port_taken() { # port: by anybody, on any address
	local hex
	hex=$(printf ':%04X' "$1")
	cat /proc/net/udp /proc/net/udp6 /proc/net/tcp /proc/net/tcp6 2>/dev/null |
		awk -v port="$hex" 'substr($2, length($2) - 4) == port { found = 1 } END { exit !found }'
}

free_port() {
	local port
	while port=$((20000 + RANDOM % 12000)); port_taken "$port"; do :; done
	say "$port"
}

log_has() { # file, text
	grep -qF -- "$2" "$1" 2>/dev/null
}

# --- the authority, for machines that do not reach the root servers ----------------------------------------------------

internet_answers() {
	[ "$(dig +time=2 +tries=1 +short . NS @198.41.0.4 2>/dev/null | grep -c 'root-servers')" -gt 0 ]
}

# The same names that exist on the Internet, so that one sample policy serves both.
lab_zones() { # directory
	local zone
	cat >"$1/root.zone" <<-'END'
		$TTL 300
		. SOA a.root-lab.example. hostmaster.example.com. 1 3600 600 86400 60
		. NS a.root-lab.example.
		a.root-lab.example. A 127.0.0.1
	END
	for zone in com net org; do
		cat >"$1/example.$zone.zone" <<-END
			\$ORIGIN example.$zone.
			\$TTL 300
			@ SOA ns hostmaster 1 3600 600 86400 60
			@ NS ns
			ns A 127.0.0.1
			@ A 192.0.2.80
			@ AAAA 2001:db8::80
			@ MX 10 mail
			@ TXT "the lab of unbound-verdict"
			mail A 192.0.2.25
			www A 192.0.2.80
			www AAAA 2001:db8::80
			* A 192.0.2.99
			* AAAA 2001:db8::99
			* TXT "any other name of the lab"
		END
	done
}

nsd_answers() {
	[ "$(dig +time=1 +tries=1 +short SOA example.com @127.0.0.1 -p "$nsd_port" 2>/dev/null | grep -c hostmaster)" -gt 0 ]
}

lab_start_nsd() {
	local zone
	nsd_port=$(free_port)
	lab_zones "$run"
	cat >"$run/nsd.conf" <<-END
		server:
			ip-address: 127.0.0.1@$nsd_port
			username: ""
			chroot: ""
			zonesdir: "$run"
			database: ""
			pidfile: "$run/nsd.pid"
			xfrdfile: "$run/nsd.xfrd"
			zonelistfile: "$run/nsd.zonelist"
			xfrdir: "$run"
			server-count: 1
		remote-control:
			control-enable: no
		zone:
			name: "."
			zonefile: "root.zone"
	END
	for zone in com net org; do
		printf 'zone:\n\tname: "example.%s"\n\tzonefile: "example.%s.zone"\n' "$zone" "$zone" >>"$run/nsd.conf"
	done
	lab_run "$run/nsd.log" "$NSD" -d -c "$run/nsd.conf"
	wait_until 10 nsd_answers || { tail -n 5 "$run/nsd.log"; die "NSD does not answer; its log: $run/nsd.log"; }
}

# --- the sample policy ---------------------------------------------------------------------------------------------

sample_lists() { # directory
	mkdir -p "$1"
	printf '%s\n' '# exempt, whatever a later list says' 'portal.ads.example.org' >"$1/allowlist.txt"
	printf '%s\n' '# known to spread malware' 'malware.example.net' >"$1/malware.txt"
	printf '%s\n' '# pages that ask for passwords' 'login.example.net' 'secure-login.example.com' >"$1/phishing.txt"
	printf '%s\n' '# a hosts file' '0.0.0.0 telemetry.example.com' '0.0.0.0 metrics.example.com' >"$1/telemetry.hosts"
	printf '%s\n' '# not on company time' 'casino.example.com' >"$1/gambling.txt"
	printf '%s\n' '# whole zones of advertising' '*.ads.example.org' >"$1/ads.wildcard"
	printf '%s\n' '# answers to nobody' 'flood.example.net' >"$1/flood.txt"
	printf '%s\n' '# only over TCP' 'amplify.example.net' >"$1/amplify.txt"
	cat >"$1/local.rpz" <<-'END'
		; a response policy zone with data of its own
		$TTL 300
		@ SOA localhost. hostmaster.localhost. 2026112001 3600 600 86400 60
		@ NS localhost.
		intranet.example.org A 198.51.100.80
		intranet.example.org TXT "served by the policy"
		gone.example.org CNAME .
		*.gone.example.org CNAME .
	END
}

sample_clause() { # name, file, format, more lines...
	printf 'policy-list:\n\tname: "%s"\n\tfile: "%s"\n\tformat: %s\n' "$1" "$2" "$3"
	shift 3
	[ $# -eq 0 ] || printf '\t%s\n' "$@"
}

sample_policy() { # directory: the clauses, in order: the first list that matches decides
	sample_lists "$1"
	sample_clause allowlist "$1/allowlist.txt" domains 'action: pass'
	sample_clause local "$1/local.rpz" rpz
	sample_clause malware "$1/malware.txt" domains 'action: sinkhole' 'sinkhole-address: 192.0.2.1' \
		'sinkhole-address: 2001:db8::1' 'category: "malware"' 'attack: "T1071.004"'
	sample_clause phishing "$1/phishing.txt" domains 'action: nxdomain' 'category: "phishing"' 'attack: "T1566"'
	sample_clause telemetry "$1/telemetry.hosts" hosts 'action: nodata' 'category: "telemetry"'
	sample_clause gambling "$1/gambling.txt" domains 'action: refuse' 'category: "gambling"' 'ede: prohibited'
	sample_clause ads "$1/ads.wildcard" wildcard 'action: nxdomain' 'category: "advertising"'
	sample_clause flood "$1/flood.txt" domains 'action: drop'
	sample_clause amplify "$1/amplify.txt" domains 'action: truncate'
}

# A zone has actions of its own; what any other list is, the library tells by content.
is_zone() { # file
	case $1 in
	*.rpz | *.zone) return 0 ;;
	esac
	LC_ALL=C awk '
		{ sub(/\r$/, "") }
		/^[ \t]*([#;!]|$)/ { next }
		/^\$(TTL|ORIGIN)/ || /[ \t](SOA|CNAME)[ \t]/ { found = 1; exit }
		++seen == 1000 { exit }
		END { exit !found }' "$1"
}

# The zone that all absolute owners of an RPZ file end in: a file whose SOA stands at `@` does not say it.
guess_zone() { # file
	LC_ALL=C awk '
		$1 !~ /^[^;$@].*\.$/ { next }
		{
			count = split(tolower($1), label, ".") - 1
			if (!seen++) { for (i = 0; i < count; i++) tail[i] = label[count - i]; common = count - 1; next }
			for (i = 0; i < common && i < count - 1 && label[count - i] == tail[i]; i++);
			common = i
		}
		END { for (i = common - 1; i >= 0; i--) printf "%s.", tail[i] }' "$1"
}

# The user's own lists as clauses; refusing is quick to see and harms nothing.
user_policy() { # also guess zones (yes or no), file...
	local file plain base name number=0 guess=$1 zone=''
	shift
	for file; do
		number=$((number + 1))
		[ -r "$file" ] || die "$file: cannot be read"
		file=$(realpath "$file")
		plain=$file
		base=${file##*/}
		case $file in
		*.xz | *.gz | *.bz2)
			base=${base%.*}
			mkdir -p "$run/unpacked"
			plain=$run/unpacked/$number-$base   # two files may have one name
			say "decompressing $file" >&2
			case $file in
			*.xz) xz -dc -- "$file" ;;
			*.gz) gzip -dc -- "$file" ;;
			*.bz2) bzip2 -dc -- "$file" ;;
			esac >"$plain" || die "$file: cannot be decompressed"
			;;
		esac
		name=$number-$(printf '%s\n' "$base" | tr -cs 'A-Za-z0-9._\n-' - | cut -c 1-40)
		say "list $name: $file" >&2
		if is_zone "$plain"; then
			[ "$guess" = no ] || zone=$(guess_zone "$plain")
			sample_clause "$name" "$plain" rpz ${zone:+"zone: \"$zone\""}
		else
			sample_clause "$name" "$plain" detect 'action: refuse'
		fi
	done
}

# --- collector and resolver ------------------------------------------------------------------------------------------

lab_write_conf() { # as user_policy; no file: the sample
	{
		printf 'verdict:\n\tidentity: "quickstart"\n\tmode: enforce\n\tstate-directory: "%s"\n' "$run/state"
		if [ $# -gt 1 ]; then user_policy "$@"; else sample_policy "$run/lists"; fi
		printf 'dnstap:\n\tsocket-path: "%s"\n\tframes: all\n' "$run/tap.sock"
	} >"$run/verdict.conf"
	"$build/verdictctl" check --config "$run/verdict.conf" >"$run/check.log" 2>&1
}

lab_write_policy() { # list file...; none: the sample
	lab_write_conf no "$@" && return
	if grep -q "set .zone:" "$run/check.log"; then
		say "a list does not say its zone's name; trying what its names end in" >&2
		lab_write_conf yes "$@" && return
	fi
	cat "$run/check.log" >&2
	die "the policy cannot be used (verdictctl check)"
}

lab_start_collector() { # more arguments of verdictctl tap; the output goes where ours goes
	rm -f "$run/tap.sock"
	lab_run - "$build/verdictctl" tap --listen "unix:$run/tap.sock" "$@" 2>"$run/tap.log"
	wait_until 10 test -S "$run/tap.sock" || die "the collector did not start"
}

lab_write_resolver() { # internet: yes or no
	cat >"$run/unbound.conf" <<-END
		server:
			directory: "$run"
			username: ""
			chroot: ""
			pidfile: "$run/unbound.pid"
			logfile: "$run/unbound.log"
			use-syslog: no
			interface: 127.0.0.1
			port: $port
			do-ip6: no
			num-threads: 2
			module-config: "dynlib validator iterator"
		dynlib:
			dynlib-file: "$build/.libs/unbound-verdict.so"
		remote-control:
			control-enable: yes
			control-interface: "$run/control.sock"
			control-use-cert: no
	END
	if [ "$1" = yes ]; then
		[ ! -f /usr/share/dns/root.key ] ||
			printf 'server:\n\ttrust-anchor-file: "/usr/share/dns/root.key"\n' >>"$run/unbound.conf"
	else
		printf 'server:\n\tdo-not-query-localhost: no\n\ttrust-anchor-signaling: no\n' >>"$run/unbound.conf"
		printf 'stub-zone:\n\tname: "."\n\tstub-addr: 127.0.0.1@%s\n' "$nsd_port" >>"$run/unbound.conf"
	fi
}

lab_start_resolver() { # internet: yes or no; sets port and resolver_pid
	port=$(free_port)
	lab_write_resolver "$1"
	"$UNBOUND_SBIN/unbound-checkconf" "$run/unbound.conf" >"$run/check.log" 2>&1 ||
		{ cat "$run/check.log" >&2; die "unbound-checkconf refuses $run/unbound.conf"; }
	rm -f "$run/unbound.log"
	export UNBOUND_VERDICT_CONF=$run/verdict.conf
	lab_run "$run/unbound.out" "$UNBOUND_SBIN/unbound" -d -c "$run/unbound.conf"
	resolver_pid=$lab_pid
	wait_until 30 resolver_settled || true
	log_has "$run/unbound.log" "start of service" ||
		{ tail -n 10 "$run/unbound.log" "$run/unbound.out" >&2; die "the resolver did not start"; }
}

resolver_settled() { # it serves, or it is gone
	log_has "$run/unbound.log" "start of service" || ! kill -0 "$resolver_pid" 2>/dev/null
}
