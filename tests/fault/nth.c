/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the n-th call of a kind fail: LD_PRELOAD=nth.so OPJURY_FAULT=KIND:N[+]
 * OPJURY_FAULT_LOG=FILE program. KIND is malloc, read, write, open, mmap, fork or file (sizes,
 * names and modes of files, pipes, sockets). With '+' every later call of the kind fails as well,
 * as on a machine that has run out. FILE is made when a call was failed; without it the program
 * made fewer than N such calls. Only the program named in OPJURY_FAULT_PROGRAM is hit, not what it
 * executes.
 */
#undef _FILE_OFFSET_BITS /* else open is open64, and both cannot be defined */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

static const char *kind = ""; /* "" until the constructor has run: nothing fails before */
static long nth;
static bool onwards;
static atomic_long calls;

__attribute__((constructor)) static void read_settings(void)
{
    const char *fault = getenv("OPJURY_FAULT");
    const char *program = getenv("OPJURY_FAULT_PROGRAM");
    const char *colon = fault != NULL ? strchr(fault, ':') : NULL;
    if (colon == NULL || program == NULL || strcmp(program, program_invocation_short_name) != 0) {
        return;
    }
    static char name[16];
    size_t size = (size_t)(colon - fault);
    if (size >= sizeof(name)) {
        return;
    }
    memcpy(name, fault, size);
    char *end;
    nth = strtol(colon + 1, &end, 10);
    onwards = *end == '+';
    kind = name;
}

/* Shall this call fail? Async-signal-safe, allocates nothing. */
static bool fails(const char *what)
{
    if (strcmp(kind, what) != 0) {
        return false;
    }
    long call = atomic_fetch_add(&calls, 1) + 1;
    if (call < nth || (call > nth && !onwards)) {
        return false;
    }
    const char *log = getenv("OPJURY_FAULT_LOG");
    if (call == nth && log != NULL) {
        long fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd >= 0) {
            syscall(SYS_close, fd);
        }
    }
    return true;
}

/* The next definition of the symbol; void * to function pointer as POSIX promises. */
#define NEXT(function) ((__typeof__(&function))dlsym(RTLD_NEXT, #function))

#define FAILING(what, error, value)                                                                \
    if (fails(what)) {                                                                             \
        errno = error;                                                                             \
        return value;                                                                              \
    }

/* glibc's own names: dlsym would allocate, and so call itself. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

PUBLIC void *malloc(size_t size)
{
    FAILING("malloc", ENOMEM, NULL)
    return __libc_malloc(size);
}
PUBLIC void *calloc(size_t n, size_t size)
{
    FAILING("malloc", ENOMEM, NULL)
    return __libc_calloc(n, size);
}
PUBLIC void *realloc(void *old, size_t size)
{
    FAILING("malloc", ENOMEM, NULL)
    return __libc_realloc(old, size);
}
PUBLIC void *aligned_alloc(size_t alignment, size_t size)
{
    FAILING("malloc", ENOMEM, NULL)
    return __libc_memalign(alignment, size);
}
PUBLIC int posix_memalign(void **out, size_t alignment, size_t size)
{
    if (fails("malloc")) {
        return ENOMEM;
    }
    *out = __libc_memalign(alignment, size);
    return *out != NULL ? 0 : ENOMEM;
}

PUBLIC ssize_t read(int fd, void *data, size_t size)
{
    FAILING("read", EIO, -1)
    return NEXT(read)(fd, data, size);
}
PUBLIC ssize_t pread64(int fd, void *data, size_t size, off64_t offset)
{
    FAILING("read", EIO, -1)
    return NEXT(pread64)(fd, data, size, offset);
}
PUBLIC ssize_t pread(int fd, void *data, size_t size, off_t offset)
{
    FAILING("read", EIO, -1)
    return NEXT(pread)(fd, data, size, offset);
}
PUBLIC ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    FAILING("read", EIO, -1)
    return NEXT(recvmsg)(fd, message, flags);
}
PUBLIC ssize_t recv(int fd, void *data, size_t size, int flags)
{
    FAILING("read", EIO, -1)
    return NEXT(recv)(fd, data, size, flags);
}

/* What goes to standard error is how trouble is told: that stays. */
PUBLIC ssize_t write(int fd, const void *data, size_t size)
{
    if (fd != STDERR_FILENO) {
        FAILING("write", ENOSPC, -1)
    }
    return NEXT(write)(fd, data, size);
}
PUBLIC ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    FAILING("write", ENOSPC, -1)
    return NEXT(pwrite64)(fd, data, size, offset);
}
PUBLIC ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    FAILING("write", ENOSPC, -1)
    return NEXT(pwrite)(fd, data, size, offset);
}
PUBLIC ssize_t writev(int fd, const struct iovec *parts, int n)
{
    FAILING("write", ENOSPC, -1)
    return NEXT(writev)(fd, parts, n);
}
PUBLIC ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    FAILING("write", EPIPE, -1)
    return NEXT(sendmsg)(fd, message, flags);
}
PUBLIC ssize_t send(int fd, const void *data, size_t size, int flags)
{
    FAILING("write", EPIPE, -1)
    return NEXT(send)(fd, data, size, flags);
}

static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}
#define OPEN(name)                                                                                 \
    PUBLIC int name(const char *path, int flags, ...)                                              \
    {                                                                                              \
        FAILING("open", EMFILE, -1)                                                                \
        va_list arguments;                                                                         \
        va_start(arguments, flags);                                                                \
        mode_t mode = mode_of(flags, arguments);                                                   \
        va_end(arguments);                                                                         \
        return NEXT(name)(path, flags, mode);                                                      \
    }
OPEN(open)
OPEN(open64)
PUBLIC int openat(int dir, const char *path, int flags, ...)
{
    FAILING("open", EMFILE, -1)
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return NEXT(openat)(dir, path, flags, mode);
}
PUBLIC int memfd_create(const char *name, unsigned flags)
{
    FAILING("open", EMFILE, -1)
    return NEXT(memfd_create)(name, flags);
}

PUBLIC void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    FAILING("mmap", ENOMEM, MAP_FAILED)
    return NEXT(mmap)(at, size, protection, flags, fd, offset);
}
PUBLIC void *mmap64(void *at, size_t size, int protection, int flags, int fd, off64_t offset)
{
    FAILING("mmap", ENOMEM, MAP_FAILED)
    return NEXT(mmap64)(at, size, protection, flags, fd, offset);
}

PUBLIC pid_t fork(void)
{
    FAILING("fork", EAGAIN, -1)
    return NEXT(fork)();
}
PUBLIC int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    if (fails("fork")) {
        return EAGAIN;
    }
    return NEXT(posix_spawn)(pid, path, actions, attributes, argv, envp);
}
PUBLIC int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    if (fails("fork")) {
        return EAGAIN;
    }
    return NEXT(posix_spawnp)(pid, file, actions, attributes, argv, envp);
}

PUBLIC int ftruncate(int fd, off_t size)
{
    FAILING("file", ENOSPC, -1)
    return NEXT(ftruncate)(fd, size);
}
PUBLIC int ftruncate64(int fd, off64_t size)
{
    FAILING("file", ENOSPC, -1)
    return NEXT(ftruncate64)(fd, size);
}
PUBLIC int fsync(int fd)
{
    FAILING("file", EIO, -1)
    return NEXT(fsync)(fd);
}
PUBLIC int fdatasync(int fd)
{
    FAILING("file", EIO, -1)
    return NEXT(fdatasync)(fd);
}
PUBLIC int rename(const char *from, const char *to)
{
    FAILING("file", EACCES, -1)
    return NEXT(rename)(from, to);
}
PUBLIC int mkdir(const char *path, mode_t mode)
{
    FAILING("file", EACCES, -1)
    return NEXT(mkdir)(path, mode);
}
PUBLIC int pipe2(int ends[2], int flags)
{
    FAILING("file", EMFILE, -1)
    return NEXT(pipe2)(ends, flags);
}
PUBLIC int socketpair(int domain, int type, int protocol, int ends[2])
{
    FAILING("file", EMFILE, -1)
    return NEXT(socketpair)(domain, type, protocol, ends);
}
