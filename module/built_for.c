/* built_for.c: what this library fits, for a check that only reads the file (`verdictctl check --unbound`). */
#include "module/unbound.h"

#include "module/built_for.h"

#ifdef CONFCMDLINE
#define CONFIGURED CONFCMDLINE
#else
#define CONFIGURED ""
#endif

/* Nothing refers to it, and it has to outlive an optimising linker. */
const char built_for[] __attribute__((used)) = BUILT_FOR_PREFIX PACKAGE_STRING "\n" CONFIGURED;
