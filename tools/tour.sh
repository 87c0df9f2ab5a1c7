# shellcheck shell=bash disable=SC2154  # variables of the script that sources this one
# tour.sh: the scripted tour of `quickstart --once`: each kind of answer, what was promised and what came.

# What is promised, one row a question; `-` stands for nothing.
# claim | name | type | rcode | answer | EDE code | verdict | path | list
tour_table='
allowed     | www.example.com        | A   | NOERROR  | 192.0.2.80             | -  | allow      | resolved | -
cached      | www.example.com        | A   | NOERROR  | 192.0.2.80             | -  | allow      | cached   | -
nxdomain    | login.example.net      | A   | NXDOMAIN | -                      | 15 | nxdomain   | resolved | phishing
nodata      | telemetry.example.com  | A   | NOERROR  | -                      | 15 | nodata     | resolved | telemetry
refused     | casino.example.com     | A   | REFUSED  | -                      | 18 | refuse     | resolved | gambling
sinkholed   | c2.malware.example.net | A   | NOERROR  | 192.0.2.1              | 4  | sinkhole   | resolved | malware
wildcard    | a.b.ads.example.org    | A   | NXDOMAIN | -                      | 15 | nxdomain   | resolved | ads
pass-listed | portal.ads.example.org | A   | NOERROR  | 192.0.2.99             | -  | pass       | resolved | allowlist
local-data  | intranet.example.org   | TXT | NOERROR  | "served by the policy" | 4  | local-data | resolved | local
'

trim() {
	local text=$1
	text=${text#"${text%%[![:space:]]*}"}
	printf '%s' "${text%"${text##*[![:space:]]}"}"
}

json_text() { # line, key: the first string of that key
	local pattern="\"$2\": ?\"(([^\"\\\\]|\\\\.)*)\""
	if [[ $1 =~ $pattern ]]; then printf '%s' "${BASH_REMATCH[1]}"; else printf -- -; fi
}

tour_new_frame() { # file, frames seen before
	[ "$(grep -c . "$1")" -gt "$2" ]
}

tour_ask() { # name, type: sets rcode answer ede ede_text frame
	local before output
	before=$(grep -c . "$run/frames.json") || true
	output=$(dig +time=5 +tries=1 +nocookie "$1" "$2" @127.0.0.1 -p "$port" 2>&1) || true
	rcode=$(sed -n 's/^;; ->>HEADER<<-.* status: \([A-Z]*\),.*/\1/p' <<<"$output")
	answer=$(sed -n '/^;; ANSWER SECTION/,/^$/{/^;;/d;/^$/d;p}' <<<"$output" | awk '{ $1 = $2 = $3 = $4 = ""; print }' |
		paste -sd ' ')
	answer=$(trim "$answer")
	ede=$(sed -n 's/^; EDE: \([0-9]*\).*/\1/p' <<<"$output" | head -n 1)
	ede_text=$(sed -n 's/^; EDE: [0-9]* *\(.*\)/\1/p' <<<"$output" | head -n 1)
	frame=
	if wait_until 5 tour_new_frame "$run/frames.json" "$before"; then
		frame=$(sed -n "$((before + 1))p" "$run/frames.json")
	fi
}

tour_expect() { # what, got, want
	[ "${2:--}" != "$3" ] || return 0
	say "    $(colour 31 "not as promised"): $1 is ${2:--}, promised was $3"
	as_promised=no
}

tour_row() { # one row of the table
	local claim name type want_rcode want_answer want_ede want_verdict want_path want_list line
	IFS='|' read -r claim name type want_rcode want_answer want_ede want_verdict want_path want_list <<<"$1"
	for line in claim name type want_rcode want_answer want_ede want_verdict want_path want_list; do
		printf -v "$line" '%s' "$(trim "${!line}")"
	done
	as_promised=yes
	tour_ask "$name" "$type"
	printf '%s  %s %s\n' "$(colour 1 "$(printf '%-11s' "$claim")")" "$name" "$type"
	printf '    %-8s %s\n' rcode "${rcode:-none}" answer "${answer:--}" EDE "${ede:--} ${ede_text}"
	printf '    %-8s verdict %s, path %s, list %s, rule %s, number %s\n' frame "$(json_text "$frame" verdict)" \
		"$(json_text "$frame" path)" "$(json_text "$frame" list)" "$(json_text "$frame" rule)" \
		"$(json_text "$frame" incident)"
	tour_expect rcode "$rcode" "$want_rcode"
	tour_expect answer "$answer" "$want_answer"
	tour_expect EDE "$ede" "$want_ede"
	tour_expect "the frame's name" "$(json_text "$frame" qname)" "$name"
	tour_expect "the frame's verdict" "$(json_text "$frame" verdict)" "$want_verdict"
	tour_expect "the frame's path" "$(json_text "$frame" path)" "$want_path"
	tour_expect "the frame's list" "$(json_text "$frame" list)" "$want_list"
	if [ "$want_ede" != - ] && [[ $ede_text != *"$(json_text "$frame" incident)"* ]]; then
		tour_expect "the number in the EDE" "$ede_text" "$(json_text "$frame" incident)"
	fi
}

# Returns 0 only when every row is as promised.
tour() {
	local row count=0 good=0
	while IFS= read -r row; do
		[ -n "$row" ] || continue
		count=$((count + 1))
		tour_row "$row"
		[ "$as_promised" = no ] || good=$((good + 1))
	done <<<"$tour_table"
	say
	if [ "$good" -eq "$count" ]; then
		say "$(colour 32 "$good of $count answers and frames as promised")"
	else
		say "$(colour 31 "$good of $count answers and frames as promised"); logs and configuration: $run"
		return 1
	fi
}
