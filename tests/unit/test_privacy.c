/* test_privacy.c: what frames show of a client, and the key of pseudonyms. */
#include "dnstap/privacy.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/directory.h"

static const uint8_t key[PRIVACY_KEY_OCTETS] = { 0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88,
	0x09, 0xcf, 0x4f, 0x3c };

static struct address address4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct address){ ADDRESS_INET, 40000, { a, b, c, d } };
}

static struct address address6(uint8_t last)
{
	return (struct address){ ADDRESS_INET6, 40000, { 0x20, 0x01, 0x0d, 0xb8, 1, 2, 3, 0xff, 5, 6, 7, 8, 9, 10, 11, last } };
}

static struct address hidden(struct privacy *privacy, enum privacy_mode mode, struct address client)
{
	privacy_hide(privacy, 0, mode, &client);
	return client;
}

static void a_mask_leaves_the_prefix_alone(void **state)
{
	static const struct { unsigned length; uint8_t octets[4]; const char *why; } rows[] = {
		{ 0, { 0, 0, 0, 0 }, "nothing" }, { 1, { 128, 0, 0, 0 }, "a bit" }, { 20, { 192, 0, 0xf0, 0 }, "half an octet" },
		{ 24, { 192, 0, 255, 0 }, "the default" }, { 31, { 192, 0, 255, 254 }, "all but a bit" },
		{ 32, { 192, 0, 255, 255 }, "all" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct privacy *privacy = privacy_create(key, rows[i].length, 56, 1);
		struct address got = hidden(privacy, PRIVACY_MASK, address4(192, 0, 255, 255));

		if (got.family != ADDRESS_INET || got.port != 0 || memcmp(got.octets, rows[i].octets, 4) != 0)
			fail_msg("%s: %u.%u.%u.%u", rows[i].why, got.octets[0], got.octets[1], got.octets[2], got.octets[3]);
		privacy_destroy(&privacy);
	}
}

static void a_mask_of_ipv6_has_its_own_length(void **state)
{
	struct privacy *privacy = privacy_create(key, 24, 57, 1);
	struct address got = hidden(privacy, PRIVACY_MASK, address6(12));
	static const uint8_t rest[8];

	(void)state;
	assert_int_equal(got.octets[6], 3);
	assert_int_equal(got.octets[7], 0x80);
	assert_memory_equal(got.octets + 8, rest, 8);
	assert_int_equal(got.port, 0);
	privacy_destroy(&privacy);
}

static void who_is_not_hidden_stays(void **state)
{
	struct privacy *privacy = privacy_create(key, 24, 56, 1);
	struct address client = address4(192, 0, 2, 1), got = hidden(privacy, PRIVACY_NONE, client);
	struct address nobody = { ADDRESS_NONE, 0, { 0 } };

	(void)state;
	assert_memory_equal(&got, &client, sizeof(got));
	got = hidden(privacy, PRIVACY_PSEUDONYM, nobody);
	assert_int_equal(got.family, ADDRESS_NONE);
	privacy_destroy(&privacy);
}

/* AES-128 of ::ffff:192.0.2.1 with this key, by `openssl enc -aes-128-ecb -nopad`. */
static void a_pseudonym_is_in_the_discard_only_prefix(void **state)
{
	static const uint8_t wanted[16] = { 0x01, 0, 0, 0, 0, 0, 0, 0, 0x1d, 0xbd, 0xc1, 0xb9, 0xff, 0xf1, 0x75, 0x86 };
	struct privacy *privacy = privacy_create(key, 24, 56, 1);
	struct address got = hidden(privacy, PRIVACY_PSEUDONYM, address4(192, 0, 2, 1));

	(void)state;
	assert_int_equal(got.family, ADDRESS_INET6);
	assert_int_equal(got.port, 0);
	assert_memory_equal(got.octets, wanted, 16);
	privacy_destroy(&privacy);
}

static void a_pseudonym_is_one_clients_and_one_keys(void **state)
{
	static const uint8_t other_key[PRIVACY_KEY_OCTETS] = { 1 };
	struct privacy *privacy = privacy_create(key, 24, 56, 2), *other = privacy_create(other_key, 24, 56, 2);
	struct address first = hidden(privacy, PRIVACY_PSEUDONYM, address4(192, 0, 2, 1)), again = address4(192, 0, 2, 1), got;
	static const struct address mapped = { ADDRESS_INET6, 9, { [10] = 255, [11] = 255, 192, 0, 2, 1 } };

	(void)state;
	privacy_hide(privacy, 1, PRIVACY_PSEUDONYM, &again);
	assert_memory_equal(again.octets, first.octets, 16);
	got = hidden(privacy, PRIVACY_PSEUDONYM, mapped);
	assert_memory_equal(got.octets, first.octets, 16);
	got = hidden(privacy, PRIVACY_PSEUDONYM, address4(192, 0, 2, 2));
	assert_memory_not_equal(got.octets, first.octets, 16);
	got = hidden(privacy, PRIVACY_PSEUDONYM, address6(1));
	assert_memory_not_equal(got.octets, first.octets, 16);
	got = hidden(other, PRIVACY_PSEUDONYM, address4(192, 0, 2, 1));
	assert_memory_not_equal(got.octets, first.octets, 16);
	privacy_destroy(&privacy);
	privacy_destroy(&other);
}

static void what_can_not_be_done_hides_everything(void **state)
{
	static const uint8_t nothing[16], discard[16] = { 1 };
	struct privacy *privacy = privacy_create(key, 24, 56, 1);
	struct address client = address4(192, 0, 2, 1);

	(void)state;
	privacy_hide(privacy, 1, PRIVACY_PSEUDONYM, &client);   /* no such worker */
	assert_memory_equal(client.octets, discard, 16);
	client = address6(1);
	privacy_hide(NULL, 0, PRIVACY_MASK, &client);
	assert_memory_equal(client.octets, nothing, 16);
	privacy_destroy(&privacy);
}

static void the_key_is_made_once_and_read_again(void **state)
{
	struct directory directory = directory_make();
	uint8_t first[PRIVACY_KEY_OCTETS] = { 0 }, second[PRIVACY_KEY_OCTETS] = { 0 };
	static const uint8_t nothing[PRIVACY_KEY_OCTETS];
	mode_t before = umask(077);
	struct diag diag;

	(void)state;
	assert_int_equal(privacy_key_load(directory.path, first, &diag), 0);
	umask(before);
	assert_int_equal(directory_mode(&directory, PRIVACY_KEY_FILE), 0640);
	assert_int_equal(directory_size(&directory, PRIVACY_KEY_FILE), 33);
	assert_int_equal(directory_count(&directory, PRIVACY_KEY_FILE), 1);
	assert_int_equal(privacy_key_load(directory.path, second, &diag), 0);
	assert_memory_equal(first, second, sizeof(first));
	assert_memory_not_equal(first, nothing, sizeof(first));
	directory_remove(&directory);
}

/* It had the same process number, as in a container. */
static void a_process_that_was_killed_making_it_is_in_nobodys_way(void **state)
{
	struct directory directory = directory_make();
	uint8_t first[PRIVACY_KEY_OCTETS] = { 0 }, second[PRIVACY_KEY_OCTETS] = { 0 };
	char name[64];
	struct diag diag;
	int fd;

	(void)state;
	snprintf(name, sizeof(name), PRIVACY_KEY_FILE ".%ld", (long)getpid());
	fd = openat(directory.fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(privacy_key_load(directory.path, first, &diag), 0);
	assert_int_equal(privacy_key_load(directory.path, second, &diag), 0);
	assert_memory_equal(first, second, sizeof(first));
	directory_remove(&directory);
}

static void a_key_that_is_none_is_refused(void **state)
{
	static const struct { const char *text; mode_t mode; const char *says, *why; } rows[] = {
		{ "", 0600, "32 hex", "empty" },
		{ "000102030405060708090a0b0c0d0e0", 0600, "32 hex", "a digit less" },
		{ "000102030405060708090a0b0c0d0e0f0", 0600, "32 hex", "a digit more" },
		{ "000102030405060708090a0b0c0d0e0g", 0600, "32 hex", "no digit" },
		{ "000102030405060708090a0b0c0d0e0f\n", 0644, "others can", "everybody can read it" },
		{ "000102030405060708090a0b0c0d0e0f\n", 0660, "others can", "the group can change it" },
		{ "000102030405060708090a0b0c0d0e0f\n", 0640, NULL, "a key" },
		{ "000102030405060708090a0b0c0d0e0f", 0400, NULL, "a key without a line's end" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct directory directory = directory_make();
		uint8_t got[PRIVACY_KEY_OCTETS];
		struct diag diag = { 0 };
		int result;

		directory_write(&directory, PRIVACY_KEY_FILE, 0, rows[i].text, strlen(rows[i].text));
		assert_int_equal(fchmodat(directory.fd, PRIVACY_KEY_FILE, rows[i].mode, 0), 0);
		result = privacy_key_load(directory.path, got, &diag);
		if (result != (rows[i].says ? -1 : 0) || (rows[i].says && !strstr(diag.text, rows[i].says)))
			fail_msg("%s: %d %s", rows[i].why, result, diag.text);
		if (result == 0)
			assert_int_equal(got[15], 15);
		directory_remove(&directory);
	}
}

static void a_link_is_no_key_and_no_directory_keeps_none(void **state)
{
	struct directory directory = directory_make();
	uint8_t got[PRIVACY_KEY_OCTETS];
	struct diag diag = { 0 };
	char nowhere[128];

	(void)state;
	directory_write(&directory, "other", 0, "000102030405060708090a0b0c0d0e0f", 32);
	assert_int_equal(symlinkat("other", directory.fd, PRIVACY_KEY_FILE), 0);
	assert_int_equal(privacy_key_load(directory.path, got, &diag), -1);
	snprintf(nowhere, sizeof(nowhere), "%s/none", directory.path);
	assert_int_equal(privacy_key_load(nowhere, got, &diag), 1);
	directory_remove(&directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mask_leaves_the_prefix_alone),
		cmocka_unit_test(a_mask_of_ipv6_has_its_own_length),
		cmocka_unit_test(who_is_not_hidden_stays),
		cmocka_unit_test(a_pseudonym_is_in_the_discard_only_prefix),
		cmocka_unit_test(a_pseudonym_is_one_clients_and_one_keys),
		cmocka_unit_test(what_can_not_be_done_hides_everything),
		cmocka_unit_test(the_key_is_made_once_and_read_again),
		cmocka_unit_test(a_process_that_was_killed_making_it_is_in_nobodys_way),
		cmocka_unit_test(a_key_that_is_none_is_refused),
		cmocka_unit_test(a_link_is_no_key_and_no_directory_keeps_none),
	};

	return cmocka_run_group_tests_name("privacy", tests, NULL, NULL);
}
