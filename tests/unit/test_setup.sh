#!/bin/sh
# What an interrupt does to a step of quickstart and runtests, and which Unbound they build (tools/setup.sh). TAP.
# Packages are "installed" by stand-ins for apt-get and dpkg-query in a folder of our own.

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/bin"
cat >"$folder/bin/dpkg-query" <<'END'
#!/bin/sh
[ -e "$FOLDER/installed" ] && echo installed
END
cat >"$folder/bin/apt-get" <<'END'
#!/bin/sh
case " $* " in
*" --download-only "*) exit 0 ;;
*" indextargets "*)
	cat <<'TARGETS'
Debian main https://mirror.example/debian/ oldname
Debian contrib https://mirror.example/debian/ oldname
Debian main https://mirror.example/debian/ oldname-updates
Debian main https://security.example/debian-security/ oldname-security
Somebody main https://other.example/ oldname
TARGETS
	exit 0
	;;
esac
touch "$FOLDER/begun"
while [ ! -e "$FOLDER/interrupted" ]; do sleep 0.02; done
sleep 0.1
touch "$FOLDER/installed"
END
printf '#!/bin/sh\necho 0\n' >"$folder/bin/id"
chmod +x "$folder/bin/"*

cat >"$folder/script" <<'END'
set -euo pipefail
root=$FOLDER build=$FOLDER/build
. "$srcdir/tools/setup.sh"
trap step_stop EXIT
trap 'exit 143' TERM
sleeping() { sleep 600 & echo $! >"$FOLDER/sleeper"; touch "$FOLDER/begun"; wait; }
case $1 in
packages) need_packages some-package ;;
sleeper) step "sleeping" sleeping ;;
esac
END

interrupt() { # what to run: its exit code in `status`
	rm -f "$folder/begun" "$folder/interrupted"
	FOLDER=$folder PATH=$folder/bin:$PATH bash "$folder/script" "$1" >"$folder/output" 2>&1 &
	try=0
	while [ ! -e "$folder/begun" ] && [ "$try" -lt 3000 ]; do
		sleep 0.02
		try=$((try + 1))
	done
	kill -TERM $!
	touch "$folder/interrupted"
	wait $!
	status=$?
}

number=0
claim() { # title, command...
	title=$1
	shift
	number=$((number + 1))
	if "$@"; then echo "ok $number - $title"; else echo "not ok $number - $title"; sed 's/^/# /' "$folder/output"; fi
}
gone() { # pid; who was killed may take a moment to go, and to be reaped
	try=0
	while kill -0 "$1" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$1/status" && [ "$try" -lt 1000 ]; do
		sleep 0.02
		try=$((try + 1))
	done
	[ -n "$1" ] && [ "$try" -lt 1000 ]
}

refuses() { # path of a checkout
	FOLDER=$1 bash -c 'root=$FOLDER build=$FOLDER; . "$srcdir/tools/setup.sh"; need_plain_paths' >"$folder/output" 2>&1 &&
		return 1
	grep -q "make cannot build" "$folder/output"
}

with_setup() { # commands: run by bash in a checkout without anything
	FOLDER=$folder PATH=$folder/bin:$PATH bash -c 'set -euo pipefail; root=$FOLDER build=$FOLDER/build
		. "$srcdir/tools/setup.sh"; '"$1" >"$folder/output" 2>&1
}
prints() { # commands, what they print
	with_setup "$1" && [ "$(cat "$folder/output")" = "$2" ]
}

echo 1..12
interrupt packages
claim "an interrupt never kills dpkg in the middle of its work" test -e "$folder/installed"
claim "and is heard when that is done" test "$status" -eq 143
interrupt sleeper
claim "other steps end at once, with all that they started" gone "$(cat "$folder/sleeper")"
claim "a path that make cannot work in is refused before anything is done" refuses "/tmp/a dir"

claim "another release comes from the machine's own mirror, without suites that change" \
	prints 'debian_mirrors_of newname' 'https://mirror.example/debian/ newname main'
claim "its own release comes from all suites" prints 'debian_mirrors_of "" | wc -l' 3

# An Unbound is a header here, and building one leaves a line.
mkdir "$folder/tree"
cat >"$folder/fakes" <<'END'
unbound_usable() { [ -f "$1/made-from" ]; }
unbound_build_asan() { mkdir -p "$1"; unbound_identity "$UNBOUND_TREE" >"$1/made-from"; echo built >>"$FOLDER/built"; }
UNBOUND_TREE=$FOLDER/tree
echo 'srcdir = .' >"$UNBOUND_TREE/Makefile"
release() { echo "#define PACKAGE_VERSION \"$1\"" >"$UNBOUND_TREE/config.h"; }
END
builds() { # how often, commands
	rm -rf "$folder/built" "$folder/build"
	: >"$folder/built"
	with_setup '. "$FOLDER/fakes"; '"$2" && [ "$(wc -l <"$folder/built")" -eq "$1" ]
}
claim "an Unbound with AddressSanitizer is built once" builds 1 'release 1.0; need_unbound_asan; need_unbound_asan'
claim "and again for another version" builds 2 'release 1.0; need_unbound_asan; release 1.1; need_unbound_asan'

# The project: configure counts its runs.
cat >"$folder/configure" <<'END'
#!/bin/sh
echo 'all:' >Makefile
echo configured >>"$FOLDER/built"
END
chmod +x "$folder/configure"
touch "$folder/Makefile.in"
claim "the project is configured again for another Unbound in the same place" builds 2 \
	'for version in 1.0 1.0 1.1; do (release $version; project_build $build all --with-unbound=$UNBOUND_TREE); done'

# An installed Unbound with dynlib, whose source an archive has or has not.
cat >"$folder/archive" <<'END'
apt_source_prepare() { echo looked >>"$FOLDER/built"; }
apt_source() { [ "$in_archive" = yes ]; }
need_packages() { :; }
mkdir -p "$unbound_cache"
installed_version=1.0-1+verdict1
END
claim "the source of the installed Unbound is taken where the archive has it" builds 1 \
	'unbound_cache=$FOLDER/cache1; in_archive=yes; . "$FOLDER/archive"; unbound_source_or_archive; [ "$installed_version" ]'
claim "else the archive's own is, once and for all" builds 1 \
	'unbound_cache=$FOLDER/cache2; in_archive=no; . "$FOLDER/archive"; unbound_source_or_archive; [ -z "$installed_version" ]
	. "$FOLDER/archive"; unbound_source_or_archive; [ -z "$installed_version" ]'
claim "and that is said" grep -q "1.0-1+verdict1 is not in Debian's archive" "$folder/output"
