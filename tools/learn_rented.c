/* learn_rented.c: zones below which others rent names, as the Public Suffix List's private section has them. To approve
 * one of these would be to approve all that anybody puts there. */
#include "tools/learn_parts.h"

#include <errno.h>
#include <string.h>

#define LINE_OCTETS_MAX 1024

static void take_rule(struct learn *learn, const char *line)
{
	const char *text = line + (strncmp(line, "*.", 2) == 0 ? 2 : line[0] == '!');
	const size_t octets = strcspn(text, " \t\r\n");
	const uint8_t *zone;
	struct name name;
	unsigned labels;

	if (octets == 0 || name_from_text(&name, text, octets) != NULL)
		return;
	labels = detect_zone_labels(learn->detect, &name);
	if (labels == 0)
		return;
	zone = name_suffix(&name, name.labels - labels);
	evidence_add(learn->rented, zone, (size_t)(name.octets + name.length - zone), 1, 0, 0);
}

int learn_rented(struct learn *learn, struct diag *diag)
{
	const char *path = learn->options.conf->detection.suffixes;
	FILE *file = fopen(path, "re");
	bool is_private = false, failed;
	char line[LINE_OCTETS_MAX];

	if (file == NULL)
		return diag_set(diag, path, 0, 0, "%s", strerror(errno));
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strstr(line, "===BEGIN PRIVATE DOMAINS===") != NULL)
			is_private = true;
		else if (is_private && strncmp(line, "//", 2) != 0)
			take_rule(learn, line);
	}
	failed = ferror(file) != 0;
	fclose(file);
	return failed ? diag_set(diag, path, 0, 0, "cannot be read") : 0;
}
