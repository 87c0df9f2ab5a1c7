/* server_recent.c: the distinct questions asked lately, as a recording. In the hand for looks. */
#include "control/server_parts.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/json.h"
#include "policy/rrtype.h"

#define QUESTIONS_MAX 65536    /* of one answer: 64 workers' */
#define FIRST_ROOM 1024

struct asked {
	struct recent_question *questions;   /* owned */
	size_t count, room;
	uint64_t left_out;
	bool no_memory;
};

static bool take_question(void *arg, const struct recent_question *question)
{
	struct asked *asked = arg;

	if (asked->count == QUESTIONS_MAX) {
		asked->left_out++;
		return true;
	}
	if (asked->count == asked->room) {
		const size_t room = asked->room == 0 ? FIRST_ROOM : asked->room * 2;
		struct recent_question *more = reallocarray(asked->questions, room, sizeof(*more));

		asked->no_memory = more == NULL;
		if (more == NULL)
			return false;
		asked->questions = more;
		asked->room = room;
	}
	asked->questions[asked->count++] = *question;
	return true;
}

static int by_question(const void *a, const void *b)
{
	const struct recent_question *x = a, *y = b;
	const int order = name_compare(&x->qname, &y->qname);

	if (order != 0)
		return order;
	if (x->qtype != y->qtype)
		return x->qtype < y->qtype ? -1 : 1;
	return strcmp(x->group, y->group);
}

/* Workers count the same question apart. */
static void join_equal(struct asked *asked)
{
	size_t kept = 0;

	if (asked->count == 0)
		return;
	qsort(asked->questions, asked->count, sizeof(*asked->questions), by_question);
	for (size_t i = 1; i < asked->count; i++) {
		struct recent_question *last = &asked->questions[kept];
		const struct recent_question *next = &asked->questions[i];

		if (by_question(last, next) != 0)
			asked->questions[++kept] = *next;
		else
			last->count = next->count > UINT32_MAX - last->count ? UINT32_MAX : last->count + next->count;
	}
	asked->count = kept + 1;
}

static json_t *question_json(const struct recent_question *question)
{
	char name[NAME_TEXT_MAX], type[RRTYPE_TEXT_MAX];
	json_t *object = json_object();

	json_set_text(object, "name", name_to_text(&question->qname, name));
	json_set_text(object, "type", rrtype_to_text(question->qtype, type));
	if (*question->group != '\0')
		json_set_text(object, "group", question->group);
	json_set_number(object, "count", question->count);
	return object;
}

json_t *server_recent(const struct server_backend *backend)
{
	struct asked asked = { .questions = NULL };
	json_t *answer, *questions;

	if (backend->recent == NULL)
		return server_error("failed", "no questions are kept");
	recent_visit(backend->recent, take_question, &asked);
	if (asked.no_memory) {
		free(asked.questions);
		return server_error("failed", "out of memory");
	}
	join_equal(&asked);
	answer = server_ok();
	questions = json_array();
	for (size_t i = 0; i < asked.count; i++)
		json_array_append_new(questions, question_json(&asked.questions[i]));
	json_set_number(answer, "time", (uint64_t)time(NULL));
	json_set_number(answer, "every", RECENT_EVERY);
	json_set_number(answer, "left_out", asked.left_out);
	json_object_set_new(answer, "questions", questions);
	free(asked.questions);
	return answer;
}
