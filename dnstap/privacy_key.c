/*
 * privacy_key.c: the key of pseudonyms is kept in a file.
 */
#include "dnstap/privacy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/rand.h>

#define KEY_DIGITS (2 * PRIVACY_KEY_OCTETS)
#define KEY_MODE 0640

static int digit(char octet)
{
	return octet >= '0' && octet <= '9' ? octet - '0' : octet >= 'a' && octet <= 'f' ? octet - 'a' + 10 : -1;
}

/* A line break may stand behind it. */
static bool parse(const char *text, size_t length, uint8_t key[PRIVACY_KEY_OCTETS])
{
	size_t i;

	if (length != KEY_DIGITS && !(length == KEY_DIGITS + 1 && text[KEY_DIGITS] == '\n'))
		return false;
	for (i = 0; i < KEY_DIGITS; i++)
		if (digit(text[i]) < 0)
			return false;
	for (i = 0; i < PRIVACY_KEY_OCTETS; i++)
		key[i] = (uint8_t)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
	return true;
}

static int read_key(int fd, const char *path, uint8_t key[PRIVACY_KEY_OCTETS], struct diag *diag)
{
	char text[KEY_DIGITS + 2];
	struct stat status;
	ssize_t octets;

	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
		return diag_set(diag, path, 0, 0, "is no file");
	/* Who has it can undo the pseudonyms, and who can change it knows them beforehand. */
	if ((status.st_mode & 037) != 0)
		return diag_set(diag, path, 0, 0, "others can read or change it; its mode should be 0640 or less");
	octets = read(fd, text, sizeof(text));
	if (octets < 0 || !parse(text, (size_t)octets, key))
		return diag_set(diag, path, 0, 0, "should be 32 hexadecimal digits; without the file a new key is made");
	return 0;
}

/* -1 with errno; what another process has made meanwhile stays. */
static int write_key(const char *path, const uint8_t key[PRIVACY_KEY_OCTETS])
{
	char text[KEY_DIGITS + 2], *fresh = NULL;
	int fd = -1, result = -1, error;
	size_t i;

	for (i = 0; i < PRIVACY_KEY_OCTETS; i++)
		snprintf(text + 2 * i, sizeof(text) - 2 * i, "%02x\n", key[i]);
	if (asprintf(&fresh, "%s.%ld", path, (long)getpid()) < 0)
		return -1;
	/* Of one that was killed here: in a container all have the same number. */
	if (unlink(fresh) == 0 || errno == ENOENT)
		fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && write(fd, text, KEY_DIGITS + 1) == KEY_DIGITS + 1 && fchmod(fd, KEY_MODE) == 0 && fsync(fd) == 0)
		result = link(fresh, path);
	error = errno;
	if (fd >= 0) {
		close(fd);
		unlink(fresh);
	}
	free(fresh);
	errno = error;
	return result;
}

/* 1: there is none. */
static int load(const char *path, uint8_t key[PRIVACY_KEY_OCTETS], struct diag *diag)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), result;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 1 : diag_set(diag, path, 0, 0, "%m");
	result = read_key(fd, path, key, diag);
	close(fd);
	return result;
}

int privacy_key_read(const char *path, uint8_t key[PRIVACY_KEY_OCTETS], struct diag *diag)
{
	int result = load(path, key, diag);

	return result == 1 ? diag_set(diag, path, 0, 0, "there is no such file") : result;
}

int privacy_key_load(const char *directory, uint8_t key[PRIVACY_KEY_OCTETS], struct diag *diag)
{
	char *path = NULL;
	int result;

	if (asprintf(&path, "%s/" PRIVACY_KEY_FILE, directory) < 0)
		return diag_set(diag, directory, 0, 0, "out of memory");
	result = load(path, key, diag);
	if (result == 1 && RAND_bytes(key, PRIVACY_KEY_OCTETS) != 1)
		result = diag_set(diag, path, 0, 0, "no random numbers for a key");
	else if (result == 1 && write_key(path, key) == 0)
		result = 0;
	else if (result == 1 && errno == EEXIST)
		result = load(path, key, diag);
	free(path);
	return result;
}
