/* SPDX-License-Identifier: Apache-2.0 */
/* What tactics ask of the shapes of a whole program. */
#ifndef OPJURY_REDUCE_SHAPES_H
#define OPJURY_REDUCE_SHAPES_H

#include "triage/triage.h"
#include "triage/triage_internal.h"

/* What stays of a leaf that gets smaller: the elements known to matter, or an end of it. */
enum part { PART_WORST, PART_LAST, PART_FIRST };

enum { AXES_ALL = -1 };

/* What one solution of the whole program's shapes is asked for. */
struct request {
    bool may_grow; /* dims may grow where an attribute asks for it, or the leaf's axis */
    /* Leaves' dims wanted at most `size`: one leaf's axis, which is then demanded, or of all leaves
     * (VALUE_ABSENT) the axis counted from the last, or all axes (AXES_ALL). size 0: no wish; all
     * leaves stay as they are where they can. */
    uint32_t leaf;
    int axis;
    int64_t size;
    bool free_attrs; /* attributes that say a shape may change with it */
    uint32_t fixed;  /* but not this node's; UINT32_MAX: none */
    enum part part;  /* of a leaf that gets smaller: what stays */
};

/* Solves the candidate's shapes as asked and fits attributes and elements to them. false: there is
 * no such solution. */
bool candidate_resolve(struct reducer *r, struct candidate *c, const struct request *q);
/* What falls where dims become smaller: the elements of all values and the sum of all dims. */
size_t shape_cost(const struct program *p);

#endif
