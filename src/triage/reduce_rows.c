/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tactic for what lies far apart in a tensor: of an axis only the indices stay that hold
 * anything but ones and zeros. dims cuts a slice, which keeps all that is in between; and which
 * comes first may matter, so both orders are tried.
 */
#include <string.h>

#include "triage/reduce_shapes.h"

enum { ROWS_MAX = 8 }; /* more of them are no special ones */

/* Indices of an axis, in the order in which they are kept. */
struct rows {
    int from_last; /* the axis, counted so: operands side by side have it in common */
    int64_t dim;
    int64_t *index;
    int64_t n;
    int64_t plain; /* the first index of ones and zeros alone */
};

static bool has_axis(const struct value *v, const struct rows *rows)
{
    int axis = v->shape.rank - 1 - rows->from_last;
    return is_leaf(v) && axis >= 0 && v->shape.dim[axis] == rows->dim;
}

/* Elements that one step of the axis goes over. */
static int64_t axis_stride(const struct value *v, const struct rows *rows)
{
    int64_t stride = 1;
    for (int d = v->shape.rank - rows->from_last; d < v->shape.rank; d++) {
        stride *= v->shape.dim[d];
    }
    return stride;
}

static bool tells(const struct candidate *c, const struct rows *rows, int64_t index)
{
    bool found = false;
    for (uint32_t id = 0; id < c->program->n_values; id++) {
        const struct value *v = &c->program->values[id];
        int64_t n = has_axis(v, rows) ? (int64_t)shape_numel(&v->shape) : 0;
        int64_t stride = n > 0 ? axis_stride(v, rows) : 1;
        for (int64_t at = index * stride; at < n; at += stride * rows->dim) {
            for (int64_t i = at; i < at + stride && !found; i++) {
                found = is_telling(v->dtype, dtype_load(v->dtype, c->leaf[id], (size_t)i));
            }
        }
    }
    return found;
}

static bool are_alike(const struct candidate *c, const struct rows *rows, int64_t a, int64_t b)
{
    bool alike = true;
    for (uint32_t id = 0; id < c->program->n_values && alike; id++) {
        const struct value *v = &c->program->values[id];
        int64_t n = has_axis(v, rows) ? (int64_t)shape_numel(&v->shape) : 0;
        int64_t stride = n > 0 ? axis_stride(v, rows) : 1;
        size_t size = dtype_size(v->dtype);
        for (int64_t i = a * stride; i < n && alike; i += stride * rows->dim) {
            const char *data = c->leaf[id];
            alike = memcmp(data + (size_t)i * size, data + (size_t)(i + (b - a) * stride) * size,
                           (size_t)stride * size) == 0;
        }
    }
    return alike;
}

/* false: none tell, or too many do. */
static bool find_rows(const struct candidate *c, struct rows *rows, struct arena *arena)
{
    rows->index = ARENA_ARRAY(arena, int64_t, ROWS_MAX);
    rows->n = 0;
    rows->plain = -1;
    for (int64_t i = 0; i < rows->dim; i++) {
        bool is_new = tells(c, rows, i);
        rows->plain = rows->plain < 0 && !is_new ? i : rows->plain;
        for (int64_t k = 0; k < rows->n && is_new; k++) {
            is_new = !are_alike(c, rows, rows->index[k], i);
        }
        if (is_new && rows->n == ROWS_MAX) {
            return false;
        }
        if (is_new) {
            rows->index[rows->n++] = i;
        }
    }
    return rows->n > 0 && rows->n < rows->dim;
}

/* These rows come first in all leaves that have the axis. */
static void put_first(struct reducer *r, struct candidate *c, const struct rows *rows)
{
    for (uint32_t id = 0; id < c->program->n_values; id++) {
        const struct value *v = &c->program->values[id];
        if (!has_axis(v, rows)) {
            continue;
        }
        size_t stride = (size_t)axis_stride(v, rows) * dtype_size(v->dtype);
        size_t n = value_bytes(v), block = stride * (size_t)rows->dim;
        const char *old = c->leaf[id];
        char *new = arena_copy(r->scratch, old, n);
        for (size_t at = 0; at < n; at += block) {
            for (int64_t k = 0; k < rows->n; k++) {
                memcpy(new + at + (size_t)k *stride, old + at + (size_t)rows->index[k] * stride,
                       stride);
            }
        }
        c->leaf[id] = new;
    }
}

/* Only these are kept, of the leaf and of all that must be like it. */
static bool try_rows(struct reducer *r, uint32_t leaf, const struct rows *rows)
{
    bool smaller = false;
    for (int way = 0; way < 2 && !smaller && !reduce_over(r); way++) {
        struct candidate c = candidate_new(r);
        const struct request q = {.leaf = leaf,
                                  .axis = c.program->values[leaf].shape.rank - 1 - rows->from_last,
                                  .size = rows->n,
                                  .free_attrs = way == 1,
                                  .fixed = UINT32_MAX,
                                  .part = PART_FIRST};
        put_first(r, &c, rows);
        smaller = candidate_resolve(r, &c, &q) &&
                  shape_cost(c.program) < shape_cost(r->best.program) && reduce_try(r, &c);
        arena_reset(r->scratch);
    }
    return smaller;
}

/* As they are, then backwards; then the same with one that tells nothing, which may be what they
 * stand beside. */
static bool keep_rows(struct reducer *r, uint32_t leaf, const struct rows *found)
{
    bool smaller = false;
    for (unsigned way = 0; way < 4 && !smaller; way++) {
        struct rows rows = *found;
        rows.n = way < 2 || found->plain < 0 ? found->n : found->n + 1;
        rows.index = ARENA_ARRAY(r->notes, int64_t, (size_t)rows.n);
        for (int64_t k = 0; k < rows.n; k++) {
            int64_t from = (way & 1) == 0 ? k : rows.n - 1 - k;
            rows.index[k] = from < found->n ? found->index[from] : found->plain;
        }
        smaller = rows.n < rows.dim && try_rows(r, leaf, &rows);
    }
    return smaller;
}

static bool rows_apply(struct reducer *r)
{
    bool progress = false;
    for (uint32_t id = 0; id < r->best.program->n_values; id++) {
        const struct value *v = &r->best.program->values[id];
        for (int d = 0; is_leaf(v) && d < v->shape.rank && !reduce_over(r); d++) {
            struct rows rows = {.from_last = v->shape.rank - 1 - d, .dim = v->shape.dim[d]};
            struct candidate c = candidate_new(r);
            bool may = find_rows(&c, &rows, r->notes);
            arena_reset(r->scratch);
            progress = (may && keep_rows(r, id, &rows)) || progress;
            v = &r->best.program->values[id];
        }
    }
    return progress;
}

const struct tactic tactic_rows = {
    .name = "rows",
    .summary = "of an axis only what holds more than ones and zeros, in either order",
    .apply = rows_apply,
};
