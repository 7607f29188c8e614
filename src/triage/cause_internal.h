/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the search for a cause (cause.c, cause_stand_in.c) and the choice of a bucket, which
 * looks once more at programs like those. */
#ifndef OPJURY_CAUSE_INTERNAL_H
#define OPJURY_CAUSE_INTERNAL_H

#include "triage/triage.h"
#include "triage/triage_internal.h"

/* A search under way. All that it makes lasts as long as its arena. */
struct search {
    struct jury *jury;
    struct failure failure; /* of the smallest form: its test, verdict, outcome, signature */
    struct reduction *r;
    double cpu_start;
    bool is_cut; /* a bound was hit, or the user asked to stop, before all was looked at */
    /* What looks have said since the smallest form was reduced: hashes, beside what its reduction
     * has tried. */
    uint64_t *notes;
    size_t n_notes;
    struct arena *arena;
};

/* Runs it once, unless that was done in vain. *same: it fails as the smallest one does, and is no
 * slight failure where that one is clear; false too of what does not hold together, and once all is
 * over (is_cut). */
MUST_USE enum err search_look(struct search *s, struct test *test, struct outcome *outcome,
                              struct verdict *verdict, bool *same);
/* The same of a test that is no part of a search: does it fail as f does? */
MUST_USE enum err look_once(struct jury *jury, const struct failure *f, struct test *test,
                            struct arena *arena, struct outcome *outcome, struct verdict *verdict,
                            bool *same);
/* The same where only the answer counts: it is not asked for twice. */
MUST_USE enum err search_ask(struct search *s, struct test *test, bool *same);
/* It is the smallest form now. */
void search_adopt(struct search *s, const struct test *test, const struct outcome *outcome,
                  const struct verdict *verdict);
/* Is the earlier failure, of a part of the program, why the later one, of the whole, shows? A wrong
 * number that is read on makes numbers wrong; a wrong count, dtype or shape makes programs be
 * refused too, and so does a part that is. All else is explained by the same failure alone, and
 * what is clear not by what is slight. */
bool failure_explains(const struct failure *earlier, const struct failure *later);
/* *found: it fails in a way that explains how the smallest form does, again and again, and is the
 * failure now. */
MUST_USE enum err search_adopt_if_wrong(struct search *s, struct test *test, bool *found);

/* *found: the program that ends at an earlier value fails so, and is the failure now. */
MUST_USE enum err search_earlier(struct search *s, bool *found);

/* A test of program p with the inputs that `like` has under the same names; the one named `fresh`
 * (NULL: none) holds `elements`. */
struct test *test_with(const struct test *like, const struct program *p, const char *fresh,
                       void *elements, struct arena *arena);
/* `like` with its numbers of dtype `from` in dtype `to`, each where it lies in the other's range
 * (subnormal, ordinary, near the largest). NULL: it does not fit together. */
struct test *test_in_dtype(const struct test *like, enum dtype from, enum dtype to,
                           struct arena *arena);
/* The same with the numbers as they are: `to` holds all of `from`. */
struct test *test_widened(const struct test *like, enum dtype from, enum dtype to,
                          struct arena *arena);

/* Plain ops wherever they do. The nodes that are left are those of the cause; one is always left.
 */
MUST_USE enum err search_put_plain_ops(struct search *s, bool *changed);
/* A node that only makes something goes, and what it gave is given. *found: that fails too (as
 * search_adopt_if_wrong has it), and is the failure now: of a plain op nothing can be the cause. */
MUST_USE enum err search_without(struct search *s, bool *found);
/* Which nodes of the last form another op can stand in for: reduction.stands_in. */
MUST_USE enum err search_mark_stand_ins(struct search *s);

#endif
