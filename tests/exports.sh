#!/bin/sh
# The library must export the six names that Unbound looks up and nothing else.
library="${builddir:-.}/.libs/unbound-verdict.so"
echo 1..2
if [ ! -f "$library" ]; then
	echo "ok 1 # SKIP the module was not built (configure --with-unbound)"
	echo "ok 2 # SKIP the module was not built (configure --with-unbound)"
	exit 0
fi
want="clear deinit get_mem init inform_super operate"
have=$(${NM:-nm} -D --defined-only "$library" | awk '{ print $3 }' | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//')
want=$(echo $want | tr ' ' '\n' | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//')
if [ "$have" = "$want" ]; then echo "ok 1 - exports the six names only"; else echo "not ok 1 - exports the six names only"; echo "# $have"; fi
flags=$(readelf -d "$library")
if echo "$flags" | grep -q NODELETE && echo "$flags" | grep -qE 'NOW|BIND_NOW'; then
	echo "ok 2 - linked with -z now and -z nodelete"
else
	echo "not ok 2 - linked with -z now and -z nodelete"; echo "$flags" | sed 's/^/# /'
fi
