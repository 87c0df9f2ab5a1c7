/* list_zone.c: owners and targets of a response policy zone (draft-vixie-dnsop-dns-rpz-00). */
#include "policy/list_zone.h"

#include <stddef.h>
#include <string.h>

#include "policy/list_entry.h"
#include "policy/list_trigger.h"

#define TYPE_CNAME 5

struct special_target {
	const char *label;
	enum action action;
};

static const struct special_target special_targets[] = {
	{ "rpz-passthru", ACTION_PASS },
	{ "rpz-drop", ACTION_DROP },
	{ "rpz-tcp-only", ACTION_TRUNCATE },
};

static const struct name root = { .length = 1 };

static const uint8_t *last_label(const struct name *name)
{
	const uint8_t *label = name->octets;
	unsigned i;

	for (i = 1; i < name->labels; i++)
		label += 1 + *label;
	return label;
}

/* Names below a top-level label `rpz-...` are reserved for RPZ's own signs. */
static bool is_reserved(const struct name *name)
{
	const uint8_t *label = last_label(name);

	return name->labels > 0 && *label >= 4 && memcmp(label + 1, "rpz-", 4) == 0;
}

/* name.tail; false when that is too long. */
static bool name_append(struct name *name, const struct name *tail)
{
	if (tail->length > NAME_OCTETS_MAX - (name->length - 1))
		return false;
	memcpy(name->octets + name->length - 1, tail->octets, tail->length);
	name->length = (uint8_t)(name->length - 1 + tail->length);
	name->labels = (uint8_t)(name->labels + tail->labels);
	return true;
}

/* Takes `parent`, which it is below, off the end of the name. */
static void name_cut(struct name *name, const struct name *parent)
{
	name->length = (uint8_t)(name->length - parent->length + 1);
	name->labels = (uint8_t)(name->labels - parent->labels);
	name->octets[name->length - 1] = 0;
}

bool name_cut_wildcard(struct name *name)
{
	if (name->labels == 0 || name->octets[0] != 1 || name->octets[1] != '*')
		return false;
	memmove(name->octets, name->octets + 2, (size_t)name->length - 2);
	name->length = (uint8_t)(name->length - 2);
	name->labels--;
	return true;
}

static bool has_star_label(const struct name *name)
{
	const uint8_t *label = name->octets;

	for (; *label != 0; label += 1 + *label)
		if (*label == 1 && label[1] == '*')
			return true;
	return false;
}

static enum skip_reason why_no_name(const char *wrong)
{
	/* policy/name.h: both limits say so by "over". */
	return strstr(wrong, "over") != NULL ? SKIP_NAME_LONG : SKIP_NAME;
}

/* A last dot counts unless a backslash before it is itself not escaped. */
static bool ends_with_dot(const char *text, const char *end)
{
	size_t backslashes = 0;

	if (end == text || end[-1] != '.')
		return false;
	while (end - 1 - backslashes > text && end[-2 - (ptrdiff_t)backslashes] == '\\')
		backslashes++;
	return backslashes % 2 == 0;
}

static bool is_ascii(const char *text, const char *end)
{
	for (; text < end; text++)
		if ((uint8_t)*text >= 0x80)
			return false;
	return true;
}

/* A name in another script, which no master file should have and some feeds do. */
static enum skip_reason read_idn(struct stated_name *stated, const char *text, const char *end)
{
	stated->wildcard = end - text > 2 && text[0] == '*' && text[1] == '.';
	stated->relative = !ends_with_dot(text, end);
	return list_read_idn(&stated->name, text + (stated->wildcard ? 2 : 0), end);
}

enum skip_reason stated_name_read(struct stated_name *stated, const char *text, const char *end)
{
	const char *wrong;

	stated->wildcard = false;
	stated->relative = true;
	if (end - text == 1 && *text == '@') {
		stated->name = root;
		return SKIP_COUNT;
	}
	wrong = name_from_text(&stated->name, text, (size_t)(end - text));
	if (wrong != NULL)
		return is_ascii(text, end) ? why_no_name(wrong) : read_idn(stated, text, end);
	stated->relative = !ends_with_dot(text, end);
	stated->wildcard = name_cut_wildcard(&stated->name);
	return has_star_label(&stated->name) ? SKIP_NAME : SKIP_COUNT;
}

bool zone_complete(const struct zone *zone, struct stated_name *stated)
{
	if (!stated->relative || !zone->has_origin)
		return true;
	if (!name_append(&stated->name, &zone->origin))
		return false;
	stated->relative = false;
	return true;
}

static void set_tail(struct zone *zone)
{
	zone->tail = zone->has_origin ? zone->origin : root;
	zone->tail_outside = zone->has_origin && (zone->apex_lost || !name_is_below(&zone->origin, &zone->apex));
	if (zone->has_origin && !zone->tail_outside)
		name_cut(&zone->tail, &zone->apex);
}

void zone_set_origin(struct zone *zone, const struct name *origin)
{
	zone->origin = *origin;
	zone->has_origin = true;
	set_tail(zone);
}

void zone_settle_apex(struct zone *zone)
{
	if (zone->apex_set)
		return;
	zone->apex = zone->has_origin ? zone->origin : root;
	zone->apex_set = true;
	set_tail(zone);
}

int zone_set_apex(struct zone *zone, const struct stated_name *owner, const struct list_line *line)
{
	struct stated_name apex = *owner;
	bool unnamed = owner->relative && !zone->has_origin && owner->name.labels == 0;

	if (!zone_complete(zone, &apex)) {
		list_skip(zone->reader, SKIP_NAME_LONG, line->number, line->text);
		return 0;
	}
	if (zone->apex_set && zone->apex.labels == 0 && !zone->apex_lost && apex.name.labels > 0)
		return diag_set(zone->reader->diag, zone->reader->conf->file, line->number, 0,
			"the SOA stands behind other records: put it first, "
			"they cannot be read without the zone's name");
	if (zone->apex_set)
		return 0;
	zone->apex = apex.name;
	zone->apex_set = true;
	zone->apex_lost = unnamed;
	if (unnamed || zone->has_origin)
		set_tail(zone);
	else
		zone_set_origin(zone, &apex.name);
	return 0;
}

/* Makes the owner as stated the name that the rule is about. */
static enum skip_reason relate_owner(const struct zone *zone, struct name *name, bool relative)
{
	if (relative) {
		if (zone->tail_outside)
			return SKIP_OUT_OF_ZONE;
		return zone->tail.labels == 0 || name_append(name, &zone->tail) ? SKIP_COUNT : SKIP_NAME_LONG;
	}
	if (zone->apex_lost || !name_is_below(name, &zone->apex))
		return SKIP_OUT_OF_ZONE;
	name_cut(name, &zone->apex);
	return SKIP_COUNT;
}

void zone_set_owner(struct zone *zone, const struct stated_name *owner)
{
	struct rule *rule = &zone->rule;

	rule->trigger = TRIGGER_QNAME;
	name_copy(&rule->name, &owner->name);
	rule->exact = !owner->wildcard;
	rule->below = owner->wildcard || zone->reader->conf->subdomains == CHOICE_YES;
	zone->reason = relate_owner(zone, &rule->name, owner->relative);
	zone->kind = OWNER_UNUSABLE;
	if (zone->reason != SKIP_COUNT)
		return;
	if (rule->name.labels == 0 && owner->wildcard)
		zone->reason = SKIP_ROOT;
	else if (rule->name.labels == 0)
		zone->kind = OWNER_APEX;
	else if (is_reserved(&rule->name))
		zone->reason = trigger_read(rule, owner->wildcard);
	if (zone->reason == SKIP_COUNT && rule->name.labels > 0)
		zone->kind = OWNER_RULE;
}

void zone_skip_owner(struct zone *zone, const struct list_line *line)
{
	enum skip_reason reason = SKIP_SYNTAX;

	if (zone->kind == OWNER_UNUSABLE)
		reason = zone->reason;
	else if (zone->kind == OWNER_APEX)
		reason = zone->apex.labels == 0 && !zone->apex_lost ? SKIP_ROOT : SKIP_APEX;
	list_skip(zone->reader, reason, line->number, line->text);
}

/* `rpz-passthru` without its last dot: the origin makes a name in the zone of it. Read as local data, what was to be
 * let through would be denied. */
static bool lacks_last_dot(const struct zone *zone, const struct name *target)
{
	struct name rest = *target;

	if (zone->apex.labels == 0 || !name_is_below(target, &zone->apex))
		return false;
	name_cut(&rest, &zone->apex);
	return is_reserved(&rest);
}

/* What a CNAME to `target` asks for; ACTION_COUNT when that is not read. */
static enum action target_action(const struct zone *zone, const struct name *target, bool wildcard)
{
	const struct rule *rule = &zone->rule;
	size_t i;

	if (target->labels == 0)
		return wildcard ? ACTION_NODATA : ACTION_NXDOMAIN;
	if (wildcard)
		return is_reserved(target) || lacks_last_dot(zone, target) ? ACTION_COUNT : ACTION_LOCAL_DATA;
	if (is_reserved(target)) {
		for (i = 0; i < sizeof(special_targets) / sizeof(special_targets[0]); i++) {
			const char *label = special_targets[i].label;

			if (target->labels == 1 && target->octets[0] == strlen(label) &&
			    memcmp(target->octets + 1, label, strlen(label)) == 0)
				return special_targets[i].action;
		}
		return ACTION_COUNT;
	}
	/* The first way of saying PASSTHRU: a CNAME to the name itself, of a network to its owner without the trigger. */
	if (rule->exact && name_equal(target, &rule->name))
		return ACTION_PASS;
	return lacks_last_dot(zone, target) ? ACTION_COUNT : ACTION_LOCAL_DATA;
}

static int emit(struct zone *zone, enum action action, uint16_t type, const uint8_t *rdata, uint16_t octets)
{
	zone->rule.action = action;
	zone->rule.type = type;
	zone->rule.rdata = rdata;
	zone->rule.rdata_length = octets;
	return list_emit(zone->reader, &zone->rule);
}

int zone_emit_cname(struct zone *zone, const struct name *target, bool wildcard, const struct list_line *line)
{
	enum action action = target_action(zone, target, wildcard);
	uint8_t star[NAME_OCTETS_MAX] = { 1, '*' };

	/* `*.garden.example` is what the queried name is put in front of; no host has a name with such a label. */
	if (action == ACTION_LOCAL_DATA && wildcard) {
		memcpy(star + 2, target->octets, target->length);
		return emit(zone, action, TYPE_CNAME, star, (uint16_t)(target->length + 2));
	}
	if (action == ACTION_LOCAL_DATA)
		return emit(zone, action, TYPE_CNAME, target->octets, target->length);
	if (action != ACTION_COUNT)
		return emit(zone, action, 0, NULL, 0);
	list_skip(zone->reader, SKIP_ACTION, line->number, line->text);
	return 0;
}

int zone_emit_data(struct zone *zone, uint16_t type, const uint8_t *rdata, uint16_t octets)
{
	return emit(zone, ACTION_LOCAL_DATA, type, rdata, octets);
}
