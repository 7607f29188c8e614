/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox: what a process that runs the code of others may still do. It reads and starts what it is
 * told it needs, writes in one scratch folder, and has no network, no signals, no debugger and no
 * kernel interfaces for anything outside. Landlock holds the files, seccomp the system calls; what
 * a kernel lacks is said by sandbox_lacks. Needs neither Python nor the engine: both link it.
 */
#ifndef OPJURY_SANDBOX_H
#define OPJURY_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SANDBOX_READ = 1,    /* files, and what folders hold */
    SANDBOX_EXECUTE = 2, /* start programs */
    SANDBOX_WRITE = 4,   /* into files that are there: devices */
};
enum { SANDBOX_PLACES_MAX = 256 };

struct sandbox {
    int landlock;     /* its ABI, 0: none; a lower one than the kernel's may be set */
    bool has_seccomp; /* filters of system calls */
    size_t n;
    struct sandbox_place {
        int fd;
        unsigned access;
        bool is_folder;
    } place[SANDBOX_PLACES_MAX];
};

/* Ask the kernel what it has; nothing is allowed yet. */
void sandbox_init(struct sandbox *s);
/* Why it does not hold all that it promises, a part of a line; NULL: it does. */
const char *sandbox_lacks(const struct sandbox *s);
/* Allow what lies at or below a path, which is opened now. What is not there is passed over.
 * false: there are too many places (errno). */
bool sandbox_allow(struct sandbox *s, const char *path, unsigned access);
/* Programs, libraries and the facts about the machine that any program may need. */
bool sandbox_allow_system(struct sandbox *s);
/* Confine this process, which must have one thread, and all that it will start; for good. It may
 * write below `scratch` and in what it has open already. false: errno; the process must end. */
bool sandbox_enter(const struct sandbox *s, const char *scratch);

/* ---- scratch folders (scratch.c) ---- */

/* A new folder below `parent`, for folders of workers: its path, to be freed, and in *lock the
 * descriptor that keeps others from taking it for a leftover (flock, shared). Those of processes
 * that are gone are removed. NULL: errno. */
char *scratch_make(const char *parent, int *lock);
/* Remove what a folder holds, whatever it is; best effort. No link is followed. */
void scratch_empty(const char *path);
/* That and the folder. */
void scratch_remove(const char *path);

#endif
