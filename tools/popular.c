/* popular.c: asks the policy about each name of a file. */
#include "tools/popular.h"

#include <stdlib.h>
#include <string.h>

#include "policy/conf.h"
#include "policy/evaluate.h"
#include "policy/file.h"
#include "policy/list_entry.h"
#include "policy/unpack.h"

/* The name in a line: what is behind the last separator, when there is one. One label is a header, and an address is
 * no name. */
static bool read_name(struct name *name, const char *text, const char *end)
{
	const char *at = text;

	while (end > text && (end[-1] == '\r' || end[-1] == ' ' || end[-1] == '"'))
		end--;
	for (; at < end; at++)
		if (*at == ',' || *at == '\t' || *at == ' ')
			text = at + 1;
	while (text < end && *text == '"')
		text++;
	return text < end && list_read_name(name, text, end) == SKIP_COUNT && name->labels > 1;
}

static void keep_hit(struct popular *popular, const struct popular_hit *hit)
{
	if (popular->hit_count < POPULAR_HITS_MAX)
		popular->hits[popular->hit_count] = *hit;
	popular->hit_count++;
}

/* What is in shadow counts by itself: whoever tries a list so wants to know what it would do. */
static void judge(struct popular *popular, const struct snapshot *snapshot, const struct name *name, size_t line)
{
	struct facts facts = { .transport = TRANSPORT_UDP, .qname = *name, .qtype = 1, .qclass = 1,
		.recursion_desired = true };
	struct verdict verdict;
	bool denied, in_shadow;

	evaluate_question(snapshot, &facts, &verdict);
	denied = action_table[verdict.action].denies;
	in_shadow = !denied && verdict.shadow.trigger != TRIGGER_NONE && action_table[verdict.shadow.action].denies;
	popular->names++;
	popular->denied += denied;
	popular->shadow_denied += in_shadow;
	if (in_shadow)
		keep_hit(popular, &(struct popular_hit){ line, *name, verdict.shadow, false, true });
	else if (verdict.rule.trigger != TRIGGER_NONE)
		keep_hit(popular, &(struct popular_hit){ line, *name, verdict.rule, denied, false });
}

static size_t read_text(const char *text, const char *end, popular_take take, void *arg, size_t *unreadable)
{
	size_t line = 0, names = 0;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline != NULL ? newline : end;
		struct name name;

		line++;
		if (read_name(&name, text, stop)) {
			names++;
			take(arg, &name, line);
		} else if (line > 1 && text < stop && *text != '#') {
			(*unreadable)++;
		}
		text = stop + 1;
	}
	return names;
}

int popular_read(const char *path, popular_take take, void *arg, size_t *unreadable, struct diag *diag)
{
	struct file_text text = { .octets = NULL };
	const char *wrong = file_load(&text, path, LIST_OCTETS_MAX);

	*unreadable = 0;
	if (wrong == NULL)
		wrong = unpack(&text, LIST_OCTETS_MAX);
	if (wrong == NULL && read_text(text.octets, text.octets + text.length, take, arg, unreadable) == 0)
		wrong = "has no names: one on each line, alone or as `rank,name`";
	file_release(&text);
	return wrong == NULL ? 0 : diag_set(diag, path, 0, 0, "%s", wrong);
}

struct judging {
	struct popular *popular;
	const struct snapshot *snapshot;
};

static void judge_name(void *arg, const struct name *name, size_t line)
{
	const struct judging *judging = arg;

	judge(judging->popular, judging->snapshot, name, line);
}

int popular_judge(struct popular *popular, const char *path, const struct snapshot *snapshot, struct diag *diag)
{
	struct judging judging = { popular, snapshot };

	*popular = (struct popular){ .hits = calloc(POPULAR_HITS_MAX, sizeof(*popular->hits)) };
	if (popular->hits == NULL)
		return diag_set(diag, path, 0, 0, "out of memory");
	if (popular_read(path, judge_name, &judging, &popular->unreadable, diag) == 0)
		return 0;
	popular_fini(popular);
	return -1;
}

void popular_fini(struct popular *popular)
{
	free(popular->hits);
	*popular = (struct popular){ .hits = NULL };
}
