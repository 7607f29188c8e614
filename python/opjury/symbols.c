/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbols: which function an address is in, for a process that dies. dladdr goes through all
 * symbols of a library each time, of which torch has so many that the frames of one crash took
 * longer than the rest of it. So the zygote sorts the exported functions of what it has loaded,
 * once, and its workers inherit that; what a worker loads later is left to dladdr. Nothing here
 * takes a lock or memory when it is asked.
 */
#include "opjury/worker.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdlib.h>

struct function {
    uintptr_t start, size;
    const char *name;
};

struct module {
    uintptr_t low, high; /* of its code */
    uintptr_t base;
    const char *path;
    struct function *functions;
    size_t n;
};

/* A signal handler has no argument to carry them. */
static struct module *modules;
static size_t n_modules;

/* ---- the index ---- */

/* How many symbols there are stands nowhere; the last one that the hash table reaches tells. */
static size_t count_symbols(const uint32_t *hash)
{
    uint32_t n_buckets = hash[0], first = hash[1], bloom = hash[2];
    const uint32_t *buckets = hash + 4 + bloom * (sizeof(ElfW(Addr)) / sizeof *hash);
    const uint32_t *chains = buckets + n_buckets;
    uint32_t last = 0;

    for (uint32_t i = 0; i < n_buckets; i++) {
        last = buckets[i] > last ? buckets[i] : last;
    }
    if (last < first) {
        return first;
    }
    while (!(chains[last - first] & 1)) {
        last++;
    }
    return (size_t)last + 1;
}

static int by_start(const void *a, const void *b)
{
    const struct function *f = a, *g = b;

    return (f->start > g->start) - (f->start < g->start);
}

static void index_functions(struct module *m, const ElfW(Dyn) * dynamic)
{
    const ElfW(Sym) *symbols = NULL;
    const char *names = NULL;
    const uint32_t *hash = NULL;

    for (; dynamic->d_tag != DT_NULL; dynamic++) {
        /* glibc's loader has added the base, but not of what the kernel maps. */
        uintptr_t value = dynamic->d_un.d_ptr;
        const void *at = (const void *)(value < m->base ? value + m->base : value);
        symbols = dynamic->d_tag == DT_SYMTAB ? at : symbols;
        names = dynamic->d_tag == DT_STRTAB ? at : names;
        hash = dynamic->d_tag == DT_GNU_HASH ? at : hash;
    }
    size_t n = symbols && names && hash ? count_symbols(hash) : 0;
    m->functions = calloc(n + 1, sizeof *m->functions);
    for (size_t i = 0; m->functions && i < n; i++) {
        unsigned type = symbols[i].st_info & 15u;
        if (symbols[i].st_shndx != SHN_UNDEF && (type == STT_FUNC || type == STT_GNU_IFUNC)) {
            m->functions[m->n++] = (struct function){
                m->base + symbols[i].st_value, symbols[i].st_size, names + symbols[i].st_name};
        }
    }
    if (m->functions) {
        qsort(m->functions, m->n, sizeof *m->functions, by_start);
    }
}

static int index_module(struct dl_phdr_info *info, size_t size, void *unused)
{
    struct module m = {.base = info->dlpi_addr, .low = UINTPTR_MAX, .path = info->dlpi_name};
    const ElfW(Dyn) *dynamic = NULL;
    bool is_vdso = !m.path[0]; /* or the program itself: dladdr knows its name */

    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && (p->p_flags & PF_X)) {
            uintptr_t start = m.base + p->p_vaddr;
            m.low = start < m.low ? start : m.low;
            m.high = start + p->p_memsz > m.high ? start + p->p_memsz : m.high;
        } else if (p->p_type == PT_DYNAMIC) {
            dynamic = (const void *)(m.base + p->p_vaddr);
        }
    }
    struct module *grown =
        !is_vdso && dynamic ? realloc(modules, (n_modules + 1) * sizeof m) : NULL;
    if (grown) {
        index_functions(&m, dynamic);
        modules = grown;
        modules[n_modules++] = m;
    }
    return 0;
}

void symbols_index(void)
{
    dl_iterate_phdr(index_module, NULL);
}

/* ---- looking up ---- */

static const char *name_at(const struct module *m, uintptr_t address)
{
    size_t low = 0, high = m->functions ? m->n : 0;

    while (low < high) { /* the first that starts behind the address */
        size_t middle = low + (high - low) / 2;
        if (m->functions[middle].start <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const struct function *f = low > 0 ? &m->functions[low - 1] : NULL;
    return f && address - f->start < f->size ? f->name : NULL;
}

bool symbols_find(const void *address, struct place *place)
{
    uintptr_t at = (uintptr_t)address;
    Dl_info info;

    for (size_t i = 0; i < n_modules; i++) {
        if (at >= modules[i].low && at < modules[i].high) {
            *place = (struct place){modules[i].path, (const void *)modules[i].base,
                                    name_at(&modules[i], at)};
            return true;
        }
    }
    if (!dladdr(address, &info) || !info.dli_fname) {
        return false;
    }
    *place = (struct place){info.dli_fname, info.dli_fbase, info.dli_sname};
    return true;
}
