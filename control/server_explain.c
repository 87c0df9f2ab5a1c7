/* server_explain.c: the verdict of the policy in force on one question, and what the detectors know of its zone. In the
 * hand for looks. */
#include "control/server_parts.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/explanation.h"
#include "control/json.h"
#include "control/view_json.h"
#include "policy/rrtype.h"

#define CLASS_IN 1

/* What an explanation needs of a configuration, which may be gone before its lists are read. False: no memory. */
static bool copy_conf(struct conf *copy, const struct conf *conf)
{
	memset(copy, 0, sizeof(*copy));
	copy->mode = conf->mode;
	memcpy(copy->options.detectors, conf->options.detectors, sizeof(copy->options.detectors));
	copy->path = strdup(conf->path);
	copy->lists = calloc(conf->list_count + 1, sizeof(*copy->lists));
	if (copy->path == NULL || copy->lists == NULL)
		return false;
	for (; copy->list_count < conf->list_count; copy->list_count++) {
		struct list_conf *list = &copy->lists[copy->list_count];

		*list = conf->lists[copy->list_count];
		list->groups = NULL;
		list->group_count = 0;
		list->file = strdup(list->file);
		if (list->file == NULL)
			return false;
	}
	return true;
}

static void free_copy(struct conf *copy)
{
	for (size_t i = 0; i < copy->list_count; i++)
		free(copy->lists[i].file);
	free(copy->lists);
	free(copy->path);
}

/* The lists and the snapshot are of one policy as far as can be: both are taken under the loader's lock. */
static int judge(const struct server_backend *backend, const struct facts *facts, struct conf *conf,
	struct explanation *explanation, struct diag *diag)
{
	struct loader_view view;
	int result = -1;

	loader_lock(backend->loader, &view);
	if (view.conf == NULL)
		diag_set(diag, "", 0, 0, "there is no policy");
	else if (!copy_conf(conf, view.conf))
		diag_set(diag, view.conf->path, 0, 0, "out of memory");
	else {
		const struct snapshot *snapshot = backend->host->pin(backend->host->arg);

		if (snapshot != NULL)
			result = explanation_judge(explanation, conf, snapshot, facts, diag);
		else
			diag_set(diag, conf->path, 0, 0, "there is no policy");
		backend->host->unpin(backend->host->arg);
	}
	loader_unlock(backend->loader);
	return result;
}

/* What a rule lets through is left alone by the detectors, too. */
static json_t *tell_behaviour(const struct server_backend *backend, const struct explanation *explanation)
{
	const struct verdict *verdict = &explanation->verdict;
	const struct facts *facts = explanation->facts;

	return view_json(backend->behaviour, &(struct view_question){
		.name = &facts->qname,
		.client = facts->client.family != ADDRESS_NONE ? &facts->client : NULL,
		.conf = explanation->conf->options.detectors,
		.traits = verdict->traits | (verdict->action == ACTION_PASS ? TRAIT_APPROVED : TRAIT_NONE),
		.now_s = (int64_t)time(NULL),
	});
}

static json_t *tell(const struct server_backend *backend, struct explanation *explanation)
{
	struct diag diag = { 0 };
	char text[sizeof(diag) + 32];
	const int lines = explanation_find_lines(explanation, &diag);
	json_t *answer = server_ok(), *told = explanation_json(explanation);

	if (backend->behaviour != NULL)
		json_object_set_new(told, "behaviour", tell_behaviour(backend, explanation));
	json_object_set_new(answer, "explanation", told);
	if (lines != 0)
		json_set_text(answer, "warning", diag_format(&diag, text, sizeof(text)));
	return answer;
}

/* What the detectors know of a client, whatever it asks for. */
static json_t *explain_client(const struct server_backend *backend, const struct address *client)
{
	struct detector_conf conf[DETECTOR_COUNT];
	struct loader_view view;
	json_t *answer, *told;
	bool knows;

	loader_lock(backend->loader, &view);
	knows = view.conf != NULL && backend->behaviour != NULL;
	if (knows)
		memcpy(conf, view.conf->options.detectors, sizeof(conf));
	loader_unlock(backend->loader);
	if (!knows)
		return server_error("failed", "no detectors run, and nothing else is known of a client alone: give a name");
	answer = server_ok();
	told = json_object();
	json_object_set_new(told, "behaviour", view_json(backend->behaviour, &(struct view_question){
		.client = client, .conf = conf, .now_s = (int64_t)time(NULL) }));
	json_object_set_new(answer, "explanation", told);
	return answer;
}

json_t *server_explain(const struct server_backend *backend, const struct request *request)
{
	const struct facts facts = {
		.client = request->client.address,
		.server = request->interface,
		.transport = TRANSPORT_UDP,
		.qname = request->name,
		.qtype = request->type != 0 ? request->type : RRTYPE_A,
		.qclass = CLASS_IN,
		.recursion_desired = true,
	};
	struct conf conf = { 0 };
	struct explanation explanation;
	struct diag diag = { 0 };
	json_t *answer;

	if (request->name.labels == 0)
		return explain_client(backend, &request->client.address);
	if (judge(backend, &facts, &conf, &explanation, &diag) == 0) {
		answer = tell(backend, &explanation);
		explanation_fini(&explanation);
	} else {
		answer = server_error("failed", "%s", diag.text);
	}
	free_copy(&conf);
	return answer;
}
