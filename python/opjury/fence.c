/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fence: the memory that a test's inputs lie in. One region an input index, kept and reused: a page
 * without access, pages for data, a page without access. A read or write past a tensor that lies
 * flush to a guard faults at once; on the other sides, bytes of a known pattern show a write.
 */
#include "opjury/worker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    CANARY = 64, /* bytes each side: one cache line, the widest vector store */
    CANARY_BYTE = 0xA5,
    PLACE_ALIGNED_WIRE = 0,
    PLACE_END_WIRE = 1,
    PLACE_START_WIRE = 2,
};

struct region {
    uint8_t *pages; /* first accessible byte; NULL: none yet */
    size_t capacity;
    uint8_t *data; /* where the tensor lies now */
    size_t size;
    size_t before, after; /* canary bytes on each side */
};

struct fence {
    struct region *regions;
    uint32_t n;
};

struct fence *fence_new(void)
{
    return calloc(1, sizeof(struct fence));
}

static struct region *region_at(struct fence *f, uint32_t index)
{
    if (index >= f->n) {
        uint32_t n = index + 16;
        struct region *grown = realloc(f->regions, n * sizeof *grown);
        if (!grown) {
            return NULL;
        }
        memset(grown + f->n, 0, (n - f->n) * sizeof *grown);
        f->regions = grown;
        f->n = n;
    }
    return &f->regions[index];
}

/* The old pages are not unmapped: a library that kept a tensor beyond its run may still read them.
 */
static bool region_grow(struct region *r, size_t need)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t capacity = page;

    if (need > SIZE_MAX / 4) {
        return false;
    }
    while (capacity < need) {
        capacity *= 2;
    }
    uint8_t *map = mmap(NULL, capacity + 2 * page, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED) {
        return false;
    }
    if (mprotect(map + page, capacity, PROT_READ | PROT_WRITE)) {
        munmap(map, capacity + 2 * page);
        return false;
    }
    r->pages = map + page;
    r->capacity = capacity;
    return true;
}

void *fence_place(struct fence *f, uint32_t index, const struct wire_tensor *form,
                  const void *bytes, uint32_t placement)
{
    struct region *r = region_at(f, index);
    size_t size = (size_t)form->size;
    size_t need = size + 2 * CANARY;

    if (!r || ((!r->pages || r->capacity < need) && !region_grow(r, need))) {
        return NULL;
    }
    r->size = size;
    r->before = placement == PLACE_START_WIRE ? 0 : CANARY;
    r->after = placement == PLACE_END_WIRE ? 0 : CANARY;
    if (placement == PLACE_END_WIRE) {
        r->data = r->pages + r->capacity - size;
    } else {
        r->data = r->pages + r->before;
    }
    memset(r->data - r->before, CANARY_BYTE, r->before);
    memset(r->data + size, CANARY_BYTE, r->after);
    memcpy(r->data, bytes, size);
    return r->data;
}

static bool is_canary(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != CANARY_BYTE) {
            return false;
        }
    }
    return true;
}

uint32_t fence_check(struct fence *f, uint32_t index, const void *bytes)
{
    struct region *r = &f->regions[index];
    uint32_t flags = 0;

    if (memcmp(r->data, bytes, r->size) != 0) {
        flags |= WIRE_INPUT_CHANGED;
        memcpy(r->data, bytes, r->size);
    }
    if (!is_canary(r->data - r->before, r->before) || !is_canary(r->data + r->size, r->after)) {
        flags |= WIRE_OUT_OF_BOUNDS;
        memset(r->data - r->before, CANARY_BYTE, r->before);
        memset(r->data + r->size, CANARY_BYTE, r->after);
    }
    return flags;
}

bool fence_find(const struct fence *f, const void *address, uint32_t *index, int64_t *outside)
{
    const uint8_t *at = address;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    for (uint32_t i = 0; i < f->n; i++) {
        const struct region *r = &f->regions[i];
        if (!r->pages || at < r->pages - page || at >= r->pages + r->capacity + page) {
            continue;
        }
        *index = i;
        *outside = at < r->data             ? (int64_t)(at - r->data)
                   : at < r->data + r->size ? 0
                                            : (int64_t)(at - (r->data + r->size)) + 1;
        return true;
    }
    return false;
}
