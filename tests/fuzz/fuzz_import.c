/* fuzz_import.c: any octets as named.conf, unbound.conf, config.xml or something of a Pi-hole's, by the first octet:
 * refused with a text, or a configuration of whole lines. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static void import_one(const struct import_source *source, const char *path)
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
	import_fini(&import, true);
}

/* What the file is called, and who reads it. */
static const struct {
	const char *name;
	unsigned source;
} inputs[8] = {
	{ "named.conf", 0 }, { "unbound.conf", 1 }, { "gravity.db", 2 }, { "config.xml", 3 }, { "custom.list", 2 },
	{ "pihole.toml", 2 }, { "05-pihole-custom-cname.conf", 2 }, { "adlists.list", 2 },
};

static void write_file(const char *path, const uint8_t *octets, size_t size)
{
	FILE *file = fopen(path, "w");

	if (file == NULL || fwrite(octets, 1, size, file) != size || fclose(file) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	char path[64];
	unsigned input;

	/* What other files hold is no part of the input. */
	if (size == 0 || memmem(data, size, "include", 7) != NULL || memmem(data, size, "INCLUDE", 7) != NULL)
		return 0;
	if (!ready && (mkdtemp(folder) == NULL || atexit(remove_folder) != 0))
		abort();
	ready = true;
	input = data[0] & 7;
	snprintf(path, sizeof(path), "%s/%s", folder, inputs[input].name);
	write_file(path, data + 1, size - 1);
	import_one(&import_sources[inputs[input].source], path);
	empty_folder();
	return 0;
}
