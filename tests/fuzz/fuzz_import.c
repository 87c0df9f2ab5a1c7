/* fuzz_import.c: any octets as named.conf or unbound.conf, by the first octet: refused with a text, or a
 * configuration of whole lines. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/verdict-fuzz.XXXXXX";

/* Lists that were made. */
static void empty_folder(void)
{
	DIR *all = opendir(folder);
	const struct dirent *entry;

	while (all != NULL && (entry = readdir(all)) != NULL)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(all), entry->d_name, 0);
	if (all != NULL)
		closedir(all);
}

static void remove_folder(void)
{
	empty_folder();
	rmdir(folder);
}

static void import_file(const struct import_source *source, const char *path)
{
	struct import import = { .folder = folder };
	struct diag diag = { .line = 0 };
	char *text = NULL;
	size_t length = 0;
	int code;

	import.conf = open_memstream(&text, &length);
	if (import.conf == NULL)
		abort();
	code = source->read(&import, path, &diag);
	if (fclose(import.conf) != 0 || (code != 0 && *diag.text == '\0') || (length > 0 && text[length - 1] != '\n'))
		abort();
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] > '~' || (text[i] < ' ' && text[i] != '\n' && text[i] != '\t'))
			abort();
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	char path[64];
	int fd;

	/* What other files hold is no part of the input. */
	if (size == 0 || memmem(data, size, "include", 7) != NULL || memmem(data, size, "INCLUDE", 7) != NULL)
		return 0;
	if (!ready && (mkdtemp(folder) == NULL || atexit(remove_folder) != 0))
		abort();
	ready = true;
	fd = memfd_create("import", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)size - 1)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	import_file(&import_sources[data[0] & 1], path);
	close(fd);
	empty_folder();
	return 0;
}
