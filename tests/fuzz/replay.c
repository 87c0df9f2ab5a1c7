/* replay.c: runs every file of a fuzz target's corpus through the target, without libFuzzer; speaks TAP. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILE_OCTETS_MAX (1 << 20)

static int is_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Runs one file; false when it cannot be read. What the target finds ends the program. */
static int replay(const char *folder, const char *name)
{
	char path[4096];
	uint8_t *data = malloc(FILE_OCTETS_MAX);
	FILE *file = NULL;
	size_t size;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path))
		file = fopen(path, "rb");
	if (file == NULL || data == NULL) {
		free(data);
		return 0;
	}
	size = fread(data, 1, FILE_OCTETS_MAX, file);
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 1;
}

int main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir");
	struct dirent **entries;
	char folder[4096];
	int count, i;

	snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s", srcdir != NULL ? srcdir : ".", FUZZ_TARGET);
	count = scandir(argc > 1 ? argv[1] : folder, &entries, is_file, alphasort);
	printf("1..%d\n", count > 0 ? count : 1);
	if (count <= 0)
		printf("not ok 1 - there is a corpus in %s\n", folder);
	for (i = 0; i < count; i++) {
		/* Before the run: a crash leaves the name as the last line. */
		printf("# %s\n", entries[i]->d_name);
		fflush(stdout);
		printf("%sok %d - takes %s/%s\n",
			replay(argc > 1 ? argv[1] : folder, entries[i]->d_name) ? "" : "not ",
			i + 1, FUZZ_TARGET, entries[i]->d_name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return count <= 0;
}
