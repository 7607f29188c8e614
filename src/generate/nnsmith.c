/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The baseline `nnsmith`: models of nnsmith 0.1.0 (Liu et al., NNSmith: generating diverse and
 * valid test cases for deep learning compilers, ASPLOS 2023) as it comes from PyPI. A process of
 * its own (scripts/nnsmith_models.py) draws each model with nnsmith's generator, its concolic
 * method and its defaults, and says it as a program in our text form; here it is read, held against
 * the ops' relations and the policy's limits, and becomes a test like any other. Which operators,
 * dtypes and ranks nnsmith may use, how many operators and elements, is the policy's to say, as far
 * as nnsmith has a setting for it: weights count only as zero or not.
 *
 * Data is ours: weights and constants, which nnsmith draws as torch does or in [3, 7], and inputs,
 * with our search for clean ones in place of its own. It gives nnsmith no less than it has.
 *
 * A model is a function of its seed, and the seed of campaign seed, index, policy and attempt: the
 * peer gives each model a new solver and fixed hashes, so neither order nor history counts. What
 * nnsmith makes depends on a clock only where one of its limits of time is met (10 s a model, 3.3 s
 * a query of its solver); the peer says so and such models are counted. What cannot be said or
 * breaks a limit is left out, counted by reason, and the next attempt's model takes its place.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "generate/generate_internal.h"

static const char script[] = "nnsmith_models.py";

/* Models one after the other that may be left out; of so many models one may be the death of the
 * process, and a few more; reasons that are told apart; bytes of a program. */
enum {
    LEFT_OUT_MAX = 1000,
    ASKED_PER_DEATH = 20,
    DEATHS_MORE = 3,
    REASONS_MAX = 32,
    PROGRAM_BYTES_MAX = 1 << 24
};

/* Its imports took 10 s on two busy cores; a model has a limit of 10 s of its own. */
static const double patience = 180;

struct reason {
    char *text;
    uint64_t n;
};

struct source {
    struct arena *arena;         /* its own */
    const char *python, *limits; /* limits: as the script wants them */
    struct peer peer;
    double cpu_ended; /* seconds of those that died */
    uint64_t n_asked, n_limited, n_left_out, n_deaths;
    size_t n_reasons;
    struct reason reason[REASONS_MAX]; /* the last one: all others */
};

/* ---- the process ---- */

enum err nnsmith_python(struct arena *arena, const char **python)
{
    const char *given = getenv("OPJURY_NNSMITH");
    char *dir;
    if (given && *given) {
        *python = given;
        return access(given, X_OK) == 0
                   ? ERR_OK
                   : err_set(ERR_MISSING, "$OPJURY_NNSMITH: '%s' is no interpreter", given);
    }
    TRY(exe_dir(arena, &dir));
    *python = arena_printf(arena, "%s/../.venv-peer/bin/python", dir);
    return file_exists(*python) ? ERR_OK
                                : err_set(ERR_MISSING, "nnsmith 0.1.0 is not here (`scripts/setup "
                                                       "peer` makes its environment)");
}

/* What the policy allows, by the table of what all targets support: nnsmith asks its backend for
 * the same before it starts. */
static const char *limits_of(const struct policy *policy, struct arena *arena)
{
    struct buffer text = BUFFER_INIT;
    buffer_printf(&text, "nodes %u\nnumel %u\nranks", policy->nodes, policy->numel_max);
    for (int k = 0; k <= RANK_MAX; k++) {
        if (policy->rank_weight[k] > 0) {
            buffer_printf(&text, " %d", k);
        }
    }
    buffer_puts(&text, "\n");
    for (size_t i = 0; i < op_count; i++) {
        if (policy->op_weight[i] == 0) {
            continue;
        }
        buffer_printf(&text, "op %s", op_table[i]->name);
        for (enum dtype in = 1; in < DTYPE_COUNT; in++) {
            for (enum dtype out = 1; out < DTYPE_COUNT; out++) {
                if (dtype_in(out, policy->all.pairs[i][in]) && policy->dtype_weight[in] > 0 &&
                    policy->dtype_weight[out] > 0) {
                    buffer_printf(&text, " %s>%s", dtype_name(in), dtype_name(out));
                }
            }
        }
        buffer_puts(&text, "\n");
    }
    buffer_puts(&text, "go\n");
    const char *limits = arena_strdup(arena, text.data);
    buffer_release(&text);
    return limits;
}

static enum err start(struct source *s)
{
    char *line;
    TRY(peer_start(s->python, script, s->arena, &s->peer));
    s->peer.patience = patience;
    TRY(peer_say(&s->peer, s->limits));
    TRY(peer_line(&s->peer, &line));
    if (strncmp(line, "ready ", 6) != 0) {
        return err_set(ERR_MISSING, "%s cannot make models with %s: %.300s", script, s->python,
                       line);
    }
    log_debug("%s", line + 6);
    return ERR_OK;
}

static void stop(struct source *s)
{
    peer_stop(&s->peer);
    s->cpu_ended += s->peer.cpu_ended;
    s->peer = (struct peer){0};
}

enum err nnsmith_open(const struct policy *policy, struct source **source)
{
    struct source *s = xcalloc(1, sizeof(*s));
    s->arena = arena_new();
    s->limits = limits_of(policy, s->arena);
    enum err err = nnsmith_python(s->arena, &s->python);
    if (err == ERR_OK) {
        log_info("starting nnsmith");
        err = start(s);
    }
    if (err != ERR_OK) {
        nnsmith_close(s);
        return err;
    }
    *source = s;
    return ERR_OK;
}

double nnsmith_cpu(const struct source *s)
{
    return s->cpu_ended + peer_cpu(&s->peer);
}

void nnsmith_close(struct source *s)
{
    if (s) {
        stop(s);
        for (size_t i = 0; i < s->n_reasons; i++) {
            free(s->reason[i].text);
        }
        arena_free(s->arena);
        free(s);
    }
}

/* ---- what is left out ---- */

static void leave_out(struct source *s, const char *why)
{
    size_t i = 0;
    while (i < s->n_reasons && strcmp(s->reason[i].text, why) != 0) {
        i++;
    }
    i = i < REASONS_MAX ? i : REASONS_MAX - 1;
    if (i == s->n_reasons) {
        s->reason[i].text = xstrdup(i == REASONS_MAX - 1 ? "other reasons" : why);
        s->n_reasons++;
    }
    s->reason[i].n++;
    s->n_left_out++;
}

uint64_t nnsmith_left_out(const struct source *s)
{
    return s->n_left_out;
}

void nnsmith_say_left_out(const struct source *s)
{
    struct buffer text = BUFFER_INIT;
    for (size_t i = 0; i < s->n_reasons; i++) {
        buffer_printf(&text, "%s %llu %s", i == 0 ? ":" : ";", (unsigned long long)s->reason[i].n,
                      s->reason[i].text);
    }
    if (s->n_left_out > 0) {
        log_info("nnsmith: %llu of %llu models are left out%s", (unsigned long long)s->n_left_out,
                 (unsigned long long)s->n_asked, text.data);
    }
    if (s->n_limited > 0) {
        log_warn("nnsmith: %llu of %llu models met one of its limits of time, so another run may "
                 "make other ones",
                 (unsigned long long)s->n_limited, (unsigned long long)s->n_asked);
    }
    buffer_release(&text);
}

/* ---- a model ---- */

static enum err nonsense(const char *line)
{
    return strncmp(line, "error ", 6) == 0
               ? err_set(ERR_INPUT, "%s: %.200s", script, line + 6)
               : err_set(ERR_INPUT, "%s says '%.60s', which is no answer", script, line);
}

/* "program BYTES LIMITED" */
static enum err read_program(struct source *s, char *line, uint32_t seed, struct arena *arena,
                             struct program **p)
{
    char *end = line, *bytes, *last;
    unsigned long size = strtoul(line + strlen("program "), &end, 10);
    unsigned long limited = strtoul(end, &last, 10);
    if (size == 0 || size > PROGRAM_BYTES_MAX || last == end || *last != '\0' || limited > 1) {
        return nonsense(line);
    }
    TRY(peer_bytes(&s->peer, size, &bytes));
    const char *text = arena_copy(arena, bytes, size);
    const char *name = arena_printf(arena, "nnsmith's model of seed %u", seed);
    TRY(program_parse(name, text, size, arena, p));
    s->n_limited += limited;
    return ERR_OK;
}

/* *p NULL: the model of that seed is left out, and *why says so in the peer's words. */
static enum err ask(struct source *s, uint32_t seed, struct arena *arena, struct program **p,
                    const char **why)
{
    char *line;
    *p = NULL;
    s->n_asked++;
    TRY(peer_ask(&s->peer, &line, "model %u", seed));
    if (strncmp(line, "left ", 5) == 0) {
        *why = arena_printf(arena, "%.200s", line + 5);
        return ERR_OK;
    }
    return strncmp(line, "program ", 8) == 0 ? read_program(s, line, seed, arena, p)
                                             : nonsense(line);
}

/* The same of a process that may die of it, which is then another reason. */
static enum err ask_somehow(struct source *s, uint32_t seed, struct arena *arena,
                            struct program **p, const char **why)
{
    enum err err = ask(s, seed, arena, p, why);
    bool has_died = err == ERR_IO && s->peer.pid == 0;
    if (!has_died || ++s->n_deaths > s->n_asked / ASKED_PER_DEATH + DEATHS_MORE) {
        return err;
    }
    *why = arena_strdup(arena, err_text());
    log_warn("nnsmith: %s; it is started again", *why);
    stop(s);
    return start(s);
}

struct graph nnsmith_make(const struct policy *policy, bool is_clean, struct rng rng,
                          struct arena *arena)
{
    (void)is_clean; /* nnsmith always wants values without NaN and infinity */
    struct source *s = policy->source;
    const char *why = "";
    CHECK(s != NULL);
    for (int i = 0; i < LEFT_OUT_MAX; i++) {
        struct program *p;
        uint32_t seed = (uint32_t)(rng_next(&rng) >> 33); /* 31 bits: numpy and z3 take them */
        if (ask_somehow(s, seed, arena, &p, &why) != ERR_OK) {
            return (struct graph){0};
        }
        if (p && program_accept(policy, p) == ERR_OK) {
            struct graph graph = graph_of(p, &rng, arena);
            graph.is_clean = graph.is_unproven = true;
            return graph;
        }
        if (p) {
            why = arena_printf(arena, "does not hold: %.150s", err_text());
        }
        leave_out(s, why);
    }
    err_set(ERR_LIMIT, "nnsmith: %d models one after the other are left out; the last: %s",
            LEFT_OUT_MAX, why);
    return (struct graph){0};
}
