/* flag_book.c: flags, raised, made into denials, and ended. */
#include "control/flag_book.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/address.h"

#define YOUNG_DAYS 30u
#define FEW_CLIENTS 3u
#define MINUTE_S 60
#define CLOCK_SLACK_S 60             /* a worker took the time, and was held up */

struct flag_book {
	pthread_mutex_t lock;
	struct flag flags[FLAGS_MAX];    /* under lock, as all below; oldest first */
	size_t count;
	uint64_t next;
	struct flag_counts counts;
	int64_t minute;                  /* when this minute of new ones began */
	uint32_t fresh[2];               /* in it: that only alert, and that are to deny */
	struct flag_limits limits;
};

struct flag_book *flag_book_create(void)
{
	struct flag_book *book = calloc(1, sizeof(*book));

	if (book == NULL)
		return NULL;
	pthread_mutex_init(&book->lock, NULL);
	book->next = 1;
	return book;
}

void flag_book_destroy(struct flag_book **book)
{
	if (*book == NULL)
		return;
	pthread_mutex_destroy(&(*book)->lock);
	free(*book);
	*book = NULL;
}

void flag_book_limit(struct flag_book *book, const struct flag_limits *limits)
{
	pthread_mutex_lock(&book->lock);
	book->limits = *limits;
	pthread_mutex_unlock(&book->lock);
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

static bool is_same_client(const struct flag *a, const struct flag *b)
{
	const struct network one = flag_client(a), other = flag_client(b);

	return one.address.family == other.address.family && address_compare(&one.address, &other.address) == 0;
}

static struct flag *find(struct flag_book *book, const struct flag *like)
{
	for (size_t i = 0; i < book->count; i++)
		if (name_equal(&book->flags[i].call.zone, &like->call.zone) && is_same_client(&book->flags[i], like))
			return &book->flags[i];
	return NULL;
}

static struct flag *find_id(struct flag_book *book, uint64_t id)
{
	for (size_t i = 0; i < book->count; i++)
		if (book->flags[i].id == id)
			return &book->flags[i];
	return NULL;
}

static void forget(struct flag_book *book, size_t index)
{
	book->count--;
	memmove(&book->flags[index], &book->flags[index + 1], (book->count - index) * sizeof(book->flags[0]));
}

/* --- raising ------------------------------------------------------------------------------------------------------ */

/* Whoever fills the book with what changes nothing must not keep a denial out. False: there are denials alone. */
static bool make_room(struct flag_book *book)
{
	for (size_t i = 0; i < book->count; i++)
		if (book->flags[i].state == FLAG_ALERT) {
			forget(book, i);
			return true;
		}
	return false;
}

static bool may_raise(struct flag_book *book, int64_t now, uint32_t per_minute, bool denial)
{
	uint32_t *fresh = &book->fresh[denial];

	if (now < book->minute || now - book->minute >= MINUTE_S) {
		book->minute = now;
		book->fresh[false] = book->fresh[true] = 0;
	}
	if (*fresh >= per_minute) {
		book->counts.held_back++;
		return false;
	}
	if (book->count == FLAGS_MAX && !(denial && make_room(book))) {
		book->counts.full++;
		return false;
	}
	(*fresh)++;
	return true;
}

static struct flag *raise_flag(struct flag_book *book, const struct flag *like)
{
	struct flag *flag = &book->flags[book->count++];

	*flag = *like;
	flag->id = book->next++;
	book->counts.raised++;
	return flag;
}

static bool is_weightier(const struct flag_call *a, const struct flag_call *b)
{
	return a->reaction != b->reaction ? a->reaction > b->reaction : a->lead.tier >= b->lead.tier;
}

/* Returns whether it became due. In shadow it does so again and again: the mode may have changed. */
static bool note_again(struct flag *flag, const struct flag_call *call, uint32_t seconds)
{
	const bool first = flag->state == FLAG_ALERT;
	const bool due = (first || flag->state == FLAG_WOULD_DENY) && call->reaction == REACTION_BLOCK;

	flag->hits += call->answers;
	flag->last = call->at;
	if (is_weightier(call, &flag->call))
		flag->call = *call;
	if (due)
		flag->state = FLAG_DUE;
	if (flag->state != FLAG_DENIED && flag->state != FLAG_REFUSED)
		flag->until = call->at + seconds;
	return due && first;
}

static bool take(struct flag_book *book, const struct flag_call *call, const struct flag_limits *limits, bool weighs)
{
	const struct flag like = { .call = *call, .since = call->at, .last = call->at,
		.until = call->at + limits->seconds, .hits = call->answers,
		.state = call->reaction == REACTION_BLOCK ? FLAG_DUE : FLAG_ALERT };
	struct flag *flag = find(book, &like);

	if (flag != NULL)
		return note_again(flag, call, limits->seconds);
	return may_raise(book, call->at, limits->per_minute, weighs) && raise_flag(book, &like) != NULL;
}

static bool is_limit(const struct flag_call *call)
{
	return call->reaction == REACTION_BLOCK && call->lead.detector == DETECTOR_RANDOM_SUBDOMAIN;
}

static unsigned count_parts(const struct flag_book *book, const struct flag_call *call)
{
	unsigned count = 0;

	for (size_t i = 0; i < book->count; i++) {
		const struct flag_call *part = &book->flags[i].call;

		count += part->client.family != ADDRESS_NONE && part->lead.detector == call->lead.detector &&
			name_equal(&part->zone, &call->zone) && call->at - part->at < FLAG_LIMIT_SECONDS;
	}
	return count;
}

/* One client's questions may be made in its name, and to be denied the zone is what somebody else may want for it. */
static bool take_part(struct flag_book *book, const struct flag_call *call, const struct flag_limits *limits)
{
	const struct flag_limits limit = { .seconds = FLAG_LIMIT_SECONDS, .per_minute = limits->per_minute };
	struct flag_call part = *call, all = *call;
	bool news;

	part.reaction = REACTION_ALERT;
	all.client = (struct address){ .family = ADDRESS_NONE };
	news = take(book, &part, limits, true);
	if (count_parts(book, call) >= FLAG_CLIENTS_EVERYBODY)
		news |= take(book, &all, &limit, true);
	return news;
}

bool flag_book_take(struct flag_book *book, const struct flag_call *call)
{
	const struct flag_limits *limits = &book->limits;
	bool news;

	pthread_mutex_lock(&book->lock);
	news = is_limit(call) ? take_part(book, call, limits) : take(book, call, limits, call->reaction == REACTION_BLOCK);
	pthread_mutex_unlock(&book->lock);
	return news;
}

/* --- denying ------------------------------------------------------------------------------------------------------ */

static void make_override(const struct flag *flag, enum action action, struct override *override)
{
	*override = (struct override){ .name = flag->call.zone, .client = flag_client(flag), .made = flag->last,
		.until = flag->until, .action = is_limit(&flag->call) ? ACTION_REFUSE : action };
	flag_why(flag, override->why);
	snprintf(override->who, sizeof(override->who), OVERRIDE_WHO_DETECTOR "%s", detector_table[flag->call.lead.detector].name);
}

bool flag_book_due(struct flag_book *book, struct flag *flag, struct override *override)
{
	bool found = false;

	pthread_mutex_lock(&book->lock);
	for (size_t i = 0; i < book->count && !found; i++)
		if (book->flags[i].state == FLAG_DUE) {
			*flag = book->flags[i];
			make_override(flag, book->limits.action, override);
			found = true;
		}
	pthread_mutex_unlock(&book->lock);
	return found;
}

/* Several clients were denied the zone, and it is nobody's who matters: then it is denied to everybody. */
static bool raise_for_everybody(struct flag_book *book, const struct flag *last)
{
	struct flag all = *last;
	unsigned clients = 0;

	if (last->call.client.family == ADDRESS_NONE ||
	    (last->call.days > YOUNG_DAYS && last->call.clients > FEW_CLIENTS))
		return false;
	for (size_t i = 0; i < book->count; i++)
		clients += book->flags[i].state == FLAG_DENIED && book->flags[i].call.client.family != ADDRESS_NONE &&
			name_equal(&book->flags[i].call.zone, &last->call.zone);
	all.call.client = (struct address){ .family = ADDRESS_NONE };
	if (clients < FLAG_CLIENTS_EVERYBODY || book->count == FLAGS_MAX || find(book, &all) != NULL)
		return false;
	all.state = FLAG_DUE;
	all.since = all.last;
	all.until = all.last + book->limits.seconds;
	all.override = 0;
	raise_flag(book, &all);
	return true;
}

bool flag_book_done(struct flag_book *book, uint64_t id, enum flag_state state, uint64_t override, const char *error)
{
	struct flag *flag;
	bool more = false;

	pthread_mutex_lock(&book->lock);
	flag = find_id(book, id);
	if (flag != NULL) {
		flag->state = state;
		flag->would_deny_said |= state == FLAG_WOULD_DENY;
		flag->override = override;
		snprintf(flag->error, sizeof(flag->error), "%s", error != NULL ? error : "");
		book->counts.refused += state == FLAG_REFUSED;
		more = state == FLAG_DENIED && raise_for_everybody(book, flag);
	}
	pthread_mutex_unlock(&book->lock);
	return more;
}

/* --- ending ------------------------------------------------------------------------------------------------------- */

/* Called for by a clock that has been put back since, it would last for the difference, too. */
static void put_back(struct flag *flag, int64_t now)
{
	const int64_t ahead = flag->last - now;

	if (ahead > CLOCK_SLACK_S) {
		flag->last = now;
		flag->since -= ahead < flag->since ? ahead : flag->since;
		flag->until -= ahead;
	}
	if (flag->until - now > FLAG_SECONDS_MAX)
		flag->until = now + FLAG_SECONDS_MAX;
}

void flag_book_shift(struct flag_book *book, int64_t by_s)
{
	pthread_mutex_lock(&book->lock);
	book->minute += by_s;
	for (size_t i = 0; i < book->count; i++) {
		struct flag *flag = &book->flags[i];

		flag->since += by_s;
		flag->last += by_s;
		flag->until += by_s;
		flag->call.at += by_s;
	}
	pthread_mutex_unlock(&book->lock);
}

void flag_book_turn(struct flag_book *book, int64_t now)
{
	pthread_mutex_lock(&book->lock);
	for (size_t i = book->count; i-- > 0;) {
		put_back(&book->flags[i], now);
		if (book->flags[i].until <= now)
			forget(book, i);
	}
	pthread_mutex_unlock(&book->lock);
}

void flag_book_sync(struct flag_book *book, const struct override *overrides, size_t count)
{
	pthread_mutex_lock(&book->lock);
	for (size_t i = book->count; i-- > 0;) {
		size_t j = 0;

		if (book->flags[i].state != FLAG_DENIED)
			continue;
		while (j < count && overrides[j].id != book->flags[i].override)
			j++;
		if (j == count)
			forget(book, i);
	}
	pthread_mutex_unlock(&book->lock);
}

void flag_book_release(struct flag_book *book, const struct override *allow)
{
	pthread_mutex_lock(&book->lock);
	for (size_t i = book->count; i-- > 0;)
		if (flag_is_released(&book->flags[i], allow))
			forget(book, i);
	pthread_mutex_unlock(&book->lock);
}

/* --- copies ------------------------------------------------------------------------------------------------------- */

struct flag *flag_book_copy(struct flag_book *book, size_t *count)
{
	struct flag *copy = calloc(FLAGS_MAX, sizeof(*copy));

	*count = 0;
	if (copy == NULL)
		return NULL;
	pthread_mutex_lock(&book->lock);
	*count = book->count;
	memcpy(copy, book->flags, book->count * sizeof(*copy));
	pthread_mutex_unlock(&book->lock);
	return copy;
}

void flag_book_restore(struct flag_book *book, const struct flag *flags, size_t count, int64_t now)
{
	pthread_mutex_lock(&book->lock);
	for (size_t i = 0; i < count && book->count < FLAGS_MAX; i++) {
		if (flags[i].until <= now || find(book, &flags[i]) != NULL)
			continue;
		book->flags[book->count] = flags[i];
		put_back(&book->flags[book->count], now);
		book->flags[book->count++].id = book->next++;
	}
	pthread_mutex_unlock(&book->lock);
}

void flag_book_counts(struct flag_book *book, struct flag_counts *counts)
{
	pthread_mutex_lock(&book->lock);
	*counts = book->counts;
	counts->in_force = book->count;
	for (size_t i = 0; i < book->count; i++)
		counts->denied += book->flags[i].state == FLAG_DENIED;
	pthread_mutex_unlock(&book->lock);
}
