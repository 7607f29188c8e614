/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base: what every other stage stands on. Memory (arena, buffer), the error record, the log, random
 * streams, hashing, files and clocks. Knows nothing of fuzzing. Nothing here is thread-safe but the
 * error record, which is one per thread.
 */
#ifndef OPJURY_BASE_H
#define OPJURY_BASE_H

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define STRINGIFY_(x) #x
#define STRINGIFY(x) STRINGIFY_(x) /* of a macro its value */
#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

/* ---- errors: what the world does (files, sockets, bad input). Our own faults are BUG(). ---- */

#define ERR_MAP(X)                                                                                 \
    X(USAGE, "wrong use")           /* a command line or a setting */                              \
    X(INPUT, "malformed input")     /* a file or text that does not parse or does not hold */      \
    X(IO, "input/output error")     /* the operating system said no */                             \
    X(MISSING, "not installed")     /* library, interpreter, program or file is not there */       \
    X(UNSUPPORTED, "not supported") /* understood, but cannot be expressed or done */              \
    X(LIMIT, "limit reached")       /* a stated bound was hit */                                   \
    X(STORE, "store error")         /* SQLite said no */                                           \
    X(STOPPED, "stopped")           /* the user asked to stop (SIGINT, SIGTERM) */                 \
    X(CLOSED, "output closed")      /* nobody reads any more what we print: `| head` */

enum err {
    ERR_OK = 0,
#define ERR_ENUM(name, text) ERR_##name,
    ERR_MAP(ERR_ENUM)
#undef ERR_ENUM
};

/* Record what went wrong and return `code`. The first place that knows the cause says it; callers
 * propagate with TRY. The text is one line that says what and how to mend it. %m works. */
enum err err_set(enum err code, const char *format, ...) PRINTF_LIKE(2, 3);
#ifdef __clang_analyzer__ /* which does not look into err.c: what is given is returned */
#define err_set(code, ...) ((void)(err_set)(code, __VA_ARGS__), (code))
#endif
/* The text of this thread's last err_set; valid until the next. Never NULL. */
const char *err_text(void);
/* The kind in words ("malformed input"). */
const char *err_name(enum err code);

#define TRY(expression)                                                                            \
    do {                                                                                           \
        enum err try_err_ = (expression);                                                          \
        if (try_err_ != ERR_OK) {                                                                  \
            return try_err_;                                                                       \
        }                                                                                          \
    } while (0)

/* Ours: prints the place and aborts. */
_Noreturn void bug_at(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4);
#define BUG(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
/* Like assert, kept in release builds: the invariants of a judge must hold there too. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            BUG("%s", #condition);                                                                 \
        }                                                                                          \
    } while (0)

/* ---- log: one line each, to stderr ---- */

enum log_level { LOG_QUIET, LOG_WARN, LOG_INFO, LOG_DEBUG };
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

/* Set by SIGINT / SIGTERM handlers (main.c installs them); long loops look at it. */
extern volatile sig_atomic_t stop_requested;

/* ---- arena: memory that ends together. Out of memory ends the process with a message. ---- */

struct arena;
struct arena *arena_new(void);
void arena_free(struct arena *arena); /* NULL is fine */
/* One that ends with the parent, at the parent's next reset or free, but is reset by itself. It
 * must not be freed. */
struct arena *arena_child(struct arena *parent);
/* Uninitialised / zeroed memory, aligned for any type (16). size 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((alloc_size(2), returns_nonnull));
void *arena_zalloc(struct arena *arena, size_t size)
    __attribute__((alloc_size(2), returns_nonnull));
void *arena_copy(struct arena *arena, const void *data, size_t size)
    __attribute__((returns_nonnull));
char *arena_strdup(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
/* Forget all that was allocated; the memory is kept for reuse. */
void arena_reset(struct arena *arena);
/* Give back all but the first `keep` bytes or so of an arena that was just reset: what one large
 * round needed is not kept for ever. */
void arena_trim(struct arena *arena, size_t keep);
/* Forget all that was allocated since the mark. */
struct arena_mark {
    void *chunk;
    size_t used;
};
struct arena_mark arena_mark(const struct arena *arena);
void arena_rewind(struct arena *arena, struct arena_mark mark);
/* Bytes handed out since the last reset. */
size_t arena_used(const struct arena *arena);
#define ARENA_ARRAY(arena, type, n) ((type *)arena_alloc((arena), sizeof(type) * (n)))
#define ARENA_ZARRAY(arena, type, n) ((type *)arena_zalloc((arena), sizeof(type) * (n)))

/* malloc family that ends the process with a message instead of returning NULL. */
void *xmalloc(size_t size) __attribute__((alloc_size(1), returns_nonnull));
void *xcalloc(size_t n, size_t size) __attribute__((alloc_size(1, 2), returns_nonnull));
void *xrealloc(void *old, size_t size) __attribute__((alloc_size(2), returns_nonnull));
char *xstrdup(const char *text);

/* Room for one more behind n items in an array that grows by this alone: its capacity is a power of
 * two. The items as they are, or a copy of them: in the arena, or by malloc. */
void *arena_room(struct arena *arena, void *items, size_t n, size_t size);
void *heap_room(void *items, size_t n, size_t size);

/* Texts in order, as many as come: of an option that may be repeated, files of a folder. The texts
 * themselves are the caller's. */
struct texts {
    size_t n;
    const char **items;
};
void texts_add(struct texts *texts, const char *text, struct arena *arena);
bool texts_have(const struct texts *texts, const char *text);

/* ---- buffer: growing bytes, NUL-terminated behind `size` once something was appended ---- */

struct buffer {
    char *data;
    size_t size;
    size_t capacity;
};
#define BUFFER_INIT {0}
void buffer_release(struct buffer *buffer); /* frees and zeroes */
void buffer_clear(struct buffer *buffer);   /* size 0, memory kept */
void buffer_append(struct buffer *buffer, const void *data, size_t size);
void buffer_puts(struct buffer *buffer, const char *text);
void buffer_printf(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);
void buffer_reserve(struct buffer *buffer, size_t more);
/* Give the bytes away (caller frees); the buffer is empty afterwards. Never NULL. */
char *buffer_detach(struct buffer *buffer, size_t *size);

/* Length of the valid UTF-8 sequence that begins at bytes[0..n), n > 0; 0 if there is none (RFC
 * 3629). */
size_t utf8_length(const void *bytes, size_t n);

/* ---- random streams: xoshiro256** (Blackman & Vigna), seeded by splitmix64. The only source of
 *      chance in the engine, of integers and exact binary fractions: the same everywhere. */

struct rng {
    uint64_t s[4];
};
struct rng rng_seeded(uint64_t seed);
/* A stream of its own, a function of the parent's *state* and `label`; the parent does not move. */
struct rng rng_split(const struct rng *parent, uint64_t label);
static inline uint64_t rng_next(struct rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t fivefold = s[1] * 5, result = (fivefold << 7 | fivefold >> 57) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = s[3] << 45 | s[3] >> 19;
    return result;
}
/* The rest of rng_below, for the few draws that would favour some results. */
uint64_t rng_below_again(struct rng *rng, uint64_t n, unsigned __int128 product);
/* 0 .. n-1, unbiased; n > 0. D. Lemire, "Fast random integer generation in an interval", 2019: the
 * high word of a product. */
static inline uint64_t rng_below(struct rng *rng, uint64_t n)
{
    CHECK(n > 0);
    unsigned __int128 product = (unsigned __int128)rng_next(rng) * n;
    return (uint64_t)product < n ? rng_below_again(rng, n, product) : (uint64_t)(product >> 64);
}
int64_t rng_range(struct rng *rng, int64_t lo, int64_t hi); /* lo .. hi inclusive */
/* true with num/den */
static inline bool rng_chance(struct rng *rng, unsigned num, unsigned den)
{
    return rng_below(rng, den) < num;
}
double rng_unit(struct rng *rng); /* [0, 1), 53 bits */
/* lo .. hi, log-uniform by binary magnitude (each bit length equally likely); 0 <= lo <= hi. */
int64_t rng_log_range(struct rng *rng, int64_t lo, int64_t hi);
/* Index drawn in proportion to weights[i]; all zero gives n. */
size_t rng_weighted(struct rng *rng, const uint32_t *weights, size_t n);
void rng_shuffle(struct rng *rng, uint32_t *items, size_t n);

/* Names: mostly the same literal, or other ones from the first letter on. */
static inline bool text_equal(const char *a, const char *b)
{
    return a == b || (a[0] == b[0] && strcmp(a, b) == 0);
}

/* The greatest, by Euclid's remainders; with 0 the other one. */
static inline int64_t common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* ---- hash: XXH3-64 ---- */

uint64_t hash_bytes(const void *data, size_t size, uint64_t seed);
uint64_t hash_text(const char *text, uint64_t seed);
uint64_t hash_mix(uint64_t a, uint64_t b);

/* ---- files, clocks ---- */

/* Whole file into `buffer` (appended). `limit` bytes at most, 0 = 1 GiB. */
MUST_USE enum err file_read(const char *path, size_t limit, struct buffer *buffer);
/* Written beside and renamed: a reader sees the old or the new file, never a part. fsynced. */
MUST_USE enum err file_write(const char *path, const void *data, size_t size);
bool file_exists(const char *path);
/* mkdir -p. */
MUST_USE enum err dir_make(const char *path);
/* Directory of the running executable. Lives in `arena`. */
MUST_USE enum err exe_dir(struct arena *arena, char **dir);
/* $XDG_CACHE_HOME/opjury or ~/.cache/opjury (or $OPJURY_CACHE), made when missing. */
MUST_USE enum err cache_dir(struct arena *arena, char **dir);

double clock_wall(void);            /* monotonic seconds */
double clock_cpu_self(void);        /* user + system seconds of this process */
double clock_cpu_children(void);    /* of its reaped children */
double clock_cpu_of(pid_t pid);     /* of another process, without its children; 0: it is none */
double clock_cpu_waited(pid_t pid); /* of the children it has waited for, in clock ticks */
/* Waits for a child's end, which is forced after `patience` seconds: its status, and the CPU time
 * of it and of all that it reaped. */
int child_reap(pid_t pid, double patience, double *cpu);

/* ---- peer: a script under scripts/ in an interpreter of its own, which answers a line for a line.
 *      It dies with this process. Its stderr is ours. */

struct peer {
    const char *script;
    pid_t pid;
    int fd;
    double patience;  /* seconds to wait for its next word; 0: for ever. The caller may set it */
    bool stops;       /* a Ctrl-C ends the wait with ERR_STOPPED. The caller may set it */
    double cpu_ended; /* seconds that it used, once it has ended */
    struct buffer in; /* what came; up to `taken` it was given to the caller */
    size_t taken;
};
/* ERR_MISSING: there is no such script. Whether the interpreter runs shows at the first line. */
MUST_USE enum err peer_start(const char *python, const char *script, struct arena *arena,
                             struct peer *peer);
/* The next line it says without its end, or n bytes; the peer's until the next call. ERR_IO: it has
 * ended, or says nothing. */
MUST_USE enum err peer_line(struct peer *peer, char **line);
MUST_USE enum err peer_bytes(struct peer *peer, size_t n, char **bytes);
MUST_USE enum err peer_say(struct peer *peer, const char *text);
/* Its answer to a line. */
MUST_USE enum err peer_ask(struct peer *peer, char **line, const char *format, ...)
    PRINTF_LIKE(3, 4);
double peer_cpu(const struct peer *peer); /* seconds so far */
/* Fine on one that has ended, and on a zeroed one. */
void peer_stop(struct peer *peer);

#endif
