#!/bin/sh
# What is shipped for a real system is right by the judgement of the programs that will read it: systemd, AppArmor,
# SELinux's compiler, Unbound. TAP. Each is skipped, with the reason, where its program is missing.

root=${srcdir:-.}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
n=0

skip() { # claim, reason
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}

claim() { # text, command...: holds when the command succeeds; its output is shown when not
	n=$((n + 1))
	text=$1
	shift
	if "$@" >"$folder/out" 2>&1; then echo "ok $n - $text"; else echo "not ok $n - $text"; sed 's/^/# /' "$folder/out"; fi
}

refuses() { ! "$@"; }

# --- systemd

# A stand-in for the distributions' units, which have these lines and name programs that need not be installed here.
write_unit() { # directory, drop-in
	mkdir -p "$1/unbound.service.d"
	cp "$2" "$1/unbound.service.d/verdict.conf"
	cat >"$1/unbound.service" <<-'END'
		[Service]
		Type=notify
		Restart=on-failure
		ExecStartPre=-/bin/true chroot_setup
		ExecStart=/bin/true -d -p
		ExecReload=+/bin/kill -HUP $MAINPID
	END
}

# What it says is the judgement: an unknown key is no failure to it.
verify() { # directory
	SYSTEMD_UNIT_PATH="$1:" systemd-analyze verify "$1/unbound.service" >"$folder/verify" 2>&1
	cat "$folder/verify"
	! grep -q 'unbound\.service' "$folder/verify"
}

if command -v systemd-analyze >/dev/null; then
	write_unit "$folder/good" "$root/doc/system/unbound.service.conf"
	claim "systemd takes the drop-in" verify "$folder/good"
	sed 's/^ExecCondition=/ExecConditional=/' "$root/doc/system/unbound.service.conf" >"$folder/wrong"
	write_unit "$folder/bad" "$folder/wrong"
	claim "and would complain about one that is wrong" refuses verify "$folder/bad"
	mkdir -p "$folder/compile"
	sed 's|^ExecStart=.*|ExecStart=/bin/true compile|' "$root/doc/system/unbound-verdict-compile.service" \
		>"$folder/compile/unbound-verdict-compile.service"
	cp "$root/doc/system/unbound-verdict-compile.timer" "$folder/compile/"
	verify_compile() {
		SYSTEMD_UNIT_PATH="$folder/compile:" systemd-analyze --man=no verify "$folder/compile/unbound-verdict-compile.service" \
			"$folder/compile/unbound-verdict-compile.timer" >"$folder/verify" 2>&1
		cat "$folder/verify"
		! grep -q 'unbound-verdict-compile\.' "$folder/verify"
	}
	claim "systemd takes the units that compile" verify_compile
	echo 'PrivateNetworks=yes' >>"$folder/compile/unbound-verdict-compile.service"
	claim "and would complain about a wrong one" refuses verify_compile
	mkdir -p "$folder/collect"
	sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' "$root/doc/system/verdict-collect.service" \
		>"$folder/collect/verdict-collect.service"
	verify_collect() {
		SYSTEMD_UNIT_PATH="$folder/collect:" systemd-analyze --man=no verify "$folder/collect/verdict-collect.service" \
			>"$folder/verify" 2>&1
		cat "$folder/verify"
		! grep -q 'verdict-collect\.' "$folder/verify"
	}
	claim "systemd takes the unit that collects" verify_collect
	echo 'MemoryMaximum=1G' >>"$folder/collect/verdict-collect.service"
	claim "and would complain about that one, too" refuses verify_collect
else
	skip "systemd takes the units that compile" "no systemd-analyze"
	skip "systemd takes the drop-in" "no systemd-analyze"
fi

# timeout's two numbers, after whose sum it has ended whatever comes.
late=$(sed -n 's/^ExecCondition=.*timeout -k \([0-9]*\) \([0-9]*\) .*/\1 \2/p' "$root/doc/system/unbound.service.conf")
patience=$(sed -n 's/^TimeoutStartSec=\([0-9]*\)$/\1/p' "$root/doc/system/unbound.service.conf")
claim "systemd waits longer than the trial takes" [ "${patience:-0}" -gt "$((${late% *} + ${late#* }))" ]

# --- dpkg-divert as the main README has it, in a root of its own

if command -v dpkg-divert >/dev/null; then
	mkdir -p "$folder/dpkg/usr/sbin" "$folder/dpkg/var/lib/dpkg"
	echo debian >"$folder/dpkg/usr/sbin/unbound"
	claim "the README's diversion is dpkg's grammar" dpkg-divert --instdir "$folder/dpkg" \
		--admindir "$folder/dpkg/var/lib/dpkg" $(sed -n 's|.*dpkg-divert \(.*\) /usr/sbin/$f &&.*|\1|p' "$root/README.md") \
		/usr/sbin/unbound
	claim "and keeps Debian's file beside" [ "$(cat "$folder/dpkg/usr/sbin/unbound.distrib")" = debian ]
else
	skip "the README's diversion is dpkg's grammar" "no dpkg-divert"
fi

tmpfiles=$(command -v systemd-tmpfiles || command -v systemd-tmpfiles.standalone)
if [ -n "$tmpfiles" ] && [ "$(id -u)" -eq 0 ]; then
	mkdir -p "$folder/root/var/lib/unbound" "$folder/root/etc"
	echo 'root:x:0:0::/:/bin/sh' >"$folder/root/etc/passwd"
	echo 'unbound:x:4242:4243::/:/bin/sh' >>"$folder/root/etc/passwd"
	printf 'root:x:0:\nunbound:x:4243:\n' >"$folder/root/etc/group"
	claim "systemd-tmpfiles takes the folders" "$tmpfiles" --root="$folder/root" --create \
		"$(realpath "$root/doc/system/unbound-verdict.tmpfiles")"
	claim "the state is the resolver's own, and closed" \
		[ "$(stat -c '%a %u %g' "$folder/root/var/lib/unbound/verdict")" = "750 4242 4243" ]
	claim "the lists are not" [ "$(stat -c '%a %u %g' "$folder/root/var/lib/unbound/lists")" = "755 0 0" ]
else
	skip "systemd-tmpfiles takes the folders" "no systemd-tmpfiles, or not root"
fi

claim "AppArmor's snippet lets be locked and linked what the code locks and links" \
	grep -q '^owner /{,etc/unbound/}var/lib/unbound/verdict/\*\* rwkl,$' "$root/doc/system/apparmor-local"

# --- AppArmor: Debian's own profile with the snippet in its place

profile=/etc/apparmor.d/usr.sbin.unbound
parse() { # directory
	apparmor_parser --skip-kernel-load --skip-cache --base /etc/apparmor.d --Include "$1" --Include /etc/apparmor.d \
		"$1/usr.sbin.unbound"
}
if command -v apparmor_parser >/dev/null && [ -f "$profile" ] && [ -d /etc/apparmor.d/abstractions ]; then
	mkdir -p "$folder/aa/local"
	cp "$root/doc/system/apparmor-local" "$folder/aa/local/usr.sbin.unbound"
	# An absolute include, so that the one of this folder is meant whatever is installed.
	sed "s|#include <local/usr.sbin.unbound>|#include \"$folder/aa/local/usr.sbin.unbound\"|" "$profile" \
		>"$folder/aa/usr.sbin.unbound"
	claim "the profile includes a local part" grep -q "$folder/aa/local" "$folder/aa/usr.sbin.unbound"
	claim "AppArmor takes the snippet inside Debian's profile" parse "$folder/aa"
	echo "this is no rule" >>"$folder/aa/local/usr.sbin.unbound"
	claim "and would complain about a wrong one" refuses parse "$folder/aa"
else
	skip "AppArmor takes the snippet inside Debian's profile" "no apparmor_parser, or no $profile (apparmor, unbound)"
fi

# --- SELinux

if command -v checkmodule >/dev/null; then
	claim "SELinux's compiler takes the module" checkmodule -M -m -o "$folder/unbound-verdict.mod" \
		"$root/doc/system/unbound-verdict.te"
else
	skip "SELinux's compiler takes the module" "no checkmodule (checkpolicy)"
fi

# --- Unbound

checkconf=${UNBOUND_DIR:-/nonexistent}/unbound-checkconf
if [ -x "$checkconf" ]; then
	{
		printf 'server:\n\tdirectory: "%s"\n\tusername: ""\n\tchroot: ""\n' "$folder"
		printf 'include-toplevel: "%s"\n' "$(realpath "$root/doc/system/unbound.conf.d-verdict.conf")"
	} >"$folder/unbound.conf"
	claim "Unbound takes the snippet" env ASAN_OPTIONS=detect_leaks=0 "$checkconf" "$folder/unbound.conf"
	claim "and the snippet loads the module" [ "$(ASAN_OPTIONS=detect_leaks=0 "$checkconf" -o module-config \
		"$folder/unbound.conf")" = "dynlib validator iterator" ]
else
	skip "Unbound takes the snippet" "no unbound-checkconf (configure --with-unbound)"
fi

echo "1..$n"
