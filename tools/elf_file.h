/*
 * elf_file.h: texts and dynamic symbols of a program or shared library, read from its file.
 *
 * The file may be damaged or hostile: every offset, count and name is bounded by what was read, nothing of it is run or
 * mapped, and work is linear in its size. Only files of this machine's own word size and octet order are taken; section
 * headers must be there (distributions keep them).
 *
 * Ownership: a struct elf_file owns what it has read until elf_close; texts and names that come out are borrowed from
 * it. Threads: no shared state.
 */
#ifndef TOOLS_ELF_FILE_H
#define TOOLS_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/file.h"

#define ELF_OCTETS_MAX ((size_t)128 << 20)
#define ELF_SYMBOLS_MAX ((size_t)1 << 17)
#define ELF_TEXT_MAX ((size_t)16 << 10)    /* longer texts are passed over */

/* A range of the file that lies inside it. */
struct elf_range {
	size_t offset, octets;
};

struct elf_file {
	struct file_text text;
	uint16_t machine;
	uint64_t program_offset;
	uint16_t program_count;
	struct elf_range symbols, names, versions;   /* of the dynamic symbol table; `versions` may be empty */
	size_t symbol_count;
};

/* NULL on success: *file needs elf_close. Else a constant text for people, and *file is untouched. */
const char *elf_open(struct elf_file *file, const char *path);
void elf_close(struct elf_file *file);

/* The same for octets in memory: *text is borrowed until elf_parse's *file is no longer used; no elf_close. */
const char *elf_parse(struct elf_file *file, const struct file_text *text);

/* Calls `visit` for every NUL-terminated text in a segment that is read and never written, when it holds `needle`;
 * once for each text. Ends early when `visit` returns true, and returns that. */
bool elf_texts(const struct elf_file *file, const char *needle,
	bool (*visit)(void *arg, const char *text, size_t length), void *arg);

struct elf_symbol {
	const char *name;
	bool defined;      /* here; else it is looked for elsewhere when the file is loaded */
	bool weak;
	bool versioned;    /* names the one library that it comes from */
};

/* The symbol at `index` below symbol_count. False: its name lies outside the file, or it is local. */
bool elf_symbol(const struct elf_file *file, size_t index, struct elf_symbol *symbol);

#endif
