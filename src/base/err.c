/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What went wrong, and what is worth saying: the thread's error record, the end of the process on a
 * fault of ours, the log. The log level, the stop flag and the choice of a configuration are the
 * only writable globals of the engine; all are set by main.
 */
#include "base/base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One line for a person; a longer one is cut. */
enum { TEXT_MAX = 2048 };

static _Thread_local char last_text[TEXT_MAX];
static enum log_level current_level = LOG_INFO;
volatile sig_atomic_t stop_requested;

/* What others wrote may be in it: no breaks of the line, no commands to a terminal, no bytes that
 * are no characters. */
static void make_line(char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n;) {
        const unsigned char *c = (const unsigned char *)text + i;
        size_t size = utf8_length(c, n - i);
        bool is_control = c[0] < ' ' || c[0] == 0x7F || (c[0] == 0xC2 && size == 2 && c[1] < 0xA0);
        if (size == 0 || is_control) {
            text[i] = size == 0 ? '?' : ' ';
            size = 1;
        }
        i += size;
    }
}

enum err(err_set)(enum err code, const char *format, ...)
{
    int cause = errno;
    /* An argument may be the old text itself, so it is not written over while it is read. */
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    errno = cause;
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0) {
        snprintf(text, sizeof text, "%s", err_name(code));
    }
    make_line(text);
    memcpy(last_text, text, strlen(text) + 1);
    errno = cause;
    return code;
}

const char *err_text(void)
{
    return last_text;
}

const char *err_name(enum err code)
{
    switch (code) {
    case ERR_OK:
        return "no error";
#define ERR_CASE(name, text)                                                                       \
    case ERR_##name:                                                                               \
        return text;
        ERR_MAP(ERR_CASE)
#undef ERR_CASE
    }
    return "unknown error";
}

void bug_at(const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fflush(stdout);
    fprintf(stderr, "opjury: bug at %s:%d: ", file, line);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    fflush(stderr);
    va_end(args);
    abort();
}

void log_set_level(enum log_level level)
{
    current_level = level;
}

bool log_enabled(enum log_level level)
{
    return level <= current_level;
}

void log_line(enum log_level level, const char *format, ...)
{
    if (!log_enabled(level)) {
        return;
    }
    int cause = errno;
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    make_line(text);
    /* One call a line: several processes may share stderr. */
    fprintf(stderr, "opjury: %s%s\n", level == LOG_WARN ? "warning: " : "", text);
    errno = cause;
}
