/* set_queue.c: entries in pages, a chain of them for each part. */
#include "policy/set_queue.h"

#include <sys/mman.h>

#include "policy/set_memory.h"

#define PAGE_OCTETS 4096
#define FIRST_PAGES 1024
#define PAGE_ENTRIES 341

/* 24 bits of the place (its part is known), 16 of the tag, 40 of the rest, 16 of the class. */
struct packed {
	uint32_t words[3];
};

struct page {
	struct packed entries[PAGE_ENTRIES];
	uint32_t next;
};

_Static_assert(sizeof(struct page) == PAGE_OCTETS, "a page is given back alone");

static struct packed pack(const struct entry *entry)
{
	return (struct packed){ {
		entry->key.place << 8 | (uint32_t)(entry->key.rest >> 32),
		(uint32_t)entry->key.rest,
		(uint32_t)entry->key.tag << 16 | entry->class,
	} };
}

static struct entry unpack(const struct packed *packed, unsigned part)
{
	return (struct entry){
		.key = {
			.place = (uint32_t)part << 24 | packed->words[0] >> 8,
			.tag = (uint16_t)(packed->words[2] >> 16),
			.rest = (uint64_t)(packed->words[0] & 0xff) << 32 | packed->words[1],
		},
		.class = (uint16_t)packed->words[2],
	};
}

bool queue_init(struct queue *queue)
{
	*queue = (struct queue){ .used = 1, .cap = FIRST_PAGES };
	queue->pages = memory_map(FIRST_PAGES * sizeof(struct page));
	return queue->pages != NULL;
}

void queue_fini(struct queue *queue)
{
	if (queue->pages != NULL)
		munmap(queue->pages, queue->cap * sizeof(struct page));
	*queue = (struct queue){ .pages = NULL };
}

static bool grow(struct queue *queue)
{
	size_t octets = queue->cap * sizeof(struct page);
	void *pages;

	if (queue->cap > UINT32_MAX / 2 || octets > SIZE_MAX / 2)
		return false;
	pages = mremap(queue->pages, octets, octets * 2, MREMAP_MAYMOVE);
	if (pages == MAP_FAILED)
		return false;
	queue->pages = pages;
	queue->cap *= 2;
	return true;
}

static bool append_page(struct queue *queue, struct queue_part *part)
{
	uint32_t number = (uint32_t)queue->used;

	if (queue->used == queue->cap && !grow(queue))
		return false;
	queue->used++;
	if (part->first == 0)
		part->first = number;
	else
		queue->pages[part->last].next = number;
	part->last = number;
	return true;
}

bool queue_add(struct queue *queue, const struct entry *entry)
{
	struct queue_part *part = &queue->parts[entry->key.place >> 24];
	size_t at = part->count % PAGE_ENTRIES;

	if (at == 0 && !append_page(queue, part))
		return false;
	queue->pages[part->last].entries[at] = pack(entry);
	part->count++;
	return true;
}

void queue_take(struct queue *queue, unsigned number, struct entry *to)
{
	struct queue_part *part = &queue->parts[number];
	size_t taken = 0;

	while (taken < part->count) {
		struct page *page = &queue->pages[part->first];

		do {
			to[taken] = unpack(&page->entries[taken % PAGE_ENTRIES], number);
			taken++;
		} while (taken < part->count && taken % PAGE_ENTRIES != 0);
		part->first = page->next;
		memory_forget(page, sizeof(*page));
	}
	*part = (struct queue_part){ .count = 0 };
}
