/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buckets of a campaign as they are known to who puts a failure in one: an engine, beside which
 * others find more, or `opjury reduce`. What was reduced goes where the first of its key went, or
 * to the bucket that has its cause; where two have it, they become one.
 */
#include "bucket_test.h"
#include "campaign_parts.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct seen_bucket {
    const char *key;
    size_t into;  /* the bucket that it became a part of; itself: none */
    bool is_full; /* it has as many folders as it may */
};

/* What fails with this signature and holds the ops of this cause may be of that bucket. */
struct explanation {
    const char *library, *signature, *ops;
    size_t bucket;
};

/* A reduced form that a bucket of another key took: what has this key later goes there too. */
struct alias {
    const char *own;
    size_t bucket;
};

struct seen {
    struct store *store;
    const char *dir;
    struct arena *arena;
    struct seen_bucket *buckets;
    size_t n_buckets;
    struct explanation *explanations;
    size_t n_explanations;
    struct alias *aliases;
    size_t n_aliases;
    uint64_t last; /* finding that was read from the store */
};

/* ---- keys ---- */

static const char *library_of(const char *target, struct arena *arena)
{
    return arena_printf(arena, "%.*s", (int)strcspn(target, ":@"), target);
}

/* "LIBRARY | CHAIN | SIGNATURE": the chain. */
static const char *key_chain(const char *key, struct arena *arena)
{
    static const char bar[] = " | ";
    const char *chain = strstr(key, bar);
    const char *end = chain != NULL ? strstr(chain + strlen(bar), bar) : NULL;
    return end == NULL ? ""
                       : arena_printf(arena, "%.*s", (int)(end - chain - (int)strlen(bar)),
                                      chain + strlen(bar));
}

bool is_unreduced_bucket(const char *key)
{
    return strstr(key, " | not reduced | ") != NULL;
}

static const char known_prefix[] = "known | ";

const char *known_bucket_key(const char *rule, struct arena *arena)
{
    return arena_printf(arena, "%s%s", known_prefix, rule);
}

const char *known_bucket_rule(const char *key)
{
    size_t n = strlen(known_prefix);
    return strncmp(key, known_prefix, n) == 0 ? key + n : NULL;
}

const char *row_text(const struct finding_row *row, const char *name, struct arena *arena)
{
    json_t *json = json_loads(row->json, 0, NULL);
    const char *found = json_string_value(json_object_get(json, name));
    const char *text = found != NULL ? arena_strdup(arena, found) : NULL;
    json_decref(json);
    return text;
}

struct texts row_texts(const struct finding_row *row, const char *name, struct arena *arena)
{
    json_t *json = json_loads(row->json, 0, NULL), *item;
    struct texts texts = {0};
    size_t i;
    json_array_foreach(json_object_get(json, name), i, item)
    {
        if (json_is_string(item)) {
            texts_add(&texts, arena_strdup(arena, json_string_value(item)), arena);
        }
    }
    json_decref(json);
    return texts;
}

const char *row_found_signature(const struct finding_row *row, struct arena *arena)
{
    const char *found = row_text(row, "found_signature", arena);
    return found != NULL ? found : row->signature;
}

/* ---- what is known ---- */

struct seen *seen_new(struct store *store, const char *dir)
{
    struct seen *seen = xcalloc(1, sizeof(*seen));
    seen->store = store;
    seen->dir = dir;
    seen->arena = arena_new();
    return seen;
}

void seen_free(struct seen *seen)
{
    if (seen != NULL) {
        arena_free(seen->arena);
        free(seen->buckets);
        free(seen->explanations);
        free(seen->aliases);
        free(seen);
    }
}

/* The bucket that it is a part of. */
static size_t whole_of(const struct seen *seen, size_t bucket)
{
    while (seen->buckets[bucket].into != bucket) {
        bucket = seen->buckets[bucket].into;
    }
    return bucket;
}

const char *seen_key(const struct seen *seen, size_t bucket)
{
    return seen->buckets[whole_of(seen, bucket)].key;
}

static size_t find_bucket(const struct seen *seen, const char *key)
{
    for (size_t i = 0; i < seen->n_buckets; i++) {
        if (strcmp(seen->buckets[i].key, key) == 0) {
            return whole_of(seen, i);
        }
    }
    return NO_BUCKET;
}

size_t seen_bucket(struct seen *seen, const char *key)
{
    size_t found = find_bucket(seen, key);
    if (found != NO_BUCKET) {
        return found;
    }
    seen->buckets = heap_room(seen->buckets, seen->n_buckets, sizeof(*seen->buckets));
    seen->buckets[seen->n_buckets] =
        (struct seen_bucket){.key = arena_strdup(seen->arena, key), .into = seen->n_buckets};
    return seen->n_buckets++;
}

static void add_explanation(struct seen *seen, const char *library, const char *signature,
                            const char *ops, size_t bucket)
{
    for (size_t i = 0; i < seen->n_explanations; i++) {
        const struct explanation *e = &seen->explanations[i];
        if (e->bucket == bucket && strcmp(e->signature, signature) == 0 &&
            strcmp(e->ops, ops) == 0 && strcmp(e->library, library) == 0) {
            return;
        }
    }
    seen->explanations =
        heap_room(seen->explanations, seen->n_explanations, sizeof(*seen->explanations));
    seen->explanations[seen->n_explanations++] = (struct explanation){
        .library = arena_strdup(seen->arena, library),
        .signature = arena_strdup(seen->arena, signature),
        .ops = arena_strdup(seen->arena, ops),
        .bucket = bucket,
    };
}

/* The bucket that took what had this key. */
static size_t taken_by(const struct seen *seen, const char *own)
{
    for (size_t i = 0; i < seen->n_aliases; i++) {
        if (strcmp(seen->aliases[i].own, own) == 0) {
            return whole_of(seen, seen->aliases[i].bucket);
        }
    }
    return NO_BUCKET;
}

static void add_alias(struct seen *seen, const char *own, size_t bucket)
{
    if (taken_by(seen, own) == NO_BUCKET) {
        seen->aliases = heap_room(seen->aliases, seen->n_aliases, sizeof(*seen->aliases));
        seen->aliases[seen->n_aliases++] =
            (struct alias){.own = arena_strdup(seen->arena, own), .bucket = bucket};
    }
}

/* From now on they are one. */
static void learn_merge(struct seen *seen, const char *part, size_t whole)
{
    size_t b = seen_bucket(seen, part);
    if (b != whole) {
        seen->buckets[b].into = whole;
    }
}

static void learn_row(struct seen *seen, const struct finding_row *row, struct arena *arena)
{
    size_t b = seen_bucket(seen, row->bucket);
    if (strcmp(row->state, "new") == 0 && !is_unreduced_bucket(row->bucket)) {
        const char *library = library_of(row->target, arena);
        const char *chain = key_chain(row->bucket, arena);
        const char *own = row_text(row, "own_key", arena);
        struct texts merged = row_texts(row, "merged", arena);
        add_explanation(seen, library, row->signature, chain, b);
        add_explanation(seen, library, row_found_signature(row, arena), chain, b);
        if (own != NULL) {
            add_alias(seen, own, b);
        }
        for (size_t i = 0; i < merged.n; i++) {
            learn_merge(seen, merged.items[i], b);
        }
    }
}

enum err seen_read(struct seen *seen)
{
    struct arena *arena = arena_new();
    struct finding_row *rows;
    size_t n;
    enum err err = store_findings_since(seen->store, seen->last, arena, &rows, &n);
    for (size_t i = 0; err == ERR_OK && i < n; i++) {
        learn_row(seen, &rows[i], arena);
        seen->last = rows[i].id;
    }
    arena_free(arena);
    return err;
}

/* Once it is, it stays so. */
enum err seen_is_full(struct seen *seen, size_t bucket, bool *full)
{
    struct seen_bucket *b = &seen->buckets[whole_of(seen, bucket)];
    *full = b->is_full;
    if (*full) {
        return ERR_OK;
    }
    struct arena *arena = arena_new();
    struct finding_row *rows;
    size_t n;
    enum err err = store_bucket_folders(seen->store, b->key, arena, &rows, &n);
    arena_free(arena);
    TRY(err);
    b->is_full = *full = n >= FOLDERS_A_BUCKET;
    return ERR_OK;
}

/* ---- does a bucket explain what was not reduced? ---- */

/* The next op of a chain "relu(f64) -> clip(f64), add(f32)"; NULL at its end. */
static const char *next_op(const char **chain, size_t *size)
{
    const char *op = *chain + strspn(*chain, " ,");
    if (strncmp(op, "-> ", 3) == 0) {
        op += 3;
    }
    if (*op == '\0') {
        return NULL;
    }
    *size = strcspn(op, " ,");
    *chain = op + *size;
    return op;
}

/* Of a cause "relu(float)" and a program's "relu(f64)". Only what must be half a float says so: the
 * reducer makes f32 and i64 of any dtype with which a failure stays the same. */
static bool op_explains(const char *cause, size_t size, const char *other, size_t other_size)
{
    size_t name = strcspn(cause, "( ,");
    bool is_half = memmem(cause, size, "half", 4) != NULL;
    return strcspn(other, "( ,") == name && memcmp(cause, other, name) == 0 &&
           (!is_half || memmem(other, other_size, "f16", 3) != NULL);
}

static unsigned count_explained(const char *chain, const char *op, size_t size)
{
    unsigned count = 0;
    size_t n;
    for (const char *other = next_op(&chain, &n); other != NULL; other = next_op(&chain, &n)) {
        count += op_explains(op, size, other, n);
    }
    return count;
}

/* Has `whole` every op of the reduced form, as often? */
static bool chain_holds(const char *whole, const char *reduced)
{
    const char *rest = reduced;
    size_t size;
    for (const char *op = next_op(&rest, &size); op != NULL; op = next_op(&rest, &size)) {
        if (count_explained(whole, op, size) < count_explained(reduced, op, size)) {
            return false;
        }
    }
    return true;
}

size_t seen_explaining(const struct seen *seen, const char *library, const char *signature,
                       const char *ops)
{
    for (size_t i = 0; i < seen->n_explanations; i++) {
        const struct explanation *e = &seen->explanations[i];
        if (strcmp(e->library, library) == 0 && strcmp(e->signature, signature) == 0 &&
            chain_holds(ops, e->ops)) {
            return whole_of(seen, e->bucket);
        }
    }
    return NO_BUCKET;
}

/* ---- the bucket of what was reduced ---- */

/* In which is what had this key; NO_BUCKET: nothing had. */
static size_t home_of(const struct seen *seen, const char *own)
{
    size_t taken = taken_by(seen, own);
    return taken != NO_BUCKET ? taken : find_bucket(seen, own);
}

/* While a bucket has few tests each may show that another has its cause. */
static enum err may_be_of_another(struct seen *seen, const struct placed *p, size_t home, bool *may)
{
    bool full = false;
    if (home != NO_BUCKET) {
        TRY(seen_is_full(seen, home, &full));
    }
    *may = home == NO_BUCKET || (p->reduction->complete && (p->is_asked || !full));
    return ERR_OK;
}

/* Which but that one has the cause, by running; NO_BUCKET: none. */
static enum err choose_other(const struct seen *seen, const struct placed *p, size_t home,
                             struct arena *arena, size_t *other)
{
    const char **keys = ARENA_ARRAY(arena, const char *, seen->n_buckets);
    const char *key;
    size_t n = 0;
    for (size_t i = 0; i < seen->n_buckets; i++) {
        if (whole_of(seen, i) == i && i != home) {
            keys[n++] = seen->buckets[i].key;
        }
    }
    struct bucket_tests tests = {.store = seen->store, .dir = seen->dir, .except = p->except};
    const struct older_buckets older = {keys, n, bucket_tests_read, &tests};
    TRY(choose_bucket_key(p->jury, p->failure, p->reduction, &older, arena, &key));
    *other = find_bucket(seen, key);
    *other = *other == home ? NO_BUCKET : *other; /* nor its own key's */
    return ERR_OK;
}

/* Of two that have the cause the older one stays. */
static enum err merge(struct seen *seen, struct placed *p, size_t other, size_t *home,
                      struct arena *arena)
{
    size_t whole = other < *home ? other : *home, part = other < *home ? *home : other;
    TRY(store_merge_buckets(seen->store, seen->buckets[part].key, seen->buckets[whole].key));
    texts_add(&p->merged, arena_strdup(arena, seen->buckets[part].key), arena);
    learn_merge(seen, seen->buckets[part].key, whole);
    *home = whole;
    return ERR_OK;
}

static enum err find_place(struct seen *seen, struct placed *p, struct arena *arena)
{
    size_t home = home_of(seen, p->own);
    bool may;
    TRY(may_be_of_another(seen, p, home, &may));
    while (may) {
        size_t other;
        TRY(choose_other(seen, p, home, arena, &other));
        if (other == NO_BUCKET) {
            break;
        }
        if (home == NO_BUCKET) {
            home = other;
        } else {
            TRY(merge(seen, p, other, &home, arena));
        }
        may = p->reduction->complete;
    }
    p->bucket = home != NO_BUCKET ? home : seen_bucket(seen, p->own);
    return ERR_OK;
}

enum err seen_place(struct seen *seen, struct placed *p, struct arena *arena)
{
    const struct failure *f = p->failure;
    const struct reduction *r = p->reduction;
    const char *library = f->what->kind->name;
    TRY(seen_read(seen));
    p->own = NULL;
    p->merged = (struct texts){0};
    p->bucket = r->complete ? NO_BUCKET
                            : seen_explaining(seen, library, f->signature,
                                              op_chain(r->test->program, arena));
    p->is_guess = p->bucket != NO_BUCKET;
    if (p->is_guess) {
        return ERR_OK;
    }
    p->own = bucket_key(r->test->program, r->stands_in, f->what, f->signature, arena);
    TRY(find_place(seen, p, arena));
    const char *chain = key_chain(p->own, arena);
    add_explanation(seen, library, f->signature, chain, p->bucket);
    add_explanation(seen, library, p->found_signature, chain, p->bucket);
    return ERR_OK;
}
