# shellcheck shell=bash disable=SC2034,SC2154  # variables of the script that sources this one, and for it
# setup.sh: what quickstart and runtests share: progress, packages, an Unbound with dynlib, NSD, the build.
#
# Sourced, never run. The caller sets `root` (the checkout) and `build` (root/build). Functions whose name begins with
# `need_` do nothing when what they give is there already. Everything is safe to interrupt: results are made under a
# temporary name and renamed.

unbound_cache=${XDG_CACHE_HOME:-$HOME/.cache}/unbound-verdict
jobs=$(nproc 2>/dev/null || echo 1)

# To build the project and Unbound, and to run the tour. None of them starts a service.
packages_run=(
	autoconf automake libtool make gcc libc6-dev pkg-config xz-utils
	libfstrm-dev libprotobuf-c-dev protobuf-c-compiler libldns-dev libjansson-dev libssl-dev libpcap-dev
	libsqlite3-dev libexpat1-dev libarchive-dev libcurl4-openssl-dev
	zlib1g-dev liblzma-dev libidn2-dev libpsl-dev libxxhash-dev
	bind9-dnsutils dns-root-data
)
packages_unbound=(dpkg-dev flex bison libevent-dev libexpat1-dev libssl-dev libnghttp2-dev libsystemd-dev)
packages_unbound_later=(libhiredis-dev)   # what later releases of Debian's package are configured with, too
packages_tests=(
	libcmocka-dev python3 python3-dnspython protobuf-compiler fstrm-bin dnsperf faketime ldnsutils publicsuffix dns2tcp iodine binutils valgrind
	curl openssl dnsdbq python3-jsonschema dnstap-ldns golang-github-dnstap-golang-dnstap-cli
	knot-dnsutils ccache
)

colour() { # code, text
	if [ -t 1 ]; then printf '\033[%sm%s\033[0m' "$1" "$2"; else printf '%s' "$2"; fi
}

say() { printf '%s\n' "$*"; }

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# Neither configure nor make can work below such a path.
need_plain_paths() {
	local path
	for path in "$root" "$unbound_cache" "${UNBOUND_TREE:-}"; do
		case $path in
		*[[:space:]\"\#\$\&\'\`\\]*) die "$path: make cannot build below a path with blanks, quotes or one of # \$ & \\" ;;
		esac
	done
}

# --- long steps ------------------------------------------------------------------------------------------------------

step_group=

# A step runs in a process group of its own, so that an interrupt ends all of it (compilers included). Returns when it
# has ended: what it must finish first (apt_install) or clean up is done then.
step_stop() {
	local try
	[ -n "$step_group" ] || return 0
	[ ! -t 1 ] || printf '\n'
	kill -TERM -- "-$step_group" 2>/dev/null || true
	for ((try = 0; ; try++)); do
		kill -0 -- "-$step_group" 2>/dev/null || break
		[ "$try" -ne 10 ] || say "waiting for the end of this step"
		sleep 0.1
	done
	step_group=
}

# step TEXT COMMAND...: one progress line with the seconds; the output goes to a log that is shown on failure only.
step() {
	local text=$1 start=$SECONDS log status=0
	shift
	mkdir -p "$build/log"
	log=$build/log/$(printf '%s' "$text" | tr -cs 'A-Za-z0-9.+' -).log
	set -m
	("$@") >"$log" 2>&1 </dev/null &
	step_group=$!
	set +m
	if [ -t 1 ]; then
		while kill -0 "$step_group" 2>/dev/null; do
			printf '\r%s ... %d s' "$text" $((SECONDS - start))
			sleep 0.2
		done
		printf '\r'
	else
		printf '%s ...\n' "$text"
	fi
	wait "$step_group" || status=$?
	step_group=
	if [ "$status" -ne 0 ]; then
		printf '%s: %s after %d s\n' "$text" "$(colour 31 failed)" $((SECONDS - start))
		tail -n 30 "$log" | cut -c 1-200 | sed 's/^/    /'
		die "$text failed (exit $status); all of its output: $log"
	fi
	printf '%s: %s (%d s)\n' "$text" "$(colour 32 "done")" $((SECONDS - start))
}

# --- packages --------------------------------------------------------------------------------------------------------

package_missing() { # package...: prints those that are not installed
	local package
	for package; do
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || say "$package"
	done
}

apt_quiet() { # apt-get arguments...
	env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q -y -o Acquire::Retries=2 -o Dpkg::Use-Pty=0 "$@"
}

apt_install() { # package...: the machine's package lists may be old or not there at all
	apt_quiet install --no-install-recommends --download-only "$@" ||
		{ apt_quiet update && apt_quiet install --no-install-recommends --download-only "$@"; } || return 1
	# A dpkg that was killed refuses all later work until it is mended by hand, so an interrupt waits for it.
	trap '' TERM INT HUP
	apt_quiet install --no-install-recommends "$@"
}

need_packages() { # package...
	local missing
	{ command -v dpkg-query && command -v apt-get; } >/dev/null ||
		die "this is not a Debian system (no dpkg-query, no apt-get): install by hand what README.md lists"
	mapfile -t missing < <(package_missing "$@")
	[ "${#missing[@]}" -gt 0 ] || return 0
	[ "$(id -u)" -eq 0 ] ||
		die "packages are missing and only root can install them; run this as root: apt-get install ${missing[*]}"
	step "installing ${#missing[@]} packages" apt_install "${missing[@]}"
	mapfile -t missing < <(package_missing "$@")
	[ "${#missing[@]}" -eq 0 ] || die "still not installed: ${missing[*]}"
}

# --- an Unbound with dynlib -------------------------------------------------------------------------------------------

# The mirrors this machine uses, whatever the format of its files: "URI RELEASE COMPONENT".
debian_mirrors() {
	# shellcheck disable=SC2016  # apt's variables, not the shell's
	apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
		awk '$1 == "Debian" && $2 == "main" { print $3, $4, $2 }' | sort -u
}

# The same mirrors for another release, as that was published: "bookworm" becomes "trixie". Its later suites
# (security, updates) are left out: what they hold changes, and the tests name what they run on.
debian_mirrors_of() { # code name of the release, or nothing for this machine's own
	if [ -z "$1" ]; then debian_mirrors; else debian_mirrors | awk -v name="$1" '$2 !~ /-/ { $2 = name; print }'; fi
}

# apt-get with lists and sources of our own: nothing of the machine's configuration is edited.
apt_source() { # directory, apt-get arguments...
	local dir=$1
	shift
	LC_ALL=C apt-get -q -o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::lists="$dir/lists" -o Dir::Cache="$dir/cache" -o APT::Sandbox::User=root \
		-o Acquire::Retries=2 -o APT::Get::List-Cleanup=false "$@"
}

apt_source_prepare() { # directory, code name of a release or nothing
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg option='' mirrors
	mkdir -p "$1/lists/partial" "$1/cache/archives/partial"
	mirrors=$(debian_mirrors_of "$2")
	if [ -z "$mirrors" ]; then
		# The origin of a mirror is known only once its lists are there.
		[ "$(id -u)" -ne 0 ] || apt_quiet update
		mirrors=$(debian_mirrors_of "$2")
	fi
	if [ -z "$mirrors" ]; then
		say "apt knows no Debian mirror here. Build an Unbound --with-dynlibmodule and name its tree: UNBOUND_TREE=DIR"
		return 1
	fi
	[ ! -f "$keyring" ] || option="[signed-by=$keyring] "
	say "$mirrors" | sed "s|^|deb-src $option|" >"$1/sources.list"
	apt_source "$1" update
}

# The package's own configure flags, one a line: what debian/rules passes to configure, without Python.
package_flags() { # source directory
	(cd "$1" && make -n -f debian/rules b/unbound/config.h 2>/dev/null) |
		sed -e ':a' -e '/\\$/{' -e 'N' -e 's/\\\n/ /' -e 'ba' -e '}' |
		sed -n 's/^.*dh_auto_configure .* -- //p' | head -n 1 | xargs -n 1 printf '%s\n' |
		grep -vE '^--with-(pythonmodule|pyunbound)'
}

# The flags an Unbound says it was configured with, one a line; compiler flags stand there unquoted and are left out.
installed_flags() { # binary
	ASAN_OPTIONS=detect_leaks=0 "$1" -V | sed -n 's/^Configure line: //p' | xargs -n 1 printf '%s\n' |
		grep -E '^--(with|without|enable|disable|prefix|sysconfdir|localstatedir)'
}

unbound_configure() { # directory with src; flags on stdin
	local -a flags buildflags
	mapfile -t flags
	[ "${#flags[@]}" -gt 3 ] || { say "no configure flags found in the source package"; return 1; }
	mapfile -t buildflags < <(cd "$1/src" && DEB_BUILD_MAINT_OPTIONS=hardening=+all dpkg-buildflags --export=cmdline |
		xargs -n 1 printf '%s\n' | grep -E '^(CFLAGS|CPPFLAGS|LDFLAGS)=')
	mkdir "$1/build" && cd "$1/build" &&
		../src/configure --prefix=/usr --sysconfdir=/etc --localstatedir=/var "${flags[@]}" --with-dynlibmodule \
			"${buildflags[@]}"
}

# Fetches, configures and builds below a temporary name; renamed only when all of it stands.
unbound_build() { # code name of a release or nothing
	local work version source=unbound
	work=$(mktemp -d "$unbound_cache/.new.XXXXXX")
	unbound_unfinished=$work   # the trap runs when locals are gone
	trap 'rm -rf "$unbound_unfinished"' EXIT
	trap 'exit 143' TERM INT HUP
	apt_source_prepare "$unbound_cache/apt" "$1" || return 1
	[ -z "$installed_version" ] || source=unbound=$installed_version
	(cd "$work" && apt_source "$unbound_cache/apt" source --only-source "$source") || return 1
	version=$(sed -n 's/^Version: //p' "$work"/unbound_*.dsc | head -n 1)
	[ -n "$version" ] || return 1
	mv "$work"/unbound-*/ "$work/src"
	if [ -n "$installed_version" ]; then installed_flags "$installed"; else package_flags "$work/src"; fi >"$work/flags"
	unbound_configure "$work" <"$work/flags" || return 1
	make -C "$work/build" -j "$jobs" unbound unbound-checkconf unbound-control || return 1
	unbound_usable "$work/build" || { say "the Unbound just built does not list dynlib"; return 1; }
	find "$work/build" \( -name '*.o' -o -name '*.lo' \) -delete   # the headers and programs are all that is used
	rm -rf "${unbound_cache:?}/unbound-$version"
	mv "$work" "$unbound_cache/unbound-$version"
}

# A second run waits here and then finds what the first has built.
unbound_build_locked() { # code name of a release or nothing
	exec 9>"$unbound_cache/lock"
	flock 9
	[ -z "$(unbound_find)" ] || return 0
	unbound_build "$1"
}

unbound_usable() { # tree
	[ -f "$1/config.h" ] && [ -x "$1/unbound" ] && [ -x "$1/unbound-checkconf" ] &&
		has_dynlib "$1/unbound"
}

has_dynlib() { # binary
	[[ "$(ASAN_OPTIONS=detect_leaks=0 "$1" -V 2>/dev/null)" == *"Linked modules:"*" dynlib "* ]]
}

unbound_find() { # prints the newest finished tree, or the one that matches the installed Unbound
	local dir
	for dir in $(printf '%s\n' "$unbound_cache"/unbound-"${installed_version:-*}"/build | sort -rV); do
		if unbound_usable "$dir"; then say "$dir"; return; fi
	done
}

# Notes when no mirror has the source of the installed version: a package that was rebuilt here.
unbound_source_look() {
	apt_source_prepare "$unbound_cache/apt" '' || return 1
	(cd "$unbound_cache" && apt_source "$unbound_cache/apt" --print-uris source --only-source \
		"unbound=$installed_version") || say "$installed_version" >"$unbound_cache/not-in-archive"
}

unbound_is_rebuilt() {
	[ "$(cat "$unbound_cache/not-in-archive" 2>/dev/null)" = "$installed_version" ]
}

# The installed Unbound can only be used when a tree of exactly that version can be had.
unbound_source_or_archive() { # sets installed_version to nothing when it cannot
	if ! unbound_is_rebuilt; then
		need_packages "${packages_unbound[@]}"
		step "looking for the source package of the installed Unbound" unbound_source_look
	fi
	unbound_is_rebuilt || return 0
	say "The installed unbound $installed_version is not in Debian's archive (rebuilt on this machine?): it is left alone,"
	say "and one from the archive's source package is used instead. To use it: UNBOUND_TREE=DIR, the tree that it was built in."
	installed_version=''
}

# Sets UNBOUND_TREE (configured tree for --with-unbound) and UNBOUND_SBIN (where unbound and unbound-checkconf are).
need_unbound() {
	local installed='' installed_version=''
	if [ -n "${UNBOUND_TREE:-}" ]; then
		unbound_usable "$UNBOUND_TREE" || die "UNBOUND_TREE=$UNBOUND_TREE is no built tree of an Unbound with dynlib"
		UNBOUND_SBIN=${UNBOUND_SBIN:-$UNBOUND_TREE}
		return
	fi
	mkdir -p "$unbound_cache"
	installed=$(PATH=$PATH:/usr/sbin command -v unbound) || installed=''
	if [ -n "$installed" ] && has_dynlib "$installed"; then
		installed_version=$(dpkg-query -W -f '${source:Version}' unbound 2>/dev/null) || installed_version=''
	fi
	UNBOUND_TREE=$(unbound_find)
	if [ -z "$UNBOUND_TREE" ] && [ -n "$installed_version" ]; then
		unbound_source_or_archive
		UNBOUND_TREE=$(unbound_find)
	fi
	if [ -z "$UNBOUND_TREE" ]; then
		need_packages "${packages_unbound[@]}"
		step "building Unbound with dynlib from Debian's source package (kept for next time)" \
			unbound_build_locked ''
		UNBOUND_TREE=$(unbound_find)
		[ -n "$UNBOUND_TREE" ] || die "no Unbound in $unbound_cache after the build"
	fi
	UNBOUND_SBIN=$UNBOUND_TREE
	[ -z "$installed_version" ] || UNBOUND_SBIN=${installed%/*}
	export UNBOUND_TREE UNBOUND_SBIN
}

# Sets OTHER_TREE: an Unbound with dynlib as another release of Debian has it, built on this machine.
need_unbound_of() { # code name of the release
	local installed='' installed_version='' unbound_cache=$unbound_cache/$1
	mkdir -p "$unbound_cache"
	OTHER_TREE=$(unbound_find)
	[ -z "$OTHER_TREE" ] || return 0
	need_packages "${packages_unbound[@]}" "${packages_unbound_later[@]}"
	step "building Unbound with dynlib from the source package of Debian $1 (kept for next time)" \
		unbound_build_locked "$1"
	OTHER_TREE=$(unbound_find)
	[ -n "$OTHER_TREE" ] || die "no Unbound in $unbound_cache after the build"
}

unbound_version() { # tree
	sed -n 's/^#define PACKAGE_VERSION "\(.*\)"/\1/p' "$1/config.h"
}

# What a tree was made from: another release or other configure flags give another text.
unbound_identity() { # tree
	say "$(unbound_version "$1") $(cksum <"$1/config.h") $1"
}

unbound_build_asan() { # directory, source directory
	local new=$1.new
	rm -rf "$new" "$1"
	mkdir -p "$new" && cd "$new" || return 1
	installed_flags "$UNBOUND_TREE/unbound" >flags
	mapfile -t flags <flags
	"$2/configure" "${flags[@]}" CFLAGS="-g -O1 -fsanitize=address -fno-omit-frame-pointer" &&
		make -j "$jobs" unbound unbound-checkconf unbound-control &&
		unbound_identity "$UNBOUND_TREE" >made-from && cd / && mv "$new" "$1"
}

# Sets UNBOUND_ASAN: the same Unbound, built with AddressSanitizer, so that the module can be tested inside it.
need_unbound_asan() {
	local source
	UNBOUND_ASAN=$build/unbound-asan
	source=$(sed -n 's/^srcdir *= *//p' "$UNBOUND_TREE/Makefile" | head -n 1)
	source=$(cd "$UNBOUND_TREE" && cd "$source" && pwd)
	if ! unbound_usable "$UNBOUND_ASAN" ||
		[ "$(cat "$UNBOUND_ASAN/made-from" 2>/dev/null)" != "$(unbound_identity "$UNBOUND_TREE")" ]; then
		step "building Unbound with AddressSanitizer" unbound_build_asan "$UNBOUND_ASAN" "$source"
	fi
}

# --- daemons of the lab -----------------------------------------------------------------------------------------------

package_fetch() { # directory, package
	local new=$1.new
	rm -rf "$new"
	mkdir -p "$new" && cd "$new" || return 1
	apt_quiet download "$2" || { [ "$(id -u)" -eq 0 ] && apt_quiet update && apt_quiet download "$2"; } || return 1
	dpkg-deb -x "$2"_*.deb . && mv "$2"_*.deb package.deb && cd / && rm -rf "$1" && mv "$new" "$1"
}

# Sets the variable to the program's path. Debian's packages of daemons would start a service, so they are unpacked,
# never installed; the libraries that they need are.
need_daemon() { # variable, program, package, its path in there
	local libraries found
	found=$(PATH=$PATH:/usr/sbin command -v "$2") || found=$build/daemons/$3/$4
	if [ ! -x "$found" ]; then
		step "fetching $2 for the lab (unpacked, not installed)" package_fetch "$build/daemons/$3" "$3"
		mapfile -t libraries < <(dpkg-deb -f "$build/daemons/$3/package.deb" Depends | tr ',' '\n' |
			grep -oE '^ *(lib|bind9-libs|clickhouse-common)[^ |]*' | grep -v libjs- | tr -d ' ')
		need_packages "${libraries[@]}"
	fi
	printf -v "$1" %s "$found"
	export "${1?}"
}

# For what a test can be skipped without: tried apart, so that its failure ends nothing.
want() {
	(trap step_stop EXIT; "$@") && "$@"
}

need_nsd() { need_daemon NSD nsd nsd usr/sbin/nsd; }
need_named() { need_daemon NAMED named bind9 usr/sbin/named; }
need_recursor() { need_daemon PDNS_RECURSOR pdns_recursor pdns-recursor usr/sbin/pdns_recursor; }
need_clickhouse() { need_daemon CLICKHOUSE_SERVER clickhouse-server clickhouse-server usr/sbin/clickhouse-server; }
need_promtool() { need_daemon PROMTOOL promtool prometheus usr/bin/promtool; }

# --- the project ------------------------------------------------------------------------------------------------------

need_configure() {
	[ -x "$root/configure" ] && [ -f "$root/Makefile.in" ] && return
	(cd "$root" && autoreconf -fi)
}

project_build() { # directory, make target, configure arguments...
	local dir=$1 target=$2 wanted argument
	shift 2
	need_configure || return 1
	mkdir -p "$dir" && cd "$dir" || return 1
	# Configured again when the arguments differ, the test library has come since or another Unbound stands there.
	wanted="$* cmocka $(pkg-config --modversion cmocka 2>/dev/null || echo none)"
	for argument; do
		case $argument in --with-unbound=*) wanted+=" $(unbound_identity "${argument#*=}")" ;; esac
	done
	if [ ! -f Makefile ] || [ "$(cat configured 2>/dev/null)" != "$wanted" ]; then
		# Make compares times, and the headers of another Unbound may well be older than what the last one gave.
		rm -rf module/*.o module/*.lo module/.libs unbound-verdict.la .libs/unbound-verdict.*
		"$root/configure" "$@" || return 1
		printf '%s' "$wanted" >configured
	fi
	make -j "$jobs" "$target"
}
