#!/bin/sh
# Fails when an include points the wrong way: policy <- detect, dnstap <- control <- module, tools; dnstap <- store <- tools;
# only module/ knows Unbound.
cd "${srcdir:-.}" || exit 99
echo 1..7
n=0
check() { # claim, files, pattern of includes that must not be there
	n=$((n + 1))
	found=$(grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]+\"($3)" $2 /dev/null 2>/dev/null)
	if [ -z "$found" ]; then echo "ok $n - $1"; else echo "not ok $n - $1"; echo "$found" | sed 's/^/# /'; fi
}
check "policy includes policy only" "policy/*.[ch]" "detect/|dnstap/|control/|module/|store/|tools/|util/|services/|daemon/|config\.h"
check "detect includes policy's values, never what is loaded or configured" "detect/*.[ch]" \
	"dnstap/|control/|module/|store/|tools/|util/|services/|daemon/|config\.h|policy/(conf|list|set|snapshot|evaluate|explain)"
check "dnstap knows verdict, facts and what they include, nothing else of policy" "dnstap/*.[ch]" \
	"detect/|control/|module/|store/|tools/|util/|services/|daemon/|config\.h|policy/(conf|list|set|hash|snapshot|evaluate|explain|epoch|local_data)"
check "control includes policy and dnstap, never module" "control/*.[ch]" "module/|store/|tools/|util/|services/|daemon/|config\.h"
check "store knows policy's and dnstap's values alone" "store/*.[ch]" \
	"detect/|control/|module/|tools/|util/|services/|daemon/|config\.h|policy/(conf|list|set|snapshot|evaluate|explain|epoch)"
check "tools never include module" "tools/*.[ch]" "module/|util/|services/|daemon/|config\.h"
check "only module includes Unbound" "policy/*.[ch] detect/*.[ch] dnstap/*.[ch] store/*.[ch] control/*.[ch] tools/*.[ch] tests/*/*.[ch]" \
	"util/|services/|daemon/|sldns/|iterator/|validator/|dynlibmod/|config\.h"
