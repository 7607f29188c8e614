/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a campaign says at its end, read back from its store: the accounting that adds up, a line a
 * target, filters, the worst of the new buckets with how to look at them, and what the machine time
 * went into; or the same as one JSON object on one line.
 */
#include "campaign_parts.h"
#include "report/escape.h"
#include "report/json.h"
#include "report/record.h"

#include <stdlib.h>
#include <string.h>

/* A campaign in which more runs than this are unsupported wastes its time: the support tables are
 * there to prevent it. */
static const double unsupported_most = 0.15;

enum err summary_read(const char *dir, const struct campaign_options *options, struct arena *arena,
                      struct summary *summary)
{
    *summary = (struct summary){.dir = dir, .options = options};
    struct store *store;
    TRY(store_open(dir, false, &store));
    struct bucket_row *buckets = NULL;
    enum err err = counts_read(store, dir, arena, &summary->counts);
    if (err == ERR_OK) {
        err = buckets_read(store, dir, options->known, arena, &buckets, &summary->n_buckets);
    }
    store_close(store);
    summary->buckets = buckets;
    return err;
}

static bool has_state(const struct bucket_row *b, const char *state)
{
    return strcmp(b->state, state) == 0;
}

size_t summary_new_buckets(const struct summary *summary)
{
    size_t n = 0;
    for (size_t i = 0; i < summary->n_buckets; i++) {
        n += has_state(&summary->buckets[i], "new");
    }
    return n;
}

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static double unsupported_share(const struct counts *c)
{
    return share((double)c->verdicts.n[VERDICT_UNSUPPORTED], (double)c->runs);
}

/* ---- text ---- */

static void print_accounting(const struct counts *c, struct buffer *text)
{
    buffer_printf(text, "\n%10llu runs of %llu tests on %zu target%s", (unsigned long long)c->runs,
                  (unsigned long long)c->tests, c->n_targets, c->n_targets == 1 ? "" : "s");
    buffer_printf(text, " (%llu made twice to compare bit for bit)\n",
                  (unsigned long long)c->repeated);
    for (size_t v = 0; v < VERDICT_COUNT; v++) {
        buffer_printf(text, "%10llu %s", (unsigned long long)c->verdicts.n[v], verdict_names[v]);
        for (size_t f = 0; v == VERDICT_FILTERED && f < c->n_filters; f++) {
            buffer_printf(text, "%s%s %llu", f == 0 ? ": " : ", ", c->filters[f].name,
                          (unsigned long long)c->filters[f].n);
        }
        buffer_puts(text, "\n");
    }
    uint64_t n = regressions_filtered(c);
    if (n > 0) {
        buffer_printf(text,
                      "%llu failures are no regressions: no older version passes "
                      "(--all-failures lists them)\n",
                      (unsigned long long)n);
    }
}

/* Columns are as wide as their heads, at least wide enough for nine digits. */
static int column_width(const char *head)
{
    int width = (int)strlen(head);
    return (width < 9 ? 9 : width) + 1;
}

static void print_targets(const struct counts *c, struct buffer *text)
{
    int width = 6;
    for (size_t i = 0; i < c->n_targets; i++) {
        int n = (int)(strlen(c->targets[i].text) + 1 + strlen(c->targets[i].version));
        width = n > width ? n : width;
    }
    buffer_printf(text, "\n%-*s", width, "target");
    for (size_t v = 0; v < VERDICT_COUNT; v++) {
        buffer_printf(text, "%*s", column_width(verdict_names[v]), verdict_names[v]);
    }
    buffer_puts(text, "\n");
    for (size_t i = 0; i < c->n_targets; i++) {
        const struct target_counts *t = &c->targets[i];
        int used = (int)strlen(t->text) + 1;
        buffer_printf(text, "%s %-*s", t->text, width - used, t->version);
        for (size_t v = 0; v < VERDICT_COUNT; v++) {
            buffer_printf(text, "%*llu", column_width(verdict_names[v]),
                          (unsigned long long)t->verdicts.n[v]);
        }
        buffer_puts(text, "\n");
    }
}

/* Lines as one, with commas. */
static void print_joined(const char *lines, struct buffer *text)
{
    buffer_puts(text, "        ");
    for (const char *c = lines; *c != '\0'; c++) {
        buffer_append(text, *c == '\n' ? ", " : c, *c == '\n' ? 2 : 1);
    }
    buffer_puts(text, "\n");
}

/* A known bug by its rule, the rest by what fails. */
static void print_name(const struct bucket_row *b, struct buffer *text)
{
    const char *rule = known_bucket_rule(b->key);
    buffer_printf(text, "  %4llu  ", (unsigned long long)b->first_finding);
    if (rule != NULL) {
        buffer_puts(text, rule);
    } else {
        buffer_printf(text, "%s: %s", b->oracle, b->ops);
    }
    buffer_printf(text, "  (%llu finding%s%s)\n", (unsigned long long)b->n_findings,
                  b->n_findings == 1 ? "" : "s",
                  is_unreduced_bucket(b->key) ? ", not reduced" : "");
}

static void print_bucket(const struct summary *s, const struct bucket_row *b, struct buffer *text)
{
    print_name(b, text);
    buffer_printf(text, "        %s\n", b->text);
    print_joined(b->targets, text);
    buffer_printf(text, "        opjury show %llu --out ", (unsigned long long)b->first_finding);
    shell_put(text, s->dir);
    buffer_puts(text, "\n");
}

/* Of what somebody knows already the place where it is told; of the rest what it is. */
static void print_settled(const struct summary *s, const char *state, const char *head,
                          struct buffer *text)
{
    bool any = false;
    for (size_t i = 0; i < s->n_buckets; i++) {
        const struct bucket_row *b = &s->buckets[i];
        if (has_state(b, state)) {
            buffer_puts(text, any ? "" : head);
            print_name(b, text);
            buffer_printf(text, "        %s\n",
                          b->note[0] != '\0'  ? b->note
                          : b->url[0] != '\0' ? b->url
                                              : b->text);
            any = true;
        }
    }
}

void summary_print_new(const struct summary *s, const struct bucket_row *rows, size_t n,
                       struct buffer *text)
{
    struct arena *arena = arena_new();
    bool *offered = ARENA_ZARRAY(arena, bool, n);
    size_t waiting = buckets_offer(rows, n, s->options->max_open, offered);
    for (size_t i = 0; i < n; i++) {
        if (offered[i]) {
            print_bucket(s, &rows[i], text);
        }
    }
    if (waiting > 0) {
        buffer_printf(text, "%s\n", buckets_waiting(waiting, s->options->max_open, s->dir, arena));
    }
    arena_free(arena);
}

static void print_figures(const struct counts *c, struct buffer *text)
{
    double cpu = c->usage[USAGE_CPU];
    buffer_printf(text,
                  "\n%.1f tests per CPU second: %.1f s of user and system time in all processes",
                  share((double)c->tests, cpu), cpu);
    buffer_printf(text,
                  " (library %.1f %%, reduction %.1f %%), %.1f s elapsed, %llu workers "
                  "restarted\n",
                  100 * share(c->usage[USAGE_LIBRARY], cpu),
                  100 * share(c->usage[USAGE_REDUCE], cpu), c->usage[USAGE_ELAPSED],
                  (unsigned long long)c->restarts);
    if (unsupported_share(c) > unsupported_most) {
        buffer_printf(text,
                      "warning: %.1f %% of the runs are unsupported (%.0f %% are too many): "
                      "the targets differ much in what they take; fewer of them, or "
                      "union_percent = 0 in the policy, help\n",
                      100 * unsupported_share(c), 100 * unsupported_most);
    }
}

void summary_print_work(const struct summary *s, struct buffer *text)
{
    buffer_printf(text, "campaign %s, seed %llu\n", s->dir, (unsigned long long)s->options->seed);
    print_accounting(&s->counts, text);
    print_targets(&s->counts, text);
    print_figures(&s->counts, text);
}

void summary_print(const struct summary *s, struct buffer *text)
{
    summary_print_work(s, text);
    print_settled(s, "known", "\nknown bugs:\n", text);
    print_settled(s, "reported", "\nreported:\n", text);
    print_settled(s, BUCKET_TOLERATED, "\nwithin the project's own tolerance:\n", text);
    print_settled(s, "flaky", "\ndid not repeat:\n", text);
    bool any = summary_new_buckets(s) > 0;
    buffer_puts(text, any ? "\nnew findings:\n" : "\nno new findings\n");
    summary_print_new(s, s->buckets, s->n_buckets, text);
}

/* ---- JSON ---- */

static void set(json_t *object, const char *key, json_t *value)
{
    CHECK(value != NULL && json_object_set_new(object, key, value) == 0);
}

static json_t *integer(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* Pieces of `text` between any of `separators`, each up to the first of `ends`. */
static json_t *split(const char *text, const char *separators, const char *ends)
{
    json_t *list = json_array();
    CHECK(list != NULL);
    for (;;) {
        text += strspn(text, separators);
        size_t size = strcspn(text, separators);
        if (size == 0) {
            return list;
        }
        size_t kept = strcspn(text, ends);
        char *copy = xstrdup(text);
        copy[kept < size ? kept : size] = '\0';
        json_t *piece = json_text(copy); /* of a data base: any bytes */
        free(copy);
        CHECK(piece != NULL && json_array_append_new(list, piece) == 0);
        text += size;
    }
}

/* "relu(f64) -> cast(f64->f32)" as its names: relu, cast. */
static json_t *op_names(const char *chain)
{
    struct buffer names = BUFFER_INIT;
    unsigned depth = 0;
    for (const char *c = chain; *c != '\0'; c++) {
        depth += *c == '(';
        bool name = depth == 0 && strchr(",->", *c) == NULL;
        buffer_append(&names, name ? c : " ", 1);
        depth -= *c == ')';
    }
    json_t *list = split(names.size > 0 ? names.data : "", " ", " ");
    buffer_release(&names);
    return list;
}

static json_t *buckets_json(const struct summary *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->n_buckets; i++) {
        const struct bucket_row *b = &s->buckets[i];
        if (has_state(b, "flaky")) {
            continue; /* counted, but no finding */
        }
        json_t *bucket = json_object();
        set(bucket, "id", integer(b->first_finding)); /* what `show` takes */
        set(bucket, "state", json_text(b->state));
        set(bucket, "oracle", json_text(b->oracle));
        set(bucket, "ops", op_names(b->ops));
        set(bucket, "targets", split(b->targets, "\n", "\n"));
        if (b->url[0] != '\0') {
            set(bucket, "url", json_text(b->url));
        }
        if (b->note[0] != '\0') {
            set(bucket, "note", json_text(b->note));
        }
        CHECK(json_array_append_new(list, bucket) == 0);
    }
    return list;
}

void summary_json(const struct summary *s, struct buffer *line)
{
    const struct counts *c = &s->counts;
    double cpu = c->usage[USAGE_CPU];
    json_t *root = json_object();
    set(root, "tests", integer(c->tests));
    set(root, "runs", integer(c->runs));
    set(root, "tests_per_cpu_second", json_real(share((double)c->tests, cpu)));
    set(root, "library_cpu_share", json_real(share(c->usage[USAGE_LIBRARY], cpu)));
    json_t *verdicts = json_object();
    for (size_t v = 0; v < VERDICT_COUNT; v++) {
        set(verdicts, verdict_names[v], integer(c->verdicts.n[v]));
    }
    set(root, "verdicts", verdicts);
    json_t *filters = json_object();
    for (size_t i = 0; i < c->n_filters; i++) {
        set(filters, c->filters[i].name, integer(c->filters[i].n));
    }
    set(root, "filters", filters);
    set(root, "findings", integer(c->verdicts.n[VERDICT_FINDING]));
    set(root, "buckets", buckets_json(s));
    char *dumped = json_dumps(root, JSON_REAL_PRECISION(6));
    CHECK(dumped != NULL);
    buffer_puts(line, dumped);
    buffer_puts(line, "\n");
    free(dumped);
    json_decref(root);
}
