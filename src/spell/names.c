/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A map from names to numbers: values of a model by name, names already taken in a source or a
 * model. Open addressing, at most half full, all memory the arena's.
 */
#include "spell/spell_internal.h"

#include <string.h>

struct entry {
    const char *name;
    uint64_t hash;
    uint32_t number;
};

struct names {
    struct arena *arena;
    struct entry *entries;
    size_t n, capacity; /* a power of two */
};

struct names *names_new(struct arena *arena, size_t expected)
{
    struct names *names = arena_alloc(arena, sizeof *names);
    size_t capacity = 16;

    while (capacity / 2 < expected) {
        capacity *= 2;
    }
    *names = (struct names){.arena = arena, .capacity = capacity};
    names->entries = ARENA_ZARRAY(arena, struct entry, capacity);
    return names;
}

static struct entry *find(const struct names *names, const char *name, uint64_t hash)
{
    for (size_t i = hash;; i++) {
        struct entry *e = &names->entries[i & (names->capacity - 1)];
        if (!e->name || (e->hash == hash && strcmp(e->name, name) == 0)) {
            return e;
        }
    }
}

uint32_t names_find(const struct names *names, const char *name)
{
    const struct entry *e = find(names, name, hash_text(name, 0));
    return e->name ? e->number : NAME_NONE;
}

static void grow(struct names *names)
{
    struct entry *old = names->entries;
    size_t n = names->capacity;

    names->capacity *= 2;
    names->entries = ARENA_ZARRAY(names->arena, struct entry, names->capacity);
    for (size_t i = 0; i < n; i++) {
        if (old[i].name) {
            *find(names, old[i].name, old[i].hash) = old[i];
        }
    }
}

void names_set(struct names *names, const char *name, uint32_t number)
{
    uint64_t hash = hash_text(name, 0);
    struct entry *e = find(names, name, hash);

    if (!e->name && ++names->n > names->capacity / 2) {
        grow(names);
        e = find(names, name, hash);
    }
    *e = (struct entry){e->name ? e->name : name, hash, number};
}

const char *names_add_fresh(struct names *names, const char *name, uint32_t number)
{
    const char *fresh = name;

    for (unsigned i = 2; names_find(names, fresh) != NAME_NONE; i++) {
        fresh = arena_printf(names->arena, "%s_%u", name, i);
    }
    names_set(names, fresh, number);
    return fresh;
}
