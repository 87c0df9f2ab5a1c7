/* audit.c: writing lines of the audit file. */
#include "control/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "control/override_file.h"
#include "control/quote.h"

#define FILE_MODE 0640

char *audit_time(int64_t seconds, char *to)
{
	const time_t when = (time_t)seconds;
	struct tm broken;

	if (gmtime_r(&when, &broken) == NULL || strftime(to, AUDIT_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &broken) == 0)
		snprintf(to, AUDIT_TIME_MAX, "%lld", (long long)seconds);
	return to;
}

size_t audit_add(char *line, size_t used, const char *key, const char *value)
{
	const size_t length = strlen(key);

	if (length + 8 >= AUDIT_LINE_MAX - used)
		return used;
	line[used++] = ' ';
	memcpy(line + used, key, length);
	used += length;
	line[used++] = '=';
	return used + quote_value(line + used, AUDIT_LINE_MAX - used, value);
}

char *audit_override(const char *verb, const struct override *override, const char *who, const char *why, char *to)
{
	char name[NAME_TEXT_MAX], client[OVERRIDE_CLIENT_MAX], until[AUDIT_TIME_MAX];
	size_t used = (size_t)snprintf(to, AUDIT_LINE_MAX, "%s id=%llu", verb, (unsigned long long)override->id);

	override_client_text(&override->client, client);
	used = audit_add(to, used, "action", override_verb(override));
	used = audit_add(to, used, "name", name_to_text(&override->name, name));
	used = audit_add(to, used, "client", *client != '\0' ? client : "everybody");
	used = audit_add(to, used, "until", audit_time(override->until, until));
	used = audit_add(to, used, "who", who);
	if (why != NULL && *why != '\0')
		audit_add(to, used, "why", why);
	return to;
}

int audit_append(const char *path, int64_t now, const char *line, struct diag *diag)
{
	char text[AUDIT_TIME_MAX + AUDIT_LINE_MAX + 2], when[AUDIT_TIME_MAX];
	const int length = snprintf(text, sizeof(text), "%s %s\n", audit_time(now, when), line);
	/* Without O_NONBLOCK a FIFO in its place would wait for a reader. */
	const int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, FILE_MODE);
	ssize_t written;

	if (fd < 0)
		return diag_set(diag, path, 0, 0, "the audit log cannot be opened: %m");
	written = write(fd, text, (size_t)length);
	if (written != length)
		diag_set(diag, path, 0, 0, "the audit log cannot be written: %s",
			written < 0 ? strerror(errno) : "no room");
	close(fd);
	return written == length ? 0 : -1;
}
