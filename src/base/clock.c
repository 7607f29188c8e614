/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks, and the end of a child with the time that it used. */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

double clock_wall(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double seconds_of(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1e-6;
}

static double cpu_seconds(int who)
{
    struct rusage usage;
    getrusage(who, &usage);
    return seconds_of(&usage);
}

double clock_cpu_self(void)
{
    return cpu_seconds(RUSAGE_SELF);
}

double clock_cpu_children(void)
{
    return cpu_seconds(RUSAGE_CHILDREN);
}

double clock_cpu_of(pid_t pid)
{
    clockid_t clock;
    struct timespec t;
    if (pid <= 0 || clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t)) {
        return 0;
    }
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* "pid (name) state ...", proc(5): the name may hold anything, so count from its last parenthesis.
 */
double clock_cpu_waited(pid_t pid)
{
    char path[32], text[1024];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) {
        return 0;
    }
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *behind = strrchr(text, ')');
    if (behind == NULL ||
        sscanf(behind, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %lu %lu", &user,
               &system) != 2) {
        return 0;
    }
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

int child_reap(pid_t pid, double patience, double *cpu)
{
    struct rusage usage = {0};
    double end = clock_wall() + patience;
    int status = 0;
    pid_t got;
    while ((got = wait4(pid, &status, WNOHANG, &usage)) == 0 || (got < 0 && errno == EINTR)) {
        if (clock_wall() > end) {
            kill(pid, SIGKILL);
        }
        nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    }
    *cpu = seconds_of(&usage);
    return status;
}
