/* unpack.c: gzip by zlib, xz by liblzma, both into memory that grows and goes back to the system. */
#include "policy/unpack.h"

#include <lzma.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <zlib.h>

#define FIRST_OCTETS ((size_t)1 << 20)
#define PIECE_OCTETS ((size_t)1 << 28)             /* zlib counts in unsigned int */
#define XZ_MEMORY_MAX ((uint64_t)128 << 20)        /* xz -9 needs 65 MiB */
#define RATIO_FREE_OCTETS ((size_t)16 << 20)       /* below this any ratio is fine */
#define RATIO_MAX 200                              /* sorted names come to about 10 */

static const char too_large[] = "decompresses to more than `size-max:` allows: raise it if the list is right";
static const char bomb[] = "decompresses to over 200 times its size: no list does, this is a decompression bomb";
static const char damaged[] = "is damaged: its compressed data cannot be read, fetch it again";
static const char cut_short[] = "is cut short: its compressed data has no end, fetch it again";
static const char no_memory[] = "does not fit into memory decompressed";

/* What comes out. */
struct output {
	char *octets;        /* owned: a mapping */
	size_t room;
	size_t used;
	size_t packed;       /* octets of the file */
	size_t max;
};

/* Makes room behind `used`. NULL, or what is wrong. */
static const char *grow(struct output *output)
{
	size_t room = output->room * 2;
	char *octets;

	if (output->used < output->room)
		return NULL;
	if (output->used > output->max)
		return too_large;
	if (output->used > RATIO_FREE_OCTETS && output->used / RATIO_MAX > output->packed)
		return bomb;
	/* One more than allowed, to see that it is too much, and room for the NUL. */
	if (room > output->max + 2)
		room = output->max + 2;
	octets = mremap(output->octets, output->room, room, MREMAP_MAYMOVE);
	if (octets == MAP_FAILED)
		return no_memory;
	output->octets = octets;
	output->room = room;
	return NULL;
}

/* One call of a library: takes from *in, adds to the output. `done`: all of it is read. */
typedef const char *(*step)(void *stream, const char *in, size_t *in_octets, char *out, size_t *out_octets,
	bool *done);

static const char *gzip_step(void *stream, const char *in, size_t *in_octets, char *out, size_t *out_octets,
	bool *done)
{
	z_stream *zlib = stream;
	const size_t given = *in_octets < PIECE_OCTETS ? *in_octets : PIECE_OCTETS;
	const size_t room = *out_octets < PIECE_OCTETS ? *out_octets : PIECE_OCTETS;
	int status;

	/* zlib never writes to its input. */
	zlib->next_in = (Bytef *)(uintptr_t)in;
	zlib->avail_in = (uInt)given;
	zlib->next_out = (Bytef *)out;
	zlib->avail_out = (uInt)room;
	status = inflate(zlib, Z_NO_FLUSH);
	*in_octets = given - zlib->avail_in;
	*out_octets = room - zlib->avail_out;
	if (status == Z_OK)
		return NULL;
	if (status == Z_BUF_ERROR)
		return cut_short;
	if (status != Z_STREAM_END)
		return status == Z_MEM_ERROR ? no_memory : damaged;
	/* Another member, or zeros up to the end of a block. */
	*done = in[*in_octets] == '\0';
	return *done || inflateReset(zlib) == Z_OK ? NULL : damaged;
}

static const char *xz_step(void *stream, const char *in, size_t *in_octets, char *out, size_t *out_octets,
	bool *done)
{
	lzma_stream *lzma = stream;
	const size_t given = *in_octets, room = *out_octets;
	lzma_ret status;

	lzma->next_in = (const uint8_t *)in;
	lzma->avail_in = given;
	lzma->next_out = (uint8_t *)out;
	lzma->avail_out = room;
	status = lzma_code(lzma, LZMA_FINISH);
	*in_octets = given - lzma->avail_in;
	*out_octets = room - lzma->avail_out;
	*done = status == LZMA_STREAM_END;
	if (*done || status == LZMA_OK)
		return NULL;
	if (status == LZMA_MEM_ERROR)
		return no_memory;
	if (status == LZMA_MEMLIMIT_ERROR)
		return "needs over 128 MiB to decompress: compress it with xz -9 or less";
	return status == LZMA_BUF_ERROR ? cut_short : damaged;
}

static const char *run(struct output *output, const struct file_text *text, step take, void *stream)
{
	const char *wrong = NULL;
	size_t at = 0;
	bool done = false;

	while (wrong == NULL && !done) {
		size_t in = text->length - at, out;

		wrong = grow(output);
		if (wrong != NULL)
			break;
		out = output->room - output->used;
		wrong = take(stream, text->octets + at, &in, output->octets + output->used, &out, &done);
		at += in;
		output->used += out;
		/* A gzip member that ends with the file is its end. */
		if (wrong == NULL && !done && in == 0 && out == 0)
			wrong = cut_short;
	}
	if (wrong == NULL && output->used > output->max)
		wrong = too_large;
	return wrong != NULL ? wrong : grow(output);
}

static const char *run_gzip(struct output *output, const struct file_text *text)
{
	z_stream zlib = { .next_in = NULL };
	const char *wrong = no_memory;

	if (inflateInit2(&zlib, 15 + 16) == Z_OK) {   /* the largest window, gzip's header alone */
		wrong = run(output, text, gzip_step, &zlib);
		inflateEnd(&zlib);
	}
	return wrong;
}

static const char *run_xz(struct output *output, const struct file_text *text)
{
	lzma_stream lzma = LZMA_STREAM_INIT;
	const char *wrong = no_memory;

	if (lzma_stream_decoder(&lzma, XZ_MEMORY_MAX, LZMA_CONCATENATED) == LZMA_OK) {
		wrong = run(output, text, xz_step, &lzma);
		lzma_end(&lzma);
	}
	return wrong;
}

/* The octets as file_release wants them: a mapping of the length and a NUL. */
static const char *finish(struct output *output, struct file_text *text)
{
	char *octets = mremap(output->octets, output->room, output->used + 1, MREMAP_MAYMOVE);

	if (octets == MAP_FAILED)
		return no_memory;
	octets[output->used] = '\0';
	munmap(text->octets, text->length + 1);
	text->octets = octets;
	text->length = output->used;
	return NULL;
}

static bool is_gzip(const char *octets, size_t length)
{
	return length >= 2 && memcmp(octets, "\x1f\x8b", 2) == 0;
}

static bool is_xz(const char *octets, size_t length)
{
	return length >= 6 && memcmp(octets, "\xfd" "7zXZ\0", 6) == 0;
}

bool unpack_knows(const char *octets, size_t length)
{
	return is_gzip(octets, length) || is_xz(octets, length);
}

const char *unpack(struct file_text *text, size_t octets_max)
{
	const bool gzip = is_gzip(text->octets, text->length);
	const bool xz = is_xz(text->octets, text->length);
	struct output output = { .room = FIRST_OCTETS, .packed = text->length, .max = octets_max };
	const char *wrong;

	if (!gzip && !xz)
		return NULL;
	output.octets = mmap(NULL, output.room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (output.octets == MAP_FAILED)
		return no_memory;
	wrong = gzip ? run_gzip(&output, text) : run_xz(&output, text);
	if (wrong == NULL)
		wrong = finish(&output, text);
	if (wrong != NULL)
		munmap(output.octets, output.room);
	return wrong;
}
