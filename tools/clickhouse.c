/* clickhouse.c: ClickHouse's HTTP interface by libcurl. */
#include "tools/clickhouse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "tools/term.h"

#define COMPLAINT_MAX 300u
#define PASSWORD_MAX 1024
#define URL_MAX 2048

struct clickhouse {
	CURL *curl;
	char url[URL_MAX];
	char error[CURL_ERROR_SIZE];
	int code;
};

/* One answer that comes. */
struct answer {
	struct clickhouse *clickhouse;
	struct tsv_rows rows;
	size_t octets;
	bool too_much;
	char complaint[COMPLAINT_MAX];       /* what comes instead of rows: of more the beginning */
	size_t complaint_used;
	bool complaint_cut;
};

/* --- opening ------------------------------------------------------------------------------------------------ */

/* A password of a command line is everybody's. */
static int check_url(struct clickhouse *clickhouse, const char *given, struct diag *diag)
{
	CURLU *url = curl_url();
	char *user = NULL, *password = NULL, *scheme = NULL;
	const char *wrong = NULL;

	if (url == NULL || curl_url_set(url, CURLUPART_URL, given, 0) != CURLUE_OK ||
			curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
			(strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
		wrong = "is no URL: clickhouse:https://HOST:8443";
	else if (curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK ||
			curl_url_get(url, CURLUPART_PASSWORD, &password, 0) == CURLUE_OK)
		wrong = "has a user or password in it, which `ps` shows: CLICKHOUSE_USER and CLICKHOUSE_PASSWORD, or --password-file";
	else if (curl_url_set(url, CURLUPART_QUERY, "wait_end_of_query=1", CURLU_APPENDQUERY) != CURLUE_OK)
		wrong = "is too long";
	if (wrong == NULL) {
		char *whole = NULL;

		if (curl_url_get(url, CURLUPART_URL, &whole, 0) != CURLUE_OK || strlen(whole) >= sizeof(clickhouse->url))
			wrong = "is too long";
		else
			strcpy(clickhouse->url, whole);
		curl_free(whole);
	}
	curl_free(user);
	curl_free(password);
	curl_free(scheme);
	curl_url_cleanup(url);
	return wrong == NULL ? 0 : diag_set(diag, "--store", 0, 0, "the address %s", wrong);
}

static int read_password(const char *path, char *line, struct diag *diag)
{
	FILE *file = fopen(path, "re");
	bool fine = file != NULL && fgets(line, PASSWORD_MAX, file) != NULL && strchr(line, ':') != NULL;
	int error = errno;

	if (file == NULL)
		return diag_set(diag, path, 0, 0, "cannot open it: %s", strerror(error));
	fclose(file);
	line[strcspn(line, "\r\n")] = '\0';
	return fine ? 0 : diag_set(diag, path, 0, 0, "its first line is not USER:PASSWORD");
}

static int give_password(struct clickhouse *clickhouse, const char *path, struct diag *diag)
{
	const char *user = getenv("CLICKHOUSE_USER"), *password = getenv("CLICKHOUSE_PASSWORD");
	char line[PASSWORD_MAX] = "";
	char *colon;

	if (path != NULL) {
		if (read_password(path, line, diag) != 0)
			return -1;
		colon = strchr(line, ':');
		*colon = '\0';
		user = line;
		password = colon + 1;
	}
	if (user == NULL && password == NULL)
		return 0;
	curl_easy_setopt(clickhouse->curl, CURLOPT_USERNAME, user != NULL ? user : "default");
	curl_easy_setopt(clickhouse->curl, CURLOPT_PASSWORD, password != NULL ? password : "");
	return 0;
}

static size_t take(char *octets, size_t size, size_t count, void *arg)
{
	struct answer *answer = arg;
	long status = 0;

	(void)size;
	curl_easy_getinfo(answer->clickhouse->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200) {
		size_t room = sizeof(answer->complaint) - answer->complaint_used;
		size_t part = count < room ? count : room;

		memcpy(answer->complaint + answer->complaint_used, octets, part);
		answer->complaint_used += part;
		answer->complaint_cut = part < count;
		return part;                  /* less than `count` ends it: a complaint can be without end */
	}
	answer->too_much = count > CLICKHOUSE_ANSWER_MAX - answer->octets;
	if (answer->too_much)
		return 0;
	answer->octets += count;
	return tsv_rows_take(&answer->rows, octets, count) ? count : 0;
}

struct clickhouse *clickhouse_open(const struct clickhouse_options *options, struct diag *diag)
{
	struct clickhouse *clickhouse = calloc(1, sizeof(*clickhouse));

	if (clickhouse == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
			(clickhouse->curl = curl_easy_init()) == NULL) {
		diag_set(diag, "--store", 0, 0, "no memory");
		clickhouse_close(&clickhouse);
		return NULL;
	}
	if (check_url(clickhouse, options->url, diag) != 0 ||
			give_password(clickhouse, options->password_file, diag) != 0) {
		clickhouse_close(&clickhouse);
		return NULL;
	}
	curl_easy_setopt(clickhouse->curl, CURLOPT_URL, clickhouse->url);
	curl_easy_setopt(clickhouse->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(clickhouse->curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(clickhouse->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(clickhouse->curl, CURLOPT_ERRORBUFFER, clickhouse->error);
	curl_easy_setopt(clickhouse->curl, CURLOPT_CONNECTTIMEOUT, (long)CLICKHOUSE_CONNECT_S);
	curl_easy_setopt(clickhouse->curl, CURLOPT_LOW_SPEED_LIMIT, (long)CLICKHOUSE_DRIP);
	curl_easy_setopt(clickhouse->curl, CURLOPT_LOW_SPEED_TIME, (long)CLICKHOUSE_SILENT_S);
	curl_easy_setopt(clickhouse->curl, CURLOPT_WRITEFUNCTION, take);
	if (options->ca != NULL)
		curl_easy_setopt(clickhouse->curl, CURLOPT_CAINFO, options->ca);
	return clickhouse;
}

void clickhouse_close(struct clickhouse **clickhouse)
{
	if (*clickhouse == NULL)
		return;
	curl_easy_cleanup((*clickhouse)->curl);
	free(*clickhouse);
	*clickhouse = NULL;
}

int clickhouse_code(const struct clickhouse *clickhouse)
{
	return clickhouse->code;
}

/* --- asking ------------------------------------------------------------------------------------------------- */

/* Long texts of the server have what matters in front. */
static int complain(struct clickhouse *clickhouse, struct answer *answer, long status, struct diag *diag)
{
	char text[4 * COMPLAINT_MAX + 1];
	size_t octets = answer->complaint_used;

	while (octets > 0 && (answer->complaint[octets - 1] == '\n' || answer->complaint[octets - 1] == ' '))
		octets--;
	term_escape(text, sizeof(text), answer->complaint, octets);
	sscanf(text, "Code: %d", &clickhouse->code);
	return diag_set(diag, clickhouse->url, 0, 0, "it answers %ld: %s", status, octets > 0 ? text : "nothing");
}

static int conclude(struct clickhouse *clickhouse, struct answer *answer, CURLcode code, struct diag *diag)
{
	long status = 0;

	curl_easy_getinfo(clickhouse->curl, CURLINFO_RESPONSE_CODE, &status);
	if (answer->rows.wrong != NULL)
		return diag_set(diag, clickhouse->url, 0, 0, "its answer is not understood: %s", answer->rows.wrong);
	if (answer->too_much)
		return diag_set(diag, clickhouse->url, 0, 0, "its answer is too large: narrow it with --from and --to");
	if (code == CURLE_WRITE_ERROR && answer->complaint_cut)
		return complain(clickhouse, answer, status, diag);
	if (code == CURLE_WRITE_ERROR)
		return -1;                    /* the row's receiver said why */
	if (code != CURLE_OK)
		return diag_set(diag, clickhouse->url, 0, 0, "%s",
			clickhouse->error[0] != '\0' ? clickhouse->error : curl_easy_strerror(code));
	if (status != 200)
		return complain(clickhouse, answer, status, diag);
	return tsv_rows_are_whole(&answer->rows) ? 0 :
		diag_set(diag, clickhouse->url, 0, 0, "its answer ends in the middle of a row");
}

int clickhouse_ask(struct clickhouse *clickhouse, const char *statement,
	bool (*row)(void *arg, const struct tsv_row *row), void *arg, struct diag *diag)
{
	struct answer answer = { .clickhouse = clickhouse, .rows = { .row = row, .arg = arg } };
	CURLcode code;
	int result;

	clickhouse->error[0] = '\0';
	clickhouse->code = 0;
	curl_easy_setopt(clickhouse->curl, CURLOPT_WRITEDATA, &answer);
	curl_easy_setopt(clickhouse->curl, CURLOPT_POSTFIELDS, statement);
	code = curl_easy_perform(clickhouse->curl);
	result = conclude(clickhouse, &answer, code, diag);
	tsv_rows_fini(&answer.rows);
	return result;
}
