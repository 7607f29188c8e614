/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helpers that commands share: readers of option values, lists of texts, colour, output. A value is
 * read whole or refused with one line that shows the form it should have had.
 */
#include "command.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* strtoull takes blanks, signs and wraps negative numbers: none of that is a number here. */
static bool read_u64(const char *text, uint64_t *value, const char **end)
{
    if (!isdigit((unsigned char)text[0])) {
        return false;
    }
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    if (hex && !isxdigit((unsigned char)text[2])) {
        return false;
    }
    char *stop;
    errno = 0;
    *value = strtoull(text, &stop, hex ? 16 : 10);
    *end = stop;
    return errno == 0;
}

enum err parse_u64(const char *what, const char *text, uint64_t *value)
{
    const char *end;
    uint64_t v;
    if (!read_u64(text, &v, &end) || *end != '\0') {
        return err_set(ERR_USAGE, "%s takes a whole number below 2^64, not '%s'", what, text);
    }
    *value = v;
    return ERR_OK;
}

enum err parse_u64_range(const char *what, const char *text, uint64_t lo, uint64_t hi,
                         uint64_t *value)
{
    const char *end;
    uint64_t v;
    if (!read_u64(text, &v, &end) || *end != '\0' || v < lo || v > hi) {
        return err_set(ERR_USAGE, "%s takes a whole number from %llu to %llu, not '%s'", what,
                       (unsigned long long)lo, (unsigned long long)hi, text);
    }
    *value = v;
    return ERR_OK;
}

enum err parse_id(const char *text, uint64_t *id)
{
    enum err err = parse_u64_range("ID", text, 1, INT64_MAX, id);
    if (err != ERR_OK && file_exists(text)) {
        return err_set(
            ERR_USAGE,
            "ID is the number of a finding, as `opjury show` lists them; the folder of a "
            "campaign is named by --out %s",
            text);
    }
    return err;
}

enum err parse_max_open(const char *text, uint64_t *max_open)
{
    return parse_u64_range("--max-open", text, 0, 1000000, max_open);
}

enum err parse_duration(const char *what, const char *text, double *seconds)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};

    char *end = NULL;
    double v = isdigit((unsigned char)text[0]) && text[1] != 'x' ? strtod(text, &end) : NAN;
    for (size_t i = 0; end != NULL && i < ARRAY_SIZE(units); i++) {
        if (strcmp(end, units[i].unit) == 0 && isfinite(v)) {
            *seconds = v * units[i].seconds;
            return ERR_OK;
        }
    }
    return err_set(ERR_USAGE, "%s takes a duration like 90, 60s, 10m or 2h, not '%s'", what, text);
}

enum err parse_size(const char *what, const char *text, uint64_t *bytes)
{
    static const char units[] = "kmgt";

    const char *end;
    uint64_t v;
    unsigned shift = 0;
    bool fine = read_u64(text, &v, &end);
    if (fine && *end != '\0') {
        const char *unit = strchr(units, tolower((unsigned char)*end));
        fine = unit != NULL && end[1] == '\0';
        shift = fine ? 10 * (unsigned)(unit - units + 1) : 0;
    }
    if (!fine || (v << shift) >> shift != v) {
        return err_set(ERR_USAGE, "%s takes a size like 4096, 64k, 512M or 2G, not '%s'", what,
                       text);
    }
    *bytes = v << shift;
    return ERR_OK;
}

const char *python_add(const char *given, const char *more, struct arena *arena)
{
    return given != NULL ? arena_printf(arena, "%s:%s", given, more) : more;
}

/* People wait this long without asking what is going on. */
static const double live_after = 2, live_every = 0.2;

struct live_line live_line_begin(const char *what)
{
    return (struct live_line){
        .what = what, .begin = clock_wall(), .is_terminal = isatty(STDERR_FILENO)};
}

void live_line_show(struct live_line *line, size_t done, size_t all)
{
    double now = clock_wall();
    if (line->is_terminal && now - line->begin >= live_after && now - line->last >= live_every) {
        fprintf(stderr, "\r\033[K%zu", done);
        if (all > 0) {
            fprintf(stderr, " of %zu", all);
        }
        fprintf(stderr, " %s", line->what);
        line->last = now;
    }
}

void live_line_end(struct live_line *line)
{
    if (line->last > 0) {
        fputs("\r\033[K", stderr);
        line->last = 0;
    }
}

bool colour_wanted(int fd)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(fd) && (no_colour == NULL || no_colour[0] == '\0') && term != NULL &&
           strcmp(term, "dumb") != 0;
}

enum err output_flush(void)
{
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        int why = errno;
        struct pollfd out = {.fd = STDOUT_FILENO}; /* an earlier flush may have had the EPIPE */
        if (why == EPIPE || (poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0)) {
            return err_set(ERR_CLOSED, "nobody reads the output any more");
        }
        errno = why;
        return err_set(ERR_IO, "cannot write to standard output: %s",
                       errno != 0 ? strerror(errno) : "an earlier write failed");
    }
    return ERR_OK;
}
