/* directory.c: a directory of a test's own. */
#include "tests/unit/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct directory directory_make(void)
{
	struct directory directory = { .path = "/tmp/verdict-test.XXXXXX" };

	assert_non_null(mkdtemp(directory.path));
	directory.fd = open(directory.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(directory.fd >= 0);
	return directory;
}

void directory_remove(struct directory *directory)
{
	DIR *entries = fdopendir(directory->fd);
	struct dirent *entry;

	assert_non_null(entries);
	rewinddir(entries);
	while ((entry = readdir(entries)) != NULL)
		if (unlinkat(directory->fd, entry->d_name, 0) != 0)
			unlinkat(directory->fd, entry->d_name, AT_REMOVEDIR);
	closedir(entries);
	rmdir(directory->path);
}

void directory_forget(struct directory *directory, const char *name)
{
	unlinkat(directory->fd, name, 0);
}

static struct stat status_of(struct directory *directory, const char *name)
{
	struct stat status;

	assert_int_equal(fstatat(directory->fd, name, &status, AT_SYMLINK_NOFOLLOW), 0);
	return status;
}

unsigned directory_mode(struct directory *directory, const char *name)
{
	return status_of(directory, name).st_mode & 07777;
}

off_t directory_size(struct directory *directory, const char *name)
{
	return status_of(directory, name).st_size;
}

void directory_poke(struct directory *directory, const char *name, off_t offset, uint8_t octet)
{
	int fd = openat(directory->fd, name, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &octet, 1, offset), 1);
	close(fd);
}

void directory_write(struct directory *directory, const char *name, off_t offset, const void *octets, size_t count)
{
	int fd = openat(directory->fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, octets, count, offset), count);
	close(fd);
}

void directory_cut(struct directory *directory, const char *name, off_t size)
{
	int fd = openat(directory->fd, name, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

unsigned directory_count(struct directory *directory, const char *prefix)
{
	DIR *entries = opendir(directory->path);
	struct dirent *entry;
	unsigned count = 0;

	assert_non_null(entries);
	while ((entry = readdir(entries)) != NULL)
		count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	closedir(entries);
	return count;
}

void directory_poke_where(struct directory *directory, const char *name, uint32_t value, unsigned nth, uint8_t octet)
{
	off_t size = directory_size(directory, name), at;
	int fd = openat(directory->fd, name, O_RDONLY | O_CLOEXEC);
	uint32_t number;

	assert_true(fd >= 0);
	for (at = 0; at + 4 <= size; at += 4) {
		assert_int_equal(pread(fd, &number, 4, at), 4);
		if (number == value && nth-- == 0)
			break;
	}
	close(fd);
	assert_true(at + 4 <= size);
	directory_poke(directory, name, at + 2, octet);
}
