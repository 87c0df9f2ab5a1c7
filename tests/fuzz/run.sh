#!/bin/sh
# run.sh TARGET SOURCE...: builds tests/fuzz/fuzz_TARGET.c with libFuzzer and runs it for FUZZ_SECONDS, beginning with
# its corpus. New inputs and crashes stay in the build directory. `make fuzz` calls it.
set -eu
target=$1
shift
if [ -z "${CLANG:-}" ]; then
	echo "clang is missing; on Debian: apt-get install clang libclang-rt-14-dev" >&2
	exit 1
fi
out=$(pwd)/fuzz/$target
mkdir -p "$out/found"
sources=$(printf '%s\n' "$@" | grep -v '\.h$')   # what lists sources for automake lists headers too
echo "fuzz_$target: building"
(cd "$srcdir" && $CLANG -g -O1 -std=gnu11 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
	-D_GNU_SOURCE -I. -I"$builddir" $FUZZ_CPPFLAGS -o "$out/fuzz_$target" "tests/fuzz/fuzz_$target.c" $sources $FUZZ_LIBS)
corpus=$srcdir/tests/fuzz/corpus/$target
dictionary=$srcdir/tests/fuzz/$target.dict
echo "fuzz_$target: running for ${FUZZ_SECONDS:=60} s"
cd "$out"
log=$out/log
if ./fuzz_"$target" -max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=1024 -max_len=8192 \
	$([ -f "$dictionary" ] && echo "-dict=$dictionary") "$out/found" "$corpus" >"$log" 2>&1; then
	echo "fuzz_$target: nothing found; $(grep -c . "$log") lines in $log, $(ls "$out/found" | wc -l) new inputs"
else
	tail -n 40 "$log" >&2
	echo "fuzz_$target: FOUND something, see $log and the files in $out" >&2
	exit 1
fi
