/* held_load.c: a gate in front of edition_load. */
#include "tests/unit/held_load.h"

#include <stdatomic.h>
#include <unistd.h>

#include "control/edition.h"

#define PATIENCE_MS 60000u

static _Atomic bool shut;
static _Atomic unsigned standing;

struct edition *__real_edition_load(const struct edition_order *order, struct load_report *report,
	struct edition_files *files, struct diag *diag);
struct edition *__wrap_edition_load(const struct edition_order *order, struct load_report *report,
	struct edition_files *files, struct diag *diag);

struct edition *__wrap_edition_load(const struct edition_order *order, struct load_report *report,
	struct edition_files *files, struct diag *diag)
{
	standing++;
	for (unsigned ms = 0; shut && ms < PATIENCE_MS; ms++)
		usleep(1000);
	standing--;
	return __real_edition_load(order, report, files, diag);
}

void held_load_shut(void)
{
	shut = true;
}

bool held_load_stands(void)
{
	for (unsigned ms = 0; ms < PATIENCE_MS && standing == 0; ms++)
		usleep(1000);
	return standing > 0;
}

bool held_load_open(void)
{
	const bool stood = standing > 0;

	shut = false;
	return stood;
}
