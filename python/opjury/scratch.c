/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch: folders that workers write in. What they leave may be anything that a process can make
 * (folders without permissions, links to elsewhere, trees deeper than a path may be long) and goes
 * all the same: no link is followed, and folders in folders are moved up before they are emptied.
 */
#include "opjury/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "opjury-workers-"

/* Its entries, one after the other; `.` and `..` left out. */
static const char *next_entry(DIR *dir)
{
    const struct dirent *e;

    while ((e = readdir(dir))) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            return e->d_name;
        }
    }
    return NULL;
}

/* fd: its descriptor, which ends with it. */
static DIR *open_folder(int at, const char *name, int *fd)
{
    *fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = *fd >= 0 ? fdopendir(*fd) : NULL;

    if (!dir && *fd >= 0) {
        close(*fd);
    }
    return dir;
}

static bool remove_entry(int at, const char *name)
{
    return unlinkat(at, name, 0) == 0 || unlinkat(at, name, AT_REMOVEDIR) == 0;
}

/* Files of a folder in `top` go; its folders move into `top`, under names that nobody has. Is
 * anything as it was not? */
static bool flatten(int top, const char *name)
{
    static unsigned n_moved;
    const char *entry;
    bool changed = false;
    int fd;

    (void)fchmodat(top, name, S_IRWXU, AT_SYMLINK_NOFOLLOW);
    DIR *dir = open_folder(top, name, &fd);
    while (dir && (entry = next_entry(dir))) {
        if (remove_entry(fd, entry)) {
            changed = true;
            continue;
        }
        char moved[64];
        snprintf(moved, sizeof moved, "opjury-moved-%ld-%u", (long)getpid(), n_moved++);
        (void)fchmodat(fd, entry, S_IRWXU, AT_SYMLINK_NOFOLLOW);
        changed = renameat(fd, entry, top, moved) == 0 || changed;
    }
    if (dir) {
        closedir(dir);
    }
    return unlinkat(top, name, AT_REMOVEDIR) == 0 || changed;
}

/* Each round takes a level off; one that changes nothing is the last. */
void scratch_empty(const char *path)
{
    int fd;
    DIR *dir = open_folder(AT_FDCWD, path, &fd);
    const char *entry;

    for (bool changed = dir != NULL; changed;) {
        changed = false;
        rewinddir(dir);
        while ((entry = next_entry(dir))) {
            changed = remove_entry(fd, entry) || flatten(fd, entry) || changed;
        }
    }
    if (dir) {
        closedir(dir);
    }
}

void scratch_remove(const char *path)
{
    scratch_empty(path);
    (void)rmdir(path);
}

/* ---- folders of processes ---- */

static bool is_ours(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

/* What nobody holds a lock on any more. */
static void remove_leftovers(const char *parent)
{
    int folder;
    DIR *dir = open_folder(AT_FDCWD, parent, &folder);
    const char *entry;

    while (dir && (entry = next_entry(dir))) {
        char path[PATH_MAX];
        int n = snprintf(path, sizeof path, "%s/%s", parent, entry);
        if (strncmp(entry, NAME, strlen(NAME)) != 0 || n < 0 || (size_t)n >= sizeof path) {
            continue;
        }
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0 && is_ours(fd) && flock(fd, LOCK_EX | LOCK_NB) == 0) {
            scratch_remove(path);
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

/* Between making and locking another may have taken it for a leftover: is it there still? */
static bool is_at(int fd, const char *path)
{
    struct stat open_one, there;

    return fstat(fd, &open_one) == 0 && lstat(path, &there) == 0 &&
           open_one.st_ino == there.st_ino && open_one.st_dev == there.st_dev;
}

char *scratch_make(const char *parent, int *lock)
{
    enum { ATTEMPTS = 8 };
    char *path = NULL;

    remove_leftovers(parent);
    for (int i = 0; i < ATTEMPTS; i++) {
        if (asprintf(&path, "%s/" NAME "XXXXXX", parent) < 0) {
            return NULL;
        }
        int fd = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        if (fd >= 0 && flock(fd, LOCK_SH) == 0 && fchmod(fd, S_IRWXU | S_IXGRP | S_IXOTH) == 0 &&
            is_at(fd, path)) {
            *lock = fd;
            return path;
        }
        int error = errno;
        if (fd >= 0) {
            close(fd);
        }
        free(path);
        errno = error;
        if (fd < 0 && error != ENOENT) {
            break;
        }
    }
    return NULL;
}
