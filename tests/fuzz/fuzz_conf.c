/* fuzz_conf.c: any octets as a configuration: refused with a place and a text, or a configuration that is sound. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->list_count; i++) {
		const struct list_conf *list = &conf->lists[i];

		if (list->file == NULL || *list->name == '\0' || (unsigned)list->format >= FORMAT_COUNT ||
		    (unsigned)list->action >= ACTION_COUNT || list->ttl > 86400 ||
		    list->sinkhole_count > CONF_ADDRESSES_MAX ||
		    (list->action == ACTION_SINKHOLE) != (list->sinkhole_count > 0 || list->sinkhole_name.length > 0))
			abort();
	}
	if (conf->dnstap.ring_octets < 65536 || (conf->dnstap.ring_octets & (conf->dnstap.ring_octets - 1)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diag diag = { .line = 0 };
	struct conf *conf;
	char path[64];
	int fd;

	/* What other files hold is no part of the input. */
	if (memmem(data, size, "include", 7) != NULL)
		return 0;
	fd = memfd_create("conf", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	conf = conf_load(path, &diag);
	if (conf != NULL)
		check(conf);
	else if (*diag.text == '\0' || strcmp(diag.file, path) != 0)
		abort();
	conf_destroy(&conf);
	close(fd);
	return 0;
}
