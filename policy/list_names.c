/* list_names.c: open addressing over fingerprints. */
#include "policy/list_names.h"

#include <stdlib.h>
#include <sys/random.h>

#define FIRST_ROOM 1024

bool names_init(struct names *names)
{
	*names = (struct names){ .room = 0 };
	return getrandom(&names->key, sizeof(names->key), 0) == (ssize_t)sizeof(names->key);
}

void names_fini(struct names *names)
{
	free(names->tags);
	free(names->flags);
	names->tags = NULL;
	names->flags = NULL;
	names->room = names->used = 0;
}

static uint64_t tag_of(const struct names *names, const struct name *name, unsigned cut)
{
	const uint8_t *suffix = name_suffix(name, cut);
	uint64_t tag = hash_octets(&names->key, suffix, name->length - (size_t)(suffix - name->octets));

	return tag != 0 ? tag : 1;
}

/* Where the tag is, or where it would be. */
static size_t find_slot(const uint64_t *tags, size_t room, uint64_t tag)
{
	size_t at = tag & (room - 1);

	while (tags[at] != 0 && tags[at] != tag)
		at = (at + 1) & (room - 1);
	return at;
}

static bool grow(struct names *names)
{
	size_t room = names->room == 0 ? FIRST_ROOM : names->room * 2, i;
	uint64_t *tags = calloc(room, sizeof(*tags));
	uint8_t *flags = calloc(room, sizeof(*flags));

	if (tags == NULL || flags == NULL) {
		free(tags);
		free(flags);
		return false;
	}
	for (i = 0; i < names->room; i++) {
		size_t at = find_slot(tags, room, names->tags[i]);

		if (names->tags[i] == 0)
			continue;
		tags[at] = names->tags[i];
		flags[at] = names->flags[i];
	}
	free(names->tags);
	free(names->flags);
	names->tags = tags;
	names->flags = flags;
	names->room = room;
	return true;
}

bool names_add(struct names *names, const struct name *name, uint8_t flags)
{
	size_t at;

	if (names->used * 2 >= names->room && !grow(names))
		return false;
	at = find_slot(names->tags, names->room, tag_of(names, name, 0));
	names->used += names->tags[at] == 0;
	names->tags[at] = tag_of(names, name, 0);
	names->flags[at] |= flags;
	return true;
}

uint8_t names_find(const struct names *names, const struct name *name, unsigned cut)
{
	size_t at;

	if (names->used == 0)
		return 0;
	at = find_slot(names->tags, names->room, tag_of(names, name, cut));
	return names->tags[at] != 0 ? names->flags[at] : 0;
}
