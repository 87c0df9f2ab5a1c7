/* elf_file.c: texts and dynamic symbols of a program or shared library, read from its file. */
#include "tools/elf_file.h"

#include <elf.h>
#include <link.h>
#include <string.h>

#if __ELF_NATIVE_CLASS == 64
#define NATIVE_CLASS ELFCLASS64
#define SYMBOL_BIND ELF64_ST_BIND
#else
#define NATIVE_CLASS ELFCLASS32
#define SYMBOL_BIND ELF32_ST_BIND
#endif
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_ORDER ELFDATA2LSB
#else
#define NATIVE_ORDER ELFDATA2MSB
#endif

#define SECTIONS_MAX 4096u
/* A symbol's version: 0 is local, 1 the global one without a version; the highest bit hides it. */
#define VERSION_MASK 0x7fffu

/* Copies, since nothing says that it lies where the machine could read it. */
static bool copy_at(const struct file_text *text, uint64_t offset, void *to, size_t octets)
{
	if (offset > text->length || octets > text->length - (size_t)offset)
		return false;
	memcpy(to, text->octets + offset, octets);
	return true;
}

static bool range_set(const struct file_text *text, const ElfW(Shdr) *section, struct elf_range *range)
{
	if (section->sh_type == SHT_NOBITS || section->sh_offset > text->length ||
	    section->sh_size > text->length - (size_t)section->sh_offset)
		return false;
	*range = (struct elf_range){ (size_t)section->sh_offset, (size_t)section->sh_size };
	return true;
}

static bool section_at(const struct file_text *text, const ElfW(Ehdr) *header, unsigned index, ElfW(Shdr) *section)
{
	return index < header->e_shnum && header->e_shoff <= text->length &&
		copy_at(text, (uint64_t)header->e_shoff + (uint64_t)index * sizeof(*section), section, sizeof(*section));
}

static const char *symbols_set(struct elf_file *file, const ElfW(Ehdr) *header, const ElfW(Shdr) *section)
{
	ElfW(Shdr) names;

	if (section->sh_entsize != sizeof(ElfW(Sym)) || !range_set(&file->text, section, &file->symbols) ||
	    !section_at(&file->text, header, section->sh_link, &names) ||
	    names.sh_type != SHT_STRTAB || !range_set(&file->text, &names, &file->names))
		return "its dynamic symbols are damaged";
	file->symbol_count = file->symbols.octets / sizeof(ElfW(Sym));
	return file->symbol_count <= ELF_SYMBOLS_MAX ? NULL : "it has too many dynamic symbols";
}

static const char *sections_read(struct elf_file *file, const ElfW(Ehdr) *header)
{
	ElfW(Shdr) section;
	const char *wrong = "it has no dynamic symbols";

	if (header->e_shnum > SECTIONS_MAX || (header->e_shnum > 0 && header->e_shentsize != sizeof(section)))
		return "its section headers are damaged";
	for (unsigned i = 0; i < header->e_shnum; i++) {
		if (!section_at(&file->text, header, i, &section))
			return "its section headers are damaged";
		if (section.sh_type == SHT_DYNSYM && (wrong = symbols_set(file, header, &section)) != NULL)
			return wrong;
		if (section.sh_type == SHT_GNU_versym && !range_set(&file->text, &section, &file->versions))
			return "its symbol versions are damaged";
	}
	return wrong;
}

const char *elf_parse(struct elf_file *file, const struct file_text *text)
{
	struct elf_file new = { .text = *text };
	ElfW(Ehdr) header;
	const char *wrong;

	if (!copy_at(text, 0, &header, sizeof(header)) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
		return "not a program or a shared library (no ELF file)";
	if (header.e_ident[EI_CLASS] != NATIVE_CLASS || header.e_ident[EI_DATA] != NATIVE_ORDER)
		return "not for this kind of machine";
	if (header.e_type != ET_DYN && header.e_type != ET_EXEC)
		return "neither a program nor a shared library";
	if (header.e_phnum > 0 && header.e_phentsize != sizeof(ElfW(Phdr)))
		return "its program headers are damaged";
	new.machine = header.e_machine;
	new.program_offset = header.e_phoff;
	new.program_count = header.e_phnum;
	wrong = sections_read(&new, &header);
	if (wrong == NULL)
		*file = new;
	return wrong;
}

const char *elf_open(struct elf_file *file, const char *path)
{
	struct file_text text;
	const char *wrong = file_load(&text, path, ELF_OCTETS_MAX);

	if (wrong != NULL)
		return wrong;
	wrong = elf_parse(file, &text);
	if (wrong != NULL)
		file_release(&text);
	return wrong;
}

void elf_close(struct elf_file *file)
{
	file_release(&file->text);
}

/* The text around `at`, which goes on behind it whatever it is: no octet is looked at twice. */
static const char *text_around(const char *start, const char *at, const char *end, size_t *length)
{
	const char *begin = at, *stop = memchr(at, '\0', (size_t)(end - at));

	while (begin > start && begin[-1] != '\0')
		begin--;
	*length = stop != NULL ? (size_t)(stop - begin) : 0;
	return stop != NULL && *length < ELF_TEXT_MAX ? begin : NULL;
}

static bool segment_texts(const char *start, size_t octets, const char *needle,
	bool (*visit)(void *arg, const char *text, size_t length), void *arg)
{
	const char *end = start + octets, *from = start, *at;

	while (from < end && (at = memmem(from, (size_t)(end - from), needle, strlen(needle))) != NULL) {
		size_t length;
		const char *text = text_around(from, at, end, &length);

		if (text != NULL && visit(arg, text, length))
			return true;
		at = memchr(at, '\0', (size_t)(end - at));
		if (at == NULL)
			return false;
		from = at + 1;
	}
	return false;
}

bool elf_texts(const struct elf_file *file, const char *needle,
	bool (*visit)(void *arg, const char *text, size_t length), void *arg)
{
	ElfW(Phdr) program;
	size_t done = 0;   /* segments that lie over each other must not multiply the work */

	for (unsigned i = 0; i < file->program_count; i++) {
		if (file->program_offset > file->text.length ||
		    !copy_at(&file->text, file->program_offset + (uint64_t)i * sizeof(program), &program, sizeof(program)))
			return false;
		if (program.p_type != PT_LOAD || !(program.p_flags & PF_R) || (program.p_flags & PF_W) ||
		    program.p_offset > file->text.length ||
		    program.p_filesz > file->text.length - (size_t)program.p_offset ||
		    program.p_filesz > file->text.length - done)
			continue;
		done += (size_t)program.p_filesz;
		if (segment_texts(file->text.octets + program.p_offset, (size_t)program.p_filesz, needle, visit, arg))
			return true;
	}
	return false;
}

static bool is_versioned(const struct elf_file *file, size_t index)
{
	ElfW(Half) version;

	if (index >= file->versions.octets / sizeof(version) ||
	    !copy_at(&file->text, file->versions.offset + index * sizeof(version), &version, sizeof(version)))
		return false;
	return (version & VERSION_MASK) > VER_NDX_GLOBAL;
}

bool elf_symbol(const struct elf_file *file, size_t index, struct elf_symbol *symbol)
{
	ElfW(Sym) entry;
	const char *name;

	if (index >= file->symbol_count ||
	    !copy_at(&file->text, file->symbols.offset + index * sizeof(entry), &entry, sizeof(entry)) ||
	    entry.st_name >= file->names.octets || SYMBOL_BIND(entry.st_info) == STB_LOCAL)
		return false;
	name = file->text.octets + file->names.offset + entry.st_name;
	if (name[0] == '\0' || strnlen(name, file->names.octets - entry.st_name) == file->names.octets - entry.st_name)
		return false;
	*symbol = (struct elf_symbol){
		.name = name,
		.defined = entry.st_shndx != SHN_UNDEF,
		.weak = SYMBOL_BIND(entry.st_info) == STB_WEAK,
		.versioned = is_versioned(file, index),
	};
	return true;
}
