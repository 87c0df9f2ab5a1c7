#!/bin/sh
# What an interrupt does to a step of quickstart and runtests (tools/setup.sh). TAP.
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
esac
touch "$FOLDER/begun"
sleep 1
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
sleeping() { touch "$FOLDER/begun"; sleep 60 & echo $! >"$FOLDER/sleeper"; wait; }
case $1 in
packages) need_packages some-package ;;
sleeper) step "sleeping" sleeping ;;
esac
END

interrupt() { # what to run: its exit code in `status`
	rm -f "$folder/begun"
	FOLDER=$folder PATH=$folder/bin:$PATH bash "$folder/script" "$1" >"$folder/output" 2>&1 &
	try=0
	while [ ! -e "$folder/begun" ] && [ "$try" -lt 500 ]; do
		sleep 0.02
		try=$((try + 1))
	done
	sleep 0.1
	kill -TERM $!
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
gone() { ! kill -0 "$1" 2>/dev/null; }

refuses() { # path of a checkout
	FOLDER=$1 bash -c 'root=$FOLDER build=$FOLDER; . "$srcdir/tools/setup.sh"; need_plain_paths' >"$folder/output" 2>&1 &&
		return 1
	grep -q "make cannot build" "$folder/output"
}

echo 1..4
interrupt packages
claim "an interrupt never kills dpkg in the middle of its work" test -e "$folder/installed"
claim "and is heard when that is done" test "$status" -eq 143
interrupt sleeper
claim "other steps end at once, with all that they started" gone "$(cat "$folder/sleeper")"
claim "a path that make cannot work in is refused before anything is done" refuses "/tmp/a dir"
