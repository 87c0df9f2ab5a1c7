/* askers.c: a place for each name that is wanted, its number by the name's id. */
#include "store/askers.h"

#include <stdlib.h>
#include <string.h>

#include "store/window_sums.h"

#define FIRST_ROOM 1024u

struct place {
	uint32_t clients[ASKERS_MAX];    /* 0: free */
};

struct askers {
	uint32_t *numbers;               /* owned; by name: number of its place; 0: not wanted */
	struct place *places;            /* owned; the first is nobody's */
	uint32_t names_room, room, count;
};

struct askers *askers_create(void)
{
	struct askers *askers = calloc(1, sizeof(*askers));

	if (askers != NULL)
		askers->count = 1;
	return askers;
}

void askers_destroy(struct askers **askers)
{
	if (*askers == NULL)
		return;
	free((*askers)->numbers);
	free((*askers)->places);
	free(*askers);
	*askers = NULL;
}

static bool make_names(struct askers *askers, uint32_t name)
{
	uint32_t room = askers->names_room == 0 ? FIRST_ROOM : askers->names_room;
	uint32_t *more;

	while (room <= name)
		room *= 2;
	if (room == askers->names_room)
		return true;
	more = realloc(askers->numbers, room * sizeof(*more));
	if (more == NULL)
		return false;
	memset(more + askers->names_room, 0, (room - askers->names_room) * sizeof(*more));
	askers->numbers = more;
	askers->names_room = room;
	return true;
}

bool askers_want(struct askers *askers, uint32_t name)
{
	if (name >= WINDOW_IDS_MAX || !make_names(askers, name))
		return false;
	if (askers->numbers[name] != 0)
		return true;
	if (askers->count >= askers->room) {
		uint32_t room = askers->room == 0 ? FIRST_ROOM : askers->room * 2;
		struct place *more = realloc(askers->places, room * sizeof(*more));

		if (more == NULL)
			return false;
		askers->places = more;
		askers->room = room;
	}
	memset(&askers->places[askers->count], 0, sizeof(*askers->places));
	askers->numbers[name] = askers->count++;
	return true;
}

static void add(struct place *place, uint32_t client)
{
	for (unsigned i = 0; i < ASKERS_MAX; i++) {
		if (place->clients[i] == client)
			return;
		if (place->clients[i] == 0) {
			place->clients[i] = client;
			return;
		}
	}
}

static int visit(void *arg, const struct slice *slice)
{
	struct askers *askers = arg;

	for (unsigned i = 0; i < slice->count; i++) {
		uint32_t name = slice->values[SLICE_NAME][i], client = slice->values[SLICE_CLIENT][i];

		if (name < askers->names_room && askers->numbers[name] != 0 && client != 0)
			add(&askers->places[askers->numbers[name]], client);
	}
	return SQLITE_OK;
}

int askers_scan(struct askers *askers, sqlite3 *db, const struct slice_window *window)
{
	return askers->count == 1 ? SQLITE_OK : slice_scan(db, "day", window, SLICE_TIME, visit, askers);
}

unsigned askers_of(const struct askers *askers, uint32_t name, const uint32_t **clients)
{
	const struct place *place = name < askers->names_room && askers->numbers[name] != 0 ?
		&askers->places[askers->numbers[name]] : NULL;
	unsigned count = 0;

	*clients = place == NULL ? NULL : place->clients;
	while (place != NULL && count < ASKERS_MAX && place->clients[count] != 0)
		count++;
	return count;
}
