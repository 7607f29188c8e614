/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Triage in a campaign: a failing run becomes flaky, known or a finding, in one bucket a cause, and
 * what there is no time to reduce says so. The failures are those of a planted fault.
 */
#include "bucket_test.h"
#include "campaign_parts.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "given.h"

static const char policy_text[] = "nodes = 4\n"
                                  "op.* = 0\n"
                                  "op.neg = 10\nop.relu = 10\nop.floor = 10\n"
                                  "op.less = 10\nop.where = 10\nop.clip = 10\n"
                                  "op.reduce_max = 10\nop.arg_max = 10\nop.transpose = 10\n"
                                  "op.reshape = 10\nop.concat = 10\nop.gather = 10\n"
                                  "op.relu = 40\n";

enum { CORRECT, WRONG, N_TARGETS };

struct world {
    char dir[64];
    struct arena *arena;
    struct target *targets[N_TARGETS];
    struct jury *jury;
    struct policy *policy;
    struct store *store;
    struct known_rules *known;
    struct counts totals;
    struct live live;
    struct triage *triage;
    uint64_t next; /* test index */
};

/* One failing test, as a campaign holds it. */
struct failing {
    struct test test;
    struct outcome outcomes[N_TARGETS];
    struct verdict verdicts[N_TARGETS];
    struct trial trial;
};

static struct triage *new_triage(struct world *w, struct store *store)
{
    struct triage *triage;
    const struct triage_options options = {
        .store = store,
        .jury = w->jury,
        .targets = w->targets,
        .n_targets = N_TARGETS,
        .known = w->known,
        .dir = w->dir,
        .jobs = 1,
        .totals = &w->totals,
        .live = &w->live,
    };
    ok(triage_open(&options, &triage));
    return triage;
}

static void open_triage(struct world *w)
{
    w->triage = new_triage(w, w->store);
}

static int set_up_with(void **state, const char *wrong)
{
    struct world *w = calloc(1, sizeof(*w));
    strcpy(w->dir, "/tmp/opjury-triage-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    w->arena = arena_new();
    ok(target_parse("faulty:none", NULL, w->arena, &w->targets[CORRECT]));
    ok(target_parse(wrong, NULL, w->arena, &w->targets[WRONG]));
    ok(jury_open(w->targets, N_TARGETS, NULL, &w->jury));
    ok(policy_parse("test", policy_text, w->arena, &w->policy));
    ok(store_open(w->dir, true, &w->store));
    ok(known_load("none", w->arena, &w->known));
    open_triage(w);
    *state = w;
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, "faulty:negate.relu");
}

static int set_up_library(void **state)
{
    return set_up_with(state, "onnxruntime:opt=none");
}

static int set_up_levels(void **state)
{
    return set_up_with(state, "onnxruntime:opt=all");
}

static int tear_down(void **state)
{
    struct world *w = *state;
    char command[128];
    triage_close(w->triage);
    store_close(w->store);
    jury_close(w->jury);
    arena_free(w->arena);
    snprintf(command, sizeof(command), "rm -rf %s", w->dir);
    int status = system(command);
    free(w);
    return status;
}

static struct verdict judged(struct world *w, struct failing *f, size_t t)
{
    const struct judgement j = {.test = &f->test,
                                .reference = f->trial.reference,
                                .target = w->targets[t],
                                .outcome = &f->outcomes[t],
                                .arena = w->arena};
    struct verdict verdict = {0};
    judge(&j, &verdict);
    return verdict;
}

static void run_all(struct world *w, struct failing *f)
{
    ok(jury_post(w->jury, &f->test));
    ok(jury_take(w->jury, w->arena, f->outcomes));
    f->trial = (struct trial){.test = &f->test,
                              .reference = reference_new(&f->test, w->arena),
                              .outcomes = f->outcomes,
                              .verdicts = f->verdicts};
    for (size_t t = 0; t < N_TARGETS; t++) {
        f->verdicts[t] = judged(w, f, t);
    }
}

/* The next test on which the planted fault shows. */
static struct failing *next_failing(struct world *w)
{
    struct failing *f = arena_zalloc(w->arena, sizeof(*f));
    for (int tries = 0; tries < 1000; tries++) {
        generate_test(w->policy, 1, w->next++, MATERIALIZE_ALL, w->arena, &f->test);
        run_all(w, f);
        if (f->verdicts[WRONG].kind == VERDICT_FINDING) {
            return f;
        }
    }
    fail_msg("the planted fault does not show");
    return NULL;
}

/* From the store: row of this test. */
static struct finding_row row_of(struct world *w, const struct failing *f)
{
    struct finding_row *rows;
    size_t n;
    ok(store_findings(w->store, w->arena, &rows, &n));
    for (size_t i = 0; i < n; i++) {
        if (rows[i].test_index == f->test.index) {
            return rows[i];
        }
    }
    fail_msg("test %d has no row", (int)f->test.index);
    return rows[0];
}

static bool row_says(struct world *w, const struct failing *f, const char *part)
{
    return strstr(row_of(w, f).json, part) != NULL;
}

/* The same once more, later. */
static void find_again(struct world *w, struct failing *f, double cpu)
{
    f->test.index += 1000000;
    f->verdicts[WRONG].kind = VERDICT_FINDING;
    ok(triage_finding(w->triage, &f->trial, WRONG, cpu, w->arena));
}

static void no_more_reducing(struct world *w)
{
    triage_close(w->triage);
    w->totals.usage[USAGE_CPU] = 10;
    w->totals.usage[USAGE_REDUCE] = 1000;
    open_triage(w);
}

static void test_one_cause_one_bucket(void **state)
{
    struct world *w = *state;
    struct bucket_row *buckets;
    size_t n;
    for (int i = 0; i < 12; i++) {
        struct failing *f = next_failing(w);
        ok(triage_finding(w->triage, &f->trial, WRONG, 1, w->arena));
        assert_int_equal(f->verdicts[WRONG].kind, VERDICT_FINDING);
    }
    ok(store_buckets(w->store, w->arena, &buckets, &n));
    assert_int_equal(n, 1);
    assert_int_equal(buckets[0].n_findings, 12);
    assert_string_equal(buckets[0].state, "new");
    assert_string_equal(buckets[0].targets, "faulty:negate.relu");
    assert_int_equal(strncmp(buckets[0].ops, "relu(", 5), 0);
    assert_null(strchr(buckets[0].ops, ' '));
    assert_int_equal(w->live.buckets, 1);
    assert_true(triage_reduce_cpu(w->triage) > 0);
}

static struct failing *failing_by(struct world *w, const char *text, real value)
{
    struct failing *f = arena_zalloc(w->arena, sizeof(*f));
    f->test = *given_test(text, value, w->arena);
    f->test.index = w->next++;
    run_all(w, f);
    assert_int_equal(f->verdicts[WRONG].kind, VERDICT_FINDING);
    return f;
}

/* Of int64 beyond 32 bits onnxruntime compares parts: max and min by the same code. */
static struct failing *failing_library(struct world *w, const char *op)
{
    const char *text = arena_printf(w->arena,
                                    "x: i64[2] = input\nw: i64[2] = const [-4, -4]\n"
                                    "y: i64[2] = %s(x, w)\nz: i64[2] = neg(y)\noutput z\n",
                                    op);
    return failing_by(w, text, -4294967296);
}

/* Of int64 beyond what a double holds it adds up in doubles. */
static struct failing *failing_sum(struct world *w, const char *op)
{
    const char *text = arena_printf(w->arena,
                                    "x: i64[1] = input\n"
                                    "y: i64[1] = %s(x, axes=[0], keepdims=true)\noutput y\n",
                                    op);
    return failing_by(w, text, 9007199254740993);
}

/* The planted fault, and another op behind it. */
static struct failing *failing_relu(struct world *w, const char *op)
{
    const char *text = arena_printf(w->arena,
                                    "x: f32[3] = input\na: f32[3] = relu(x)\n"
                                    "y: f32[3] = %s(a)\noutput y\n",
                                    op);
    return failing_by(w, text, 2);
}

/* Two engines that were both there before the first finding: what either finds, the other knows. */
static void test_engines_share_buckets(void **state)
{
    struct world *w = *state;
    struct store *store;
    ok(store_open(w->dir, false, &store));
    struct triage *other = new_triage(w, store);
    for (int i = 0; i < 4; i++) {
        struct failing *f = failing_library(w, i % 2 == 0 ? "max" : "min");
        ok(triage_finding(i % 2 == 0 ? w->triage : other, &f->trial, WRONG, 1, w->arena));
    }
    assert_true(triage_reduce_cpu(w->triage) > 0 && triage_reduce_cpu(other) > 0);
    struct bucket_row *buckets;
    size_t n;
    ok(store_buckets(w->store, w->arena, &buckets, &n));
    assert_int_equal(n, 1);
    assert_int_equal(buckets[0].n_findings, 4);
    assert_int_equal(w->live.buckets, 1);
    struct finding_row *rows;
    ok(store_bucket_folders(w->store, buckets[0].key, w->arena, &rows, &n));
    assert_int_equal(n, 3);
    triage_close(other);
    store_close(store);
}

static void test_first_findings_are_folders(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 5; i++) {
        struct failing *f = next_failing(w);
        ok(triage_finding(w->triage, &f->trial, WRONG, 1, w->arena));
        struct finding_row row = row_of(w, f);
        assert_int_equal(row.folder[0] != '\0', i < 3);
        if (i < 3) {
            assert_true(
                file_exists(arena_printf(w->arena, "%s/%s/program.txt", w->dir, row.folder)));
        }
    }
}

static void test_without_time_to_reduce(void **state)
{
    struct world *w = *state;
    no_more_reducing(w);
    struct failing *f = next_failing(w);
    ok(triage_finding(w->triage, &f->trial, WRONG, 1, w->arena));
    assert_int_equal(f->verdicts[WRONG].kind, VERDICT_FINDING);
    assert_true(is_unreduced_bucket(row_of(w, f).bucket));
    assert_true(triage_reduce_cpu(w->triage) == 0);
}

/* What a bucket explains joins it, in this sitting and in the next, without being reduced. */
static void test_explained_joins(void **state)
{
    struct world *w = *state;
    struct failing *f = next_failing(w);
    ok(triage_finding(w->triage, &f->trial, WRONG, 1, w->arena));
    const char *bucket = row_of(w, f).bucket;
    const char *signature = row_of(w, f).signature;
    no_more_reducing(w);
    for (int i = 0; i < 8; i++) {
        f = next_failing(w);
        ok(triage_finding(w->triage, &f->trial, WRONG, 1, w->arena));
        if (strcmp(row_of(w, f).signature, signature) == 0) {
            assert_string_equal(row_of(w, f).bucket, bucket);
        }
    }
    assert_true(triage_reduce_cpu(w->triage) == 0);
}

/* Where there was no time, being explained is a guess: what looks so is reduced once there is. */
static void test_a_guess_is_no_look(void **state)
{
    struct world *w = *state;
    struct failing *f = failing_relu(w, "floor");
    ok(triage_finding(w->triage, &f->trial, WRONG, 1, w->arena));
    assert_true(row_says(w, f, "\"joined\":null"));
    struct failing *g = failing_relu(w, "neg");
    double reduced = triage_reduce_cpu(w->triage);
    for (int i = 0; i < 2; i++) {
        find_again(w, g, 1);
        assert_string_equal(row_of(w, g).bucket, row_of(w, f).bucket);
        assert_true(row_says(w, g, "\"joined\":\"explained\""));
        assert_true(row_says(w, g, "\"reduced\":false"));
    }
    assert_true(triage_reduce_cpu(w->triage) == reduced);
    find_again(w, g, 1e6);
    assert_string_equal(row_of(w, g).bucket, row_of(w, f).bucket);
    assert_true(row_says(w, g, "\"joined\":null"));
    assert_true(row_says(w, g, "\"reduced\":true"));
}

/* What looks as another did before that was reduced joins its bucket and is not reduced. */
static void test_same_look_joins(void **state)
{
    struct world *w = *state;
    struct failing *f = next_failing(w);
    ok(triage_finding(w->triage, &f->trial, WRONG, 1, w->arena));
    const char *bucket = row_of(w, f).bucket;
    double reduced = triage_reduce_cpu(w->triage);
    assert_true(reduced > 0);
    f->test.index += 1000000;
    ok(triage_finding(w->triage, &f->trial, WRONG, 1, w->arena));
    assert_string_equal(row_of(w, f).bucket, bucket);
    assert_string_equal(row_of(w, f).state, "new");
    assert_true(row_says(w, f, "\"joined\":\"look\""));
    assert_true(triage_reduce_cpu(w->triage) == reduced);
    assert_int_equal(w->live.buckets, 1);
}

/* Not in another release, where it may be another cause: there it is reduced. */
static void test_same_look_in_another_release(void **state)
{
    struct world *w = *state;
    struct failing *f = next_failing(w);
    ok(triage_finding(w->triage, &f->trial, WRONG, 1, w->arena));
    w->targets[WRONG]->version = "another";
    find_again(w, f, 1e6);
    assert_true(row_says(w, f, "\"joined\":null"));
    assert_true(row_says(w, f, "\"reduced\":true"));
}

/* A rule for relu, and with it `more`. */
static void use_rule(struct world *w, const char *more)
{
    const char *path = arena_printf(w->arena, "%s/rules.yaml", w->dir);
    const char *rules = arena_printf(w->arena,
                                     "- id: our-relu\n"
                                     "  library: faulty\n"
                                     "  ops: [relu]\n"
                                     "  oracle: value\n"
                                     "  url: https://example.org/1\n%s",
                                     more);
    ok(file_write(path, rules, strlen(rules)));
    ok(known_load(path, w->arena, &w->known));
    triage_close(w->triage);
    open_triage(w);
}

/* Rules that say what is left of a failure once it is small are asked again then. */
static void test_known_once_reduced(void **state)
{
    struct world *w = *state;
    use_rule(w, "  message: \"; 1 of 1 compared\"\n");
    struct failing *f = next_failing(w);
    while (strstr(f->verdicts[WRONG].text, "; 1 of 1 compared") != NULL) {
        f = next_failing(w);
    }
    ok(triage_finding(w->triage, &f->trial, WRONG, 1, w->arena));
    assert_int_equal(f->verdicts[WRONG].kind, VERDICT_KNOWN);
    assert_string_equal(row_of(w, f).state, "known");
    assert_true(triage_reduce_cpu(w->triage) > 0);
    assert_int_equal(w->live.buckets, 0);
}

/* Another bug may have the look of a known one: it is reduced too, as far as there is time, and
 * what is counted as known by its look alone says so. */
static void test_look_of_a_known_bug(void **state)
{
    struct world *w = *state;
    use_rule(w, "  message: \"; 1 of 1 compared\"\n");
    struct failing *f = failing_relu(w, "neg");
    find_again(w, f, 1);
    assert_int_equal(f->verdicts[WRONG].kind, VERDICT_KNOWN);
    double reduced = triage_reduce_cpu(w->triage);
    assert_true(reduced > 0);
    find_again(w, f, 1e6);
    assert_true(triage_reduce_cpu(w->triage) > reduced);
    assert_true(row_says(w, f, "\"joined\":null"));
    reduced = triage_reduce_cpu(w->triage);
    find_again(w, f, 1);
    assert_true(triage_reduce_cpu(w->triage) == reduced);
    assert_int_equal(f->verdicts[WRONG].kind, VERDICT_KNOWN);
    assert_string_equal(row_of(w, f).state, "known");
    assert_true(row_says(w, f, "\"joined\":\"look\""));
}

static void test_known_bug(void **state)
{
    struct world *w = *state;
    use_rule(w, "");
    struct failing *f = next_failing(w);
    ok(triage_finding(w->triage, &f->trial, WRONG, 1, w->arena));
    assert_int_equal(f->verdicts[WRONG].kind, VERDICT_KNOWN);
    struct finding_row row = row_of(w, f);
    assert_string_equal(row.state, "known");
    assert_string_equal(known_bucket_rule(row.bucket), "our-relu");
    assert_int_equal(w->live.buckets, 0);
}

/* The correct target does not show again what is laid at its door. */
static void test_flaky(void **state)
{
    struct world *w = *state;
    struct failing *f = next_failing(w);
    f->verdicts[CORRECT] = f->verdicts[WRONG];
    f->outcomes[CORRECT] = f->outcomes[WRONG];
    ok(triage_finding(w->triage, &f->trial, CORRECT, 1, w->arena));
    assert_int_equal(f->verdicts[CORRECT].kind, VERDICT_FLAKY);
    assert_string_equal(row_of(w, f).state, "flaky");
    assert_int_equal(w->live.buckets, 0);
}

/* What waited joins the bucket once something that looks the same is reduced, and the bucket is
 * shown by the one that was. */
static void test_what_waited_joins(void **state)
{
    struct world *w = *state;
    struct failing *f = next_failing(w);
    no_more_reducing(w);
    ok(triage_finding(w->triage, &f->trial, WRONG, 1, w->arena));
    assert_true(is_unreduced_bucket(row_of(w, f).bucket));
    uint64_t waited = f->test.index;
    w->totals = (struct counts){0};
    triage_close(w->triage);
    open_triage(w);
    f->test.index += 1000000;
    f->verdicts[WRONG].kind = VERDICT_FINDING;
    ok(triage_finding(w->triage, &f->trial, WRONG, 1, w->arena));
    struct finding_row reduced = row_of(w, f);
    assert_false(is_unreduced_bucket(reduced.bucket));
    assert_true(row_says(w, f, "\"joined\":null"));
    f->test.index = waited;
    assert_string_equal(row_of(w, f).bucket, reduced.bucket);
    assert_true(row_says(w, f, "\"joined\":\"look\""));
    struct bucket_row *buckets;
    size_t n;
    ok(store_buckets(w->store, w->arena, &buckets, &n));
    assert_int_equal(n, 1);
    assert_int_equal(buckets[0].first_finding, reduced.id);
    assert_string_equal(buckets[0].ops, reduced.ops);
}

/* Of empty tensors onnxruntime's fusion of a product and a sum makes other shapes than it says,
 * which each thing behind it notices in its own words, or nothing does. */
static const char *const empty_linear[] = {
    "x: f32[1] = input\na: f32[0,1] = input\nb: f32[0] = input\n"
    "v: f32[0] = linear(x, a, b)\noutput v\n",
    "x: f32[1,1,0] = input\na: f32[1,0] = input\nb: f32[1] = input\n"
    "v: f32[1,1,1] = linear(x, a, b)\noutput v\n",
    "x: f32[0,0,1] = input\na: f32[1,1] = input\nb: f32[1] = input\n"
    "v: f32[0,0,1] = linear(x, a, b)\noutput v\n",
};

/* How many buckets these failures make; signatures[n]: as they were found, NULL: not asked. */
static size_t buckets_of(struct world *w, const char *const *texts, size_t n,
                         const char **signatures)
{
    struct bucket_row *buckets;
    size_t n_buckets;
    for (size_t i = 0; i < n; i++) {
        struct failing *f = failing_by(w, texts[i], 1);
        if (signatures != NULL) {
            signatures[i] = failure_signature(&f->verdicts[WRONG], &f->outcomes[WRONG], w->arena);
        }
        ok(triage_finding(w->triage, &f->trial, WRONG, 1, w->arena));
    }
    ok(store_buckets(w->store, w->arena, &buckets, &n_buckets));
    return n_buckets;
}

static void test_one_optimizer_one_bucket(void **state)
{
    const char *signatures[ARRAY_SIZE(empty_linear)];
    assert_int_equal(buckets_of(*state, empty_linear, ARRAY_SIZE(empty_linear), signatures), 1);
    assert_string_not_equal(signatures[0], signatures[1]);
    assert_string_not_equal(signatures[1], signatures[2]);
}

/* The same optimizer, told in other ops of ours: the product and the sum apart, something behind.
 */
static void test_one_optimizer_in_other_ops(void **state)
{
    static const char *const texts[] = {
        "x: f32[1] = input\na: f32[0,1] = input\nb: f32[0] = input\n"
        "v: f32[0] = linear(x, a, b)\noutput v\n",
        "x: f32[1,0] = input\na: f32[1] = input\nb: f32[0] = input\n"
        "v: f32[0] = matmul(a, x)\nw: f32[0] = add(v, b)\noutput w\n",
        "y: f32[1,0,1] = input\nx: f32[1,0,1] = input\na: f32[2,1] = input\nb: f32[2] = input\n"
        "v: f32[1,0,2] = linear(x, a, b)\nw: f32[1,0,2] = mul(y, v)\noutput w\n",
    };
    assert_int_equal(buckets_of(*state, texts, ARRAY_SIZE(texts), NULL), 1);
}

/* The scale in front of the product or behind it. */
static void test_wrong_numbers_of_one_optimizer(void **state)
{
    static const char *const texts[] = {
        "x: f64[1] = input\na: f64[1] = input\nw: f64[] = const [0.1259765625]\n"
        "v: f64[] = matmul(x, a)\ny: f64[] = div(v, w)\noutput y\n",
        "x: f64[1] = input\na: f64[1,1] = input\nb: f64[1] = input\nw: f64[] = const [-3]\n"
        "v: f64[1,1] = div(a, w)\ny: f64[1] = linear(x, v, b)\noutput y\n",
    };
    assert_int_equal(buckets_of(*state, texts, ARRAY_SIZE(texts), NULL), 1);
}

/* A wrong number and a refusal of one optimizer are two, and what fails in a kernel passes without
 * no optimizer. */
static void test_an_optimizer_alone_is_no_cause(void **state)
{
    static const char *const texts[] = {
        "x: f64[1] = input\na: f64[1] = input\nw: f64[] = const [0.1259765625]\n"
        "v: f64[] = matmul(x, a)\ny: f64[] = div(v, w)\noutput y\n",
        "x: f64[1] = input\na: f64[1] = input\nw: f64[] = const [-1.7976931348623157e+308]\n"
        "v: f64[] = matmul(x, a)\ny: f64[] = mul(v, w)\noutput y\n",
        "x: f32[1] = input\na: f32[0,1,1] = input\nv: f32[0,1] = matmul(x, a)\noutput v\n",
        "x: f32[1] = input\na: f32[0,1] = input\nb: f32[0] = input\n"
        "v: f32[0] = linear(x, a, b)\noutput v\n",
    };
    assert_int_equal(buckets_of(*state, texts, ARRAY_SIZE(texts), NULL), ARRAY_SIZE(texts));
}

/* The one needs the fusion of the transposition to be wrong; the other two fusions, of which the
 * second is to blame: a scale in single precision. */
static void test_other_digits_are_another_cause(void **state)
{
    static const char *const texts[] = {
        "x: f32[2,2] = input\nc: f32[2,2] = const [1, 2, 3, 4]\nm: f32[2,2] = mul(x, c)\n"
        "t: f32[2,2] = transpose(m, perm=[1,0])\nw: f32[2] = const [1, 10]\n"
        "v: f32[2] = matmul(t, w)\noutput v\n",
        "x: f64[1] = input\na: f64[1,1] = input\nw: f64[] = const [-2.75]\n"
        "d: f64[1,1] = div(a, w)\nb: f64[1] = const [1]\nv: f64[1] = linear(x, d, b)\n"
        "output v\n",
        "x: f64[1] = input\na: f64[1] = input\nw: f64[] = const [0.1259765625]\n"
        "v: f64[] = matmul(x, a)\ny: f64[] = div(v, w)\noutput y\n",
    };
    assert_int_equal(buckets_of(*state, texts, ARRAY_SIZE(texts), NULL), 2);
}

/* How many tests the bucket has that another failure is compared with. */
static size_t count_tests(struct world *w, struct bucket_tests *of, const char *key,
                          const struct test ***tests)
{
    size_t n;
    ok(bucket_tests_read(of, key, w->arena, tests, &n));
    return n;
}

/* They are on disk, so a campaign that goes on has them too. */
static void test_bucket_has_tests(void **state)
{
    struct world *w = *state;
    struct failing *f = next_failing(w);
    ok(triage_finding(w->triage, &f->trial, WRONG, 1, w->arena));
    struct finding_row row = row_of(w, f);
    struct bucket_tests of = {.store = w->store, .dir = w->dir};
    const struct test **tests;
    assert_int_equal(count_tests(w, &of, row.bucket, &tests), 1);
    assert_string_equal(op_chain(tests[0]->program, w->arena), row.ops);
    assert_int_equal(count_tests(w, &of, "faulty | exp(float) | value", &tests), 0);
    of.except = row.id;
    assert_int_equal(count_tests(w, &of, row.bucket, &tests), 0);
    /* A folder that people have changed, and one that they have thrown away. */
    const char *path = arena_printf(w->arena, "%s/%s/program.txt", w->dir, row.folder);
    of.except = 0;
    ok(file_write(path, "x", 1));
    assert_int_equal(count_tests(w, &of, row.bucket, &tests), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(count_tests(w, &of, row.bucket, &tests), 0);
}

/* A reduced form goes where another of it has gone, without a comparison. */
static void test_what_was_taken_before_goes_there(void **state)
{
    static const char other[] = "faulty | other(float) | value";
    struct world *w = *state;
    struct failing *f = next_failing(w);
    ok(triage_finding(w->triage, &f->trial, WRONG, 1, w->arena));
    struct finding_row row = row_of(w, f);
    uint64_t id;
    row.bucket = other;
    ok(store_add_finding(w->store, &row, &id));
    assert_int_equal(id, row.id);
    triage_close(w->triage);
    open_triage(w);
    f = next_failing(w);
    ok(triage_finding(w->triage, &f->trial, WRONG, 1, w->arena));
    assert_string_equal(row_of(w, f).bucket, other);
}

static size_t count_buckets(struct world *w)
{
    struct bucket_row *buckets;
    size_t n;
    ok(store_buckets(w->store, w->arena, &buckets, &n));
    return n;
}

/* As an opjury that did not see the cause would have it: in a bucket of its own key. */
static void put_apart(struct world *w, const struct failing *f)
{
    struct finding_row row = row_of(w, f);
    uint64_t id;
    row.bucket = row_text(&row, "own_key", w->arena);
    assert_string_not_equal(row.bucket, row_of(w, f).bucket);
    ok(store_add_finding(w->store, &row, &id));
}

/* Two buckets whose cause turns out to be one become one, the older, for all engines; what one more
 * engine looks up by the key of the other goes there too. */
static void test_buckets_of_one_cause_become_one(void **state)
{
    struct world *w = *state;
    struct store *store;
    struct failing *first = failing_library(w, "max"), *apart = failing_library(w, "min");
    ok(triage_finding(w->triage, &first->trial, WRONG, 1, w->arena));
    ok(triage_finding(w->triage, &apart->trial, WRONG, 1000, w->arena));
    put_apart(w, apart);
    assert_int_equal(count_buckets(w), 2);
    triage_close(w->triage);
    open_triage(w);
    ok(store_open(w->dir, false, &store));
    struct triage *other = new_triage(w, store);
    struct failing *more = failing_library(w, "min"), *last = failing_library(w, "min");
    ok(triage_finding(w->triage, &more->trial, WRONG, 1000, w->arena));
    assert_int_equal(count_buckets(w), 1);
    assert_string_equal(row_of(w, apart).bucket, row_of(w, first).bucket);
    assert_true(row_says(w, more, "\"merged\":[\"onnxruntime | min(int)"));
    ok(triage_finding(other, &last->trial, WRONG, 1000, w->arena));
    assert_int_equal(count_buckets(w), 1);
    triage_close(other);
    store_close(store);
}

/* What is new of both makes them one. */
static void test_a_third_makes_two_buckets_one(void **state)
{
    struct world *w = *state;
    struct failing *first = failing_sum(w, "reduce_prod"), *apart = failing_sum(w, "reduce_l1");
    ok(triage_finding(w->triage, &first->trial, WRONG, 1000, w->arena));
    ok(triage_finding(w->triage, &apart->trial, WRONG, 1000, w->arena));
    put_apart(w, apart);
    assert_int_equal(count_buckets(w), 2);
    triage_close(w->triage);
    open_triage(w);
    struct failing *third = failing_sum(w, "reduce_sum");
    ok(triage_finding(w->triage, &third->trial, WRONG, 1000, w->arena));
    assert_int_equal(count_buckets(w), 1);
    assert_true(row_says(w, third, "\"merged\":[\"onnxruntime | reduce_l1(int)"));
}

/* Which have tests enough is no question any more. */
static void test_full_buckets_stay(void **state)
{
    struct world *w = *state;
    struct failing *first = failing_library(w, "max");
    ok(triage_finding(w->triage, &first->trial, WRONG, 1, w->arena));
    for (int i = 0; i < 3; i++) {
        struct failing *apart = failing_library(w, "min");
        ok(triage_finding(w->triage, &apart->trial, WRONG, 1000, w->arena));
        struct finding_row row = row_of(w, apart);
        uint64_t id;
        row.bucket = "onnxruntime | min(int) | value discrete";
        row.folder = row_of(w, first).folder;
        row.json = "{\"complete\":true}";
        ok(store_add_finding(w->store, &row, &id));
    }
    triage_close(w->triage);
    open_triage(w);
    struct failing *more = failing_library(w, "min");
    ok(triage_finding(w->triage, &more->trial, WRONG, 1000, w->arena));
    assert_true(row_says(w, more, "\"own_key\":\"onnxruntime | min(int)"));
    assert_int_equal(count_buckets(w), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_cause_one_bucket, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_engines_share_buckets, set_up_library, tear_down),
        cmocka_unit_test_setup_teardown(test_one_optimizer_one_bucket, set_up_levels, tear_down),
        cmocka_unit_test_setup_teardown(test_one_optimizer_in_other_ops, set_up_levels, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_numbers_of_one_optimizer, set_up_levels,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_an_optimizer_alone_is_no_cause, set_up_levels,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_other_digits_are_another_cause, set_up_levels,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_first_findings_are_folders, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_time_to_reduce, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_explained_joins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_same_look_joins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_same_look_in_another_release, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_guess_is_no_look, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_look_of_a_known_bug, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_waited_joins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_known_bug, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_known_once_reduced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_flaky, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_was_taken_before_goes_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_buckets_of_one_cause_become_one, set_up_library,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_third_makes_two_buckets_one, set_up_library,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_full_buckets_stay, set_up_library, tear_down),
        cmocka_unit_test_setup_teardown(test_bucket_has_tests, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
