/* temp_file.h: a file with given octets for the length of one test. */
#ifndef TESTS_UNIT_TEMP_FILE_H
#define TESTS_UNIT_TEMP_FILE_H

#include <stddef.h>

#define TEMP_PATH_MAX 128

/* Makes a file and writes its path to `path` of TEMP_PATH_MAX. Returns `path`; ends the program when it cannot. */
char *temp_file(char *path, const void *octets, size_t length);

/* A folder; remove it with rmdir. */
char *temp_folder(char *path);

#endif
