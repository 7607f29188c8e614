/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engine reads of memory that a worker wrote, over arbitrary bytes: a result's header and
 * the crash record. The result is the last of the last slot, so that a step beyond it faults. What
 * is taken must hold together.
 */
#include <string.h>

#include "target/target_internal.h"

enum { RUNS = 4, LAST_SLOT = WIRE_SLOTS_MAX - 1 };

static void check_text(const char *text)
{
    CHECK(text && strlen(text) <= WIRE_TEXT_MAX);
}

static void check_result(const struct outcome *o)
{
    check_text(o->message);
    check_text(o->error_class);
    check_text(o->log);
    CHECK(o->kind == OUTCOME_OK || o->n_outputs == 0);
    for (uint32_t i = 0; i < o->n_outputs; i++) {
        const struct tensor *t = &o->outputs[i];
        CHECK(t->dtype > DTYPE_NONE && t->dtype < DTYPE_COUNT && t->shape.rank <= RANK_MAX);
        (void)tensor_hash(t, 0); /* reads every byte */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ring ring = RING_NONE;
    struct arena *arena = arena_new();
    struct outcome o = {0};
    const char *why;

    if (!ring.map) {
        CHECK(ring_open(&ring, WIRE_SLOTS_MAX) == ERR_OK);
    }
    ring_begin(&ring, LAST_SLOT, LAST_SLOT + 1, 0, 1, 0);
    uint64_t share = ring_header(&ring)->result_size / RUNS;
    uint8_t *area = ring.map + ring.size - share;
    size_t n = size < 4096 ? size : 4096;
    memcpy(area, data, n);
    if (ring_read_result(&ring, LAST_SLOT, RUNS - 1, RUNS, arena, &o, &why)) {
        check_result(&o);
    } else {
        check_text(why);
    }
    struct outcome death = {0};
    size_t crash = sizeof(struct wire_crash);
    memcpy(&ring_header(&ring)->crash, data, size < crash ? size : crash);
    ring_read_crash(&ring, arena, &death);
    for (uint32_t i = 0; i < death.n_frames; i++) {
        CHECK(strlen(death.frames[i]) < 3 * WIRE_FRAME_SIZE);
    }
    CHECK(death.modules == NULL || strlen(death.modules) < 3 * WIRE_MODULES_SIZE);
    memset(area, 0, n);
    arena_free(arena);
    return 0;
}
