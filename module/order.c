/* order.c: reads module-config, as far as it says what stands above the library. */
#include "module/order.h"

#include <string.h>

#define BLANKS " \t"
#define WORD_MAX 64   /* longer than the name of any module */

/* Takes the next word off *text. Empty: that was the last. */
static void take_word(const char **text, char word[static WORD_MAX])
{
	const char *start = *text + strspn(*text, BLANKS);
	const size_t length = strcspn(start, BLANKS);

	snprintf(word, WORD_MAX, "%.*s", (int)(length < WORD_MAX ? length : WORD_MAX - 1), start);
	*text = start + length;
}

static bool is_ours(const struct module_env *env, int place, const char *name, func_operate_t operate)
{
	const struct dynlibmod_env *dynlib = env->modinfo[place];

	return strcmp(name, "dynlib") == 0 && dynlib != NULL && dynlib->func_operate == operate;
}

bool order_check(const struct module_env *env, int id, func_operate_t operate)
{
	const char *text = env->cfg->module_conf;
	char above[WORD_MAX * 4] = "";

	for (int i = 0; text != NULL && i < id; i++) {
		const size_t used = strlen(above);
		char word[WORD_MAX];

		take_word(&text, word);
		if (is_ours(env, i, word, operate)) {
			log_err("unbound-verdict: module-config: \"%s\" names the library twice: only the first one works",
				env->cfg->module_conf);
			return false;
		}
		snprintf(above + used, sizeof(above) - used, "%s%s", used > 0 ? ", " : "", word);
	}
	if (id > 0)
		log_err("unbound-verdict: module-config: \"%s\": dynlib is not the first module: what is answered, made or "
			"stored above it (%s) is judged by no policy, and denied answers can get out: put dynlib first",
			env->cfg->module_conf, above);
	return true;
}
