/* sides.c: makes the policy of a claim in each way. */
#include "tests/golden/sides.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/compiled.h"
#include "policy/conf.h"

/* Through a file, with nothing left of the one that it was made of but the configuration. */
static struct snapshot *recompile(const struct conf *conf, const struct snapshot *text, const struct build_report *report,
	struct diag *diag)
{
	const struct compiled_source source = { .inode = 1 };
	const struct compiled_sources sources = { .all = &source, .count = 1 };
	const int fd = memfd_create("policy", MFD_CLOEXEC);
	const struct compiled_order order = { .fd = fd, .path = "compiled", .conf = conf, .sources = &sources };
	struct build_report again = { 0 };
	struct snapshot *snapshot = NULL;
	uint64_t octets;

	if (compiled_write(fd, "compiled", text, report, &sources, &octets, diag) == 0 && lseek(fd, 0, SEEK_SET) == 0)
		snapshot = compiled_read(&order, &again, diag);
	build_report_fini(&again);
	close(fd);
	return snapshot;
}

static bool put_overrides(struct snapshot **side, const struct override *overrides, size_t count)
{
	struct override_set *set = override_set_create(overrides, count);
	struct snapshot *base = *side;

	if (set == NULL)
		return false;
	*side = snapshot_derive(base, set);
	snapshot_destroy(&base);
	return *side != NULL;
}

bool sides_make(struct snapshot *sides[static SIDE_COUNT], const char *conf_path, const struct override *overrides,
	size_t count)
{
	struct build_report report = { 0 };
	struct diag diag = { 0 };
	struct conf *conf = conf_load(conf_path, &diag);
	char text[1024];
	bool good;

	sides[SIDE_TEXT] = conf == NULL ? NULL : snapshot_build(conf, 0, &report, &diag);
	sides[SIDE_COMPILED] = sides[SIDE_TEXT] == NULL ? NULL : recompile(conf, sides[SIDE_TEXT], &report, &diag);
	build_report_fini(&report);
	conf_destroy(&conf);
	if (sides[SIDE_COMPILED] == NULL)
		printf("# %s\n", diag_format(&diag, text, sizeof(text)));
	good = sides[SIDE_COMPILED] != NULL;
	for (unsigned side = 0; good && side < SIDE_COUNT; side++)
		good = put_overrides(&sides[side], overrides, count);
	if (!good)
		sides_fini(sides);
	return good;
}

void sides_fini(struct snapshot *sides[static SIDE_COUNT])
{
	for (unsigned side = 0; side < SIDE_COUNT; side++)
		snapshot_destroy(&sides[side]);
}
