/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and directories. A written file is either the old one or the whole new one, also after a
 * crash; every refusal of the operating system comes back with its reason and the path.
 */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What file_read takes when the caller states no bound. */
#define READ_LIMIT ((size_t)1 << 30)

/* Names tried for the temporary file: leftovers of killed processes with our pid may be there. */
enum { TEMPORARY_TRIES = 100 };

static int open_retry(const char *path, int flags, mode_t mode)
{
    int fd;
    do {
        fd = open(path, flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

static enum err read_all(int fd, const char *path, size_t limit, struct buffer *buffer)
{
    enum { STEP = 64 << 10 };
    size_t start = buffer->size;
    struct stat info;
    size_t step = STEP;
    /* One byte more than the file has, so that the end is seen without another growth. */
    if (fstat(fd, &info) == 0 && info.st_size > 0 && (uintmax_t)info.st_size <= limit) {
        step = (size_t)info.st_size + 1;
    }
    for (;;) {
        buffer_reserve(buffer, step);
        ssize_t n = read(fd, buffer->data + buffer->size, step);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return err_set(ERR_IO, "cannot read %s: %m", path);
        }
        if (n == 0) {
            buffer->data[buffer->size] = '\0';
            return ERR_OK;
        }
        buffer->size += (size_t)n;
        if (buffer->size - start > limit) {
            return err_set(ERR_LIMIT, "%s is larger than %zu bytes", path, limit);
        }
        step = STEP;
    }
}

enum err file_read(const char *path, size_t limit, struct buffer *buffer)
{
    int fd = open_retry(path, O_RDONLY, 0);
    if (fd < 0) {
        return err_set(errno == ENOENT ? ERR_MISSING : ERR_IO, "cannot open %s: %m", path);
    }
    size_t start = buffer->size;
    enum err err = read_all(fd, path, limit ? limit : READ_LIMIT, buffer);
    if (err && buffer->data) {
        buffer->size = start;
        buffer->data[start] = '\0';
    }
    close(fd);
    return err;
}

static enum err write_all(int fd, const char *path, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            errno = n == 0 ? ENOSPC : errno;
            return err_set(ERR_IO, "cannot write %s: %m", path);
        }
        data += n;
        size -= (size_t)n;
    }
    /* Some file systems report a full disk only here or on close. */
    if (fsync(fd) != 0 && errno != EINVAL && errno != EROFS) {
        return err_set(ERR_IO, "cannot write %s: %m", path);
    }
    return ERR_OK;
}

/* A new file beside `path`; its name goes into `temporary`. */
static int open_temporary(const char *path, struct buffer *temporary)
{
    int fd = -1;
    for (int i = 0; i < TEMPORARY_TRIES; i++) {
        buffer_clear(temporary);
        buffer_printf(temporary, "%s.%ld-%d.tmp", path, (long)getpid(), i);
        fd = open_retry(temporary->data, O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (fd >= 0 || errno != EEXIST) {
            break;
        }
    }
    return fd;
}

/* The rename itself must last, too. File systems that cannot sync a directory say EINVAL. */
static enum err sync_parent(const char *path)
{
    struct buffer parent = BUFFER_INIT;
    const char *slash = strrchr(path, '/');
    if (!slash) {
        buffer_puts(&parent, ".");
    } else {
        buffer_append(&parent, path, slash == path ? 1 : (size_t)(slash - path));
    }
    enum err err = ERR_OK;
    int fd = open_retry(parent.data, O_RDONLY | O_DIRECTORY, 0);
    /* A directory that may be written but not read is not ours to mend: the file is there. */
    if (fd >= 0) {
        if (fsync(fd) != 0 && errno != EINVAL) {
            err = err_set(ERR_IO, "cannot write %s: %m", parent.data);
        }
        close(fd);
    }
    buffer_release(&parent);
    return err;
}

enum err file_write(const char *path, const void *data, size_t size)
{
    struct buffer temporary = BUFFER_INIT;
    int fd = open_temporary(path, &temporary);
    if (fd < 0) {
        buffer_release(&temporary);
        return err_set(ERR_IO, "cannot create %s: %m", path);
    }
    enum err err = write_all(fd, path, data, size);
    if (close(fd) != 0 && !err && errno != EINTR) {
        err = err_set(ERR_IO, "cannot write %s: %m", path);
    }
    if (!err && rename(temporary.data, path) != 0) {
        err = err_set(ERR_IO, "cannot create %s: %m", path);
    }
    if (err) {
        unlink(temporary.data);
    } else {
        err = sync_parent(path);
    }
    buffer_release(&temporary);
    return err;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static enum err make_one(const char *path)
{
    if (mkdir(path, 0777) == 0) {
        return ERR_OK;
    }
    int cause = errno;
    struct stat info;
    if (stat(path, &info) == 0) {
        if (S_ISDIR(info.st_mode)) {
            return ERR_OK;
        }
        cause = ENOTDIR;
    }
    errno = cause;
    return err_set(ERR_IO, "cannot make directory %s: %m", path);
}

enum err dir_make(const char *path)
{
    char *copy = xstrdup(path);
    enum err err = ERR_OK;
    for (char *at = copy + 1; *copy && *at && !err; at++) {
        if (*at == '/' && at[-1] != '/') {
            *at = '\0';
            err = make_one(copy);
            *at = '/';
        }
    }
    if (!err) {
        err = make_one(copy);
    }
    free(copy);
    return err;
}

enum err exe_dir(struct arena *arena, char **dir)
{
    char path[4096]; /* PATH_MAX: the kernel gives no longer one */
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n < 0) {
        return err_set(ERR_IO, "cannot read /proc/self/exe: %m");
    }
    path[n] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash) {
        return err_set(ERR_IO, "/proc/self/exe is no path: %s", path);
    }
    slash[slash == path] = '\0';
    *dir = arena_strdup(arena, path);
    return ERR_OK;
}

enum err cache_dir(struct arena *arena, char **dir)
{
    const char *own = getenv("OPJURY_CACHE");
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    char *path;
    if (own && *own) {
        path = arena_strdup(arena, own);
    } else if (cache && cache[0] == '/') { /* the XDG specification: others are ignored */
        path = arena_printf(arena, "%s/opjury", cache);
    } else if (home && *home) {
        path = arena_printf(arena, "%s/.cache/opjury", home);
    } else {
        return err_set(ERR_MISSING, "no place for the cache: set HOME or OPJURY_CACHE");
    }
    TRY(dir_make(path));
    *dir = path;
    return ERR_OK;
}
