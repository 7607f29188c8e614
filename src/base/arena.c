/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that ends together: a list of chunks filled front to back. Chunks before `current` hold
 * live data, those behind it are spare, so a reset or a rewind only moves `current` back. Under
 * AddressSanitizer what is not handed out is poisoned and each piece is followed by a red zone.
 */
#include "base/base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
enum { RED_ZONE = 16 };
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
enum { RED_ZONE = 0 };
#endif

/* First chunk: a small program and its text. Later ones double up to the last figure, so that a
 * large arena has few; what is larger gets a chunk of its own size. */
enum { ALIGNMENT = 16, CHUNK_MIN = 64 << 10, CHUNK_MAX = 4 << 20 };

struct chunk {
    struct chunk *next;
    size_t capacity;
    size_t used; /* 0 behind `current` */
    size_t pad;
    unsigned char data[];
};
_Static_assert(offsetof(struct chunk, data) % ALIGNMENT == 0, "data of a chunk must be aligned");

struct arena {
    struct chunk *first; /* never NULL */
    struct chunk *current;
    size_t next_capacity;
    struct arena *children, *sibling; /* arena_child's */
};

_Noreturn static void out_of_memory(size_t size)
{
    /* No stdio: it may want memory itself. 2: the environment's fault. */
    char text[64];
    int n = snprintf(text, sizeof text, "opjury: out of memory (%zu bytes)\n", size);
    if (n > 0 && write(STDERR_FILENO, text, (size_t)n) < 0) {
        _exit(2);
    }
    _exit(2);
}

void *xmalloc(size_t size)
{
    void *p = malloc(size ? size : 1);
    if (!p) {
        out_of_memory(size);
    }
    return p;
}

void *xcalloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);
    if (!p) {
        out_of_memory(size);
    }
    return p;
}

void *xrealloc(void *old, size_t size)
{
    void *p = realloc(old, size ? size : 1);
    if (!p) {
        out_of_memory(size);
    }
    return p;
}

char *xstrdup(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(xmalloc(size), text, size);
}

static struct chunk *chunk_new(size_t capacity)
{
    struct chunk *chunk = xmalloc(sizeof *chunk + capacity);
    *chunk = (struct chunk){.capacity = capacity};
    ASAN_POISON_MEMORY_REGION(chunk->data, capacity);
    return chunk;
}

struct arena *arena_new(void)
{
    struct arena *arena = xcalloc(1, sizeof *arena);
    arena->first = arena->current = chunk_new(CHUNK_MIN);
    arena->next_capacity = 2 * CHUNK_MIN;
    return arena;
}

struct arena *arena_child(struct arena *parent)
{
    struct arena *child = arena_new();
    child->sibling = parent->children;
    parent->children = child;
    return child;
}

static void free_children(struct arena *arena)
{
    for (struct arena *child = arena->children, *next; child; child = next) {
        next = child->sibling;
        arena_free(child);
    }
    arena->children = NULL;
}

void arena_free(struct arena *arena)
{
    if (!arena) {
        return;
    }
    free_children(arena);
    for (struct chunk *chunk = arena->first, *next; chunk; chunk = next) {
        next = chunk->next;
        ASAN_UNPOISON_MEMORY_REGION(chunk->data, chunk->capacity);
        free(chunk);
    }
    free(arena);
}

/* Make a chunk with room for `need` bytes current: the first spare one that is large enough is
 * moved there, else a new one comes. Keeping the search over all spare ones bounds the memory of an
 * arena that is reset again and again, whatever the order of sizes. */
static void arena_advance(struct arena *arena, size_t need)
{
    struct chunk **link = &arena->current->next;
    while (*link && (*link)->capacity < need) {
        link = &(*link)->next;
    }
    struct chunk *chunk = *link;
    if (chunk) {
        *link = chunk->next;
    } else {
        chunk = chunk_new(need > arena->next_capacity ? need : arena->next_capacity);
        if (arena->next_capacity < CHUNK_MAX) {
            arena->next_capacity *= 2;
        }
    }
    chunk->next = arena->current->next;
    arena->current->next = chunk;
    arena->current = chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX / 4) {
        out_of_memory(size);
    }
    size_t need = (size + RED_ZONE + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (need > arena->current->capacity - arena->current->used) {
        arena_advance(arena, need);
    }
    struct chunk *chunk = arena->current;
    void *p = chunk->data + chunk->used;
    chunk->used += need;
    ASAN_UNPOISON_MEMORY_REGION(p, size);
    return p;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    return memset(arena_alloc(arena, size), 0, size);
}

void *arena_copy(struct arena *arena, const void *data, size_t size)
{
    void *p = arena_alloc(arena, size);
    if (size) {
        memcpy(p, data, size);
    }
    return p;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_copy(arena, text, strlen(text) + 1);
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    int cause = errno;
    char text[256]; /* most fit; a longer one is formatted again */
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    CHECK(n >= 0);
    size_t size = (size_t)n + 1;
    char *copy = arena_alloc(arena, size);
    if (size <= sizeof text) {
        return memcpy(copy, text, size);
    }
    va_start(args, format);
    errno = cause;
    vsnprintf(copy, size, format, args);
    va_end(args);
    return copy;
}

static bool has_room(size_t n)
{
    return (n & (n - 1)) != 0;
}

void *heap_room(void *items, size_t n, size_t size)
{
    return has_room(n) ? items : xrealloc(items, (n > 0 ? 2 * n : 1) * size);
}

void *arena_room(struct arena *arena, void *items, size_t n, size_t size)
{
    if (has_room(n)) {
        return items;
    }
    char *more = arena_alloc(arena, (n > 0 ? 2 * n : 1) * size);
    if (n > 0) {
        memcpy(more, items, n * size);
    }
    return more;
}

void texts_add(struct texts *texts, const char *text, struct arena *arena)
{
    texts->items = arena_room(arena, texts->items, texts->n, sizeof *texts->items);
    texts->items[texts->n++] = text;
}

bool texts_have(const struct texts *texts, const char *text)
{
    for (size_t i = 0; i < texts->n; i++) {
        if (strcmp(texts->items[i], text) == 0) {
            return true;
        }
    }
    return false;
}

void arena_reset(struct arena *arena)
{
    free_children(arena);
    arena_rewind(arena, (struct arena_mark){.chunk = arena->first, .used = 0});
}

void arena_trim(struct arena *arena, size_t keep)
{
    struct chunk **link = &arena->first->next;
    CHECK(arena->current == arena->first);
    for (size_t kept = arena->first->capacity; *link;) {
        struct chunk *chunk = *link;
        if (chunk->capacity <= keep && kept <= keep - chunk->capacity) {
            kept += chunk->capacity;
            link = &chunk->next;
        } else {
            *link = chunk->next;
            ASAN_UNPOISON_MEMORY_REGION(chunk->data, chunk->capacity);
            free(chunk);
        }
    }
    /* What was given back may be needed again, in as few pieces. */
    if (arena->next_capacity > keep && keep > CHUNK_MIN) {
        arena->next_capacity = keep;
    }
}

struct arena_mark arena_mark(const struct arena *arena)
{
    return (struct arena_mark){.chunk = arena->current, .used = arena->current->used};
}

void arena_rewind(struct arena *arena, struct arena_mark mark)
{
    struct chunk *target = mark.chunk;
    struct chunk *end = arena->current->next;
    for (struct chunk *chunk = target; chunk != end; chunk = chunk->next) {
        size_t keep = chunk == target ? mark.used : 0;
        CHECK(keep <= chunk->used);
        ASAN_POISON_MEMORY_REGION(chunk->data + keep, chunk->used - keep);
        chunk->used = keep;
    }
    arena->current = target;
}

size_t arena_used(const struct arena *arena)
{
    size_t used = 0;
    for (const struct chunk *chunk = arena->first; chunk != arena->current->next;
         chunk = chunk->next) {
        used += chunk->used;
    }
    return used;
}
