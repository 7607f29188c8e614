/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library that misbehaves on purpose: its outputs are its inputs, and its option says what else
 * happens in the worker. Tests of workers, of oracles and of the campaign run it; nobody else asks
 * for it, so it is no default. Needs an interpreter and no package.
 */
#include "target/kinds.h"

#include <string.h>

static const char *const devices[] = {"device=present", "device=absent", NULL};

static enum err set_option(struct target *t, const char *key, const char *value,
                           struct arena *arena)
{
    static const char *const order[] = {"device", NULL};

    if (value && strcmp(key, "device") == 0) {
        return options_device(t, order, key, value, arena);
    }
    if (value || !*key) {
        return err_set(ERR_USAGE, "selftest takes one word, see python/opjury/selftest.py");
    }
    t->options = key;
    t->dynamic = strcmp(key, "stale") == 0; /* answers with what it was first asked */
    return ERR_OK;
}

static bool can_spell(const struct target *t, const struct op *op, const enum dtype *in,
                      size_t n_in, const enum dtype *out, size_t n_out)
{
    return true;
}

static enum err encode(const struct target *t, const struct test *test, struct buffer *job)
{
    return ERR_OK; /* what it does stands in its options */
}

static const char *const defaults[] = {NULL};

const struct target_kind target_selftest = {
    .name = "selftest",
    .summary = "misbehaves on purpose, for tests",
    .is_test = true,
    .options = "echo|raise|segv|abort|...|device=present|device=absent",
    .package = "",
    .adapter = "selftest",
    .option = set_option,
    .defaults = defaults,
    .devices = devices,
    .can_spell = can_spell,
    .encode = encode,
};

/* The same in packs of four, of which one program misbehaves (python/opjury/selftest_pack.py). */
const struct target_kind target_selftest_pack = {
    .name = "selftest",
    .mode = "pack",
    .summary = "misbehaves in packs, for tests",
    .is_test = true,
    .options = "echo|raise-prepare|segv-build|...",
    .package = "",
    .adapter = "selftest_pack",
    .option = set_option,
    .defaults = defaults,
    .can_spell = can_spell,
    .encode = encode,
    .constants_as_tensors = true,
    .pack = 4,
};

/* In workers that may start no process, and with a set-up that dies (python/opjury/
 * selftest_denied.py). */
const struct target_kind target_selftest_denied = {
    .name = "selftest",
    .mode = "denied",
    .summary = "misbehaves where no process may be started, for tests",
    .is_test = true,
    .options = "echo|child|fork-bomb|...",
    .package = "",
    .adapter = "selftest_denied",
    .option = set_option,
    .defaults = defaults,
    .can_spell = can_spell,
    .encode = encode,
};

/* A selftest in whose place an echo may run: what that is right about is not its failure. */
const struct target_kind target_selftest_runtime = {
    .name = "selftest",
    .mode = "runtime",
    .summary = "misbehaves as a runtime in whose place another runs, for tests",
    .options = "echo|raise|segv|...",
    .package = "",
    .adapter = "selftest",
    .option = set_option,
    .defaults = defaults,
    .can_spell = can_spell,
    .encode = encode,
    .runtime = "echo",
    .instead = "echo",
};
