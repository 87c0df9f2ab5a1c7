/* list_cidr.c: addresses and networks, one on a line; what stands behind them is a comment or another column. */
#include "policy/list_entry.h"
#include "policy/list_token.h"

static int read_line(struct list_reader *reader, const struct list_line *line, struct rule *rule)
{
	const char *text = token_skip_blanks(line->text, line->end), *end = text;
	enum skip_reason reason = SKIP_SYNTAX;

	if (token_is_comment(text, line->end))
		return 0;
	while (!token_is_comment(end, line->end) && !token_is_blank(*end))
		end++;
	if (token_is_comment(token_skip_blanks(end, line->end), line->end))
		reason = list_read_network(rule, text, end);
	if (reason == SKIP_COUNT) {
		rule->line = line->number;
		return list_emit(reader, rule);
	}
	list_skip(reader, reason, line->number, line->text);
	return 0;
}

int list_read_cidr(struct list_reader *reader)
{
	struct rule rule = { .trigger = reader->trigger, .action = ACTION_ALLOW };
	struct list_line line;

	while (list_next_entry(reader, &line))
		if (read_line(reader, &line, &rule) != 0)
			return -1;
	return 0;
}
