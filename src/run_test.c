/* SPDX-License-Identifier: Apache-2.0 */
/* One test outside a campaign: a failure is looked up in the rules of known bugs and run again. */
#include "run_test.h"

static enum err confirm(const struct test_runner *r, struct failure *f, struct verdict *verdict,
                        struct arena *arena)
{
    enum { RECHECKS = 2 };
    f->rule = known_match(r->known, f->what, f->test->program, verdict, &f->outcome, arena);
    if (f->rule != NULL) {
        verdict->kind = VERDICT_KNOWN;
        verdict->text = arena_printf(arena, "known bug %s: %s", f->rule, verdict->text);
        return ERR_OK;
    }
    TRY(recheck(r->jury, f, RECHECKS, arena));
    if (f->repeats == 0 && f->other_kind == VERDICT_FILTERED) {
        verdict->kind = VERDICT_FILTERED;
        verdict->filter = "runtime";
        verdict->text = f->other;
    } else if (f->repeats < f->runs) {
        verdict->kind = VERDICT_FLAKY;
        verdict->text = arena_printf(arena, "%u of %u further runs fail alike: %s", f->repeats,
                                     f->runs, verdict->text);
    }
    return ERR_OK;
}

enum err run_test(const struct test_runner *r, const struct test *test, struct arena *arena,
                  struct finding_files *files, struct failure **failures)
{
    struct outcome *outcomes = ARENA_ZARRAY(arena, struct outcome, r->n_targets);
    struct verdict *verdicts = ARENA_ZARRAY(arena, struct verdict, r->n_targets);
    struct failure *failed = ARENA_ZARRAY(arena, struct failure, r->n_targets);
    TRY(jury_post(r->jury, test));
    struct reference *reference = reference_new(test, arena);
    TRY(jury_take(r->jury, arena, outcomes));
    judge_runs(test, reference, r->targets, outcomes, r->n_targets, arena, verdicts);
    for (size_t t = 0; t < r->n_targets; t++) {
        if (verdicts[t].kind != VERDICT_FINDING) {
            continue;
        }
        failed[t] =
            (struct failure){.target = t,
                             .what = target_drawn(r->targets[t], test, arena),
                             .test = test,
                             .verdict = verdicts[t],
                             .outcome = outcomes[t],
                             .signature = failure_signature(&verdicts[t], &outcomes[t], arena)};
        TRY(confirm(r, &failed[t], &verdicts[t], arena));
    }
    *files = (struct finding_files){
        .test = test,
        .original = test,
        .targets = targets_drawn(r->targets, r->n_targets, test, arena),
        .outcomes = outcomes,
        .verdicts = verdicts,
        .n_targets = r->n_targets,
        .reference = reference,
    };
    *failures = failed;
    return ERR_OK;
}
