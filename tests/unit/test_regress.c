/* SPDX-License-Identifier: Apache-2.0 */
/* Which of two releases is older, and which failures of several versions are regressions. */
#include <string.h>

#include "campaign_parts.h"
#include "unit.h"

static void versions_have_their_order(void **state)
{
    /* Each before the next. */
    static const char *const order[] = {"0.9",    "1.0.dev5", "1.0a1",  "1.0b2",
                                        "1.0rc1", "1.0rc10",  "1.0",    "1.0.post1",
                                        "1.0.1",  "1.9.0",    "1.15.0", "1.15.1.dev20261101",
                                        "1.15.1", "2.0"};
    for (size_t a = 0; a < ARRAY_SIZE(order); a++) {
        for (size_t b = 0; b < ARRAY_SIZE(order); b++) {
            int got = version_compare(order[a], order[b]);
            if ((got < 0) != (a < b) || (got > 0) != (a > b)) {
                fail_msg("%s and %s: %d", order[a], order[b], got);
            }
        }
    }
    assert_int_equal(version_compare("2.13.0+cpu", "2.13.0"), 0);
    assert_int_equal(version_compare("2.13.0+cpu", "2.13.0+cu128"), 0);
    assert_int_equal(version_compare("1.0", "1"), 0);
    assert_true(version_compare("", "1") < 0);
    (void)version_compare("?-?..", "+");
}

#define P VERDICT_PASS
#define F VERDICT_FINDING
#define U VERDICT_UNSUPPORTED

/* Three versions, named out of their order, beside another option and another library. */
static void failures_are_told_apart(void **state)
{
    static const struct target_kind lib = {.name = "lib"}, other = {.name = "other"};
    struct target new = {.kind = &lib, .text = "lib:a@new", .python = "/n", .version = "1.10"};
    struct target old = {.kind = &lib, .text = "lib:a@old", .python = "/o", .version = "1.2"};
    struct target mid = {.kind = &lib, .text = "lib:a", .python = "/m", .version = "1.9"};
    struct target b = {.kind = &lib, .text = "lib:b@old", .python = "/o", .version = "1.2"};
    struct target far = {.kind = &other, .text = "other:a", .python = "/o", .version = "1"};
    struct target *targets[] = {&new, &old, &mid, &b, &far};
    enum { NEW, OLD, MID, B, FAR, N };
    static const struct {
        enum verdict_kind in[N];
        const char *filter[N]; /* NULL: it stays */
        size_t from;           /* of NEW */
    } cases[] = {
        {{F, P, P, P, P}, {0}, MID},
        {{F, P, F, P, P}, {0}, OLD},
        {{F, F, P, P, P}, {[OLD] = "base-version"}, MID},
        {{F, F, F, F, F},
         {[NEW] = "older-fails", [OLD] = "base-version", [MID] = "older-fails"},
         NO_TARGET},
        {{P, F, P, P, P}, {[OLD] = "base-version"}, MID},
        {{F, U, U, P, P}, {[NEW] = "older-untested"}, NO_TARGET},
        {{F, U, F, P, P}, {[NEW] = "older-fails", [MID] = "older-untested"}, NO_TARGET},
        {{U, P, F, P, F}, {0}, OLD},
    };
    struct arena *arena = arena_new();
    const struct regressions *r = regressions_new(targets, N, arena);
    assert_true(r->any);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct verdict verdicts[N] = {0};
        for (size_t t = 0; t < N; t++) {
            verdicts[t].kind = cases[i].in[t];
        }
        size_t from = regression_from(r, NEW, verdicts);
        assert_int_equal(from, cases[i].in[NEW] == U ? from : cases[i].from);
        regressions_filter(r, verdicts, arena);
        for (size_t t = 0; t < N; t++) {
            const char *filter = cases[i].filter[t];
            assert_int_equal(verdicts[t].kind, filter ? VERDICT_FILTERED : cases[i].in[t]);
            if (filter) {
                assert_string_equal(verdicts[t].filter, filter);
            }
        }
    }
    arena_free(arena);
}

/* One library twice in the same version: the first is the base. Alone there is nothing to filter.
 */
static void equal_versions(void **state)
{
    static const struct target_kind lib = {.name = "lib"};
    struct target one = {.kind = &lib, .text = "lib@b", .python = "/b", .version = "1.0+x"};
    struct target two = {.kind = &lib, .text = "lib@a", .python = "/a", .version = "1.0+y"};
    struct target *targets[] = {&one, &two};
    struct arena *arena = arena_new();
    struct verdict verdicts[2] = {{.kind = P}, {.kind = F}};
    regressions_filter(regressions_new(targets, 2, arena), verdicts, arena);
    assert_int_equal(verdicts[1].kind, F);
    verdicts[0].kind = F;
    verdicts[1].kind = P;
    regressions_filter(regressions_new(targets, 2, arena), verdicts, arena);
    assert_int_equal(verdicts[0].kind, VERDICT_FILTERED);
    verdicts[0].kind = F;
    assert_false(regressions_new(targets, 1, arena)->any);
    regressions_filter(regressions_new(targets, 1, arena), verdicts, arena);
    assert_int_equal(verdicts[0].kind, F);
    arena_free(arena);
}

/* Both get models that both read. */
static void opsets_are_aligned(void **state)
{
    static const struct target_kind lib = {.name = "lib"};
    struct target one = {.kind = &lib, .text = "lib@b", .python = "/b", .onnx = {26, 10}};
    struct target two = {.kind = &lib, .text = "lib@a", .python = "/a", .onnx = {19, 12}};
    struct target *targets[] = {&one, &two};
    struct arena *arena = arena_new();
    regressions_align(regressions_new(targets, 2, arena));
    assert_int_equal(one.onnx.opset, 19);
    assert_int_equal(two.onnx.opset, 19);
    assert_int_equal(one.onnx.ir, 10);
    assert_int_equal(two.onnx.ir, 10);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_have_their_order),
        cmocka_unit_test(failures_are_told_apart),
        cmocka_unit_test(equal_versions),
        cmocka_unit_test(opsets_are_aligned),
    };

    return cmocka_run_group_tests_name("regress", tests, NULL, NULL);
}
