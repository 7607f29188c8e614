/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DIR/progress.csv: how far the campaign was at which time, for the trends of its report. Lines are
 * added at times that grow by a part of themselves, so that days are a few hundred lines. It tells
 * nothing that a campaign needs: when it cannot be written, that is said once.
 */
#include "campaign_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char head[] = "elapsed_s,cpu_s,tests,findings,buckets\n";
/* The next line comes this part of the elapsed time later, and never sooner than that. */
static const double step_share = 0.02, step_least = 0.5;

/* A field of a number that is not known is empty: readers of tables know no NaN. */
static void put_seconds(FILE *out, double seconds)
{
    if (isfinite(seconds)) {
        fprintf(out, "%.3f", seconds);
    }
    putc(',', out);
}

void progress_note(struct progress_file *file, const struct progress_point *now, bool is_end)
{
    if (file->failed || (!is_end && now->elapsed < file->next)) {
        return;
    }
    file->next = now->elapsed * (1 + step_share);
    file->next = file->next > now->elapsed + step_least ? file->next : now->elapsed + step_least;
    FILE *out = fopen(file->path, "ae");
    if (out != NULL) {
        fputs(ftell(out) == 0 ? head : "", out);
        put_seconds(out, now->elapsed);
        put_seconds(out, now->cpu);
        fprintf(out, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n", now->tests, now->findings,
                now->buckets);
    }
    if (out == NULL || fclose(out) != 0) {
        log_warn("%s cannot be written (%m): the report will have no trends", file->path);
        file->failed = true;
    }
}

static bool parse_point(const char *line, struct progress_point *p)
{
    return sscanf(line, "%lf,%lf,%" SCNu64 ",%" SCNu64 ",%" SCNu64, &p->elapsed, &p->cpu, &p->tests,
                  &p->findings, &p->buckets) == 5 &&
           isfinite(p->elapsed) && isfinite(p->cpu);
}

/* What was not committed when a sitting was killed was done again in the next: later lines say what
 * counts. */
static size_t drop_undone(const struct progress_point *points, size_t n, double elapsed)
{
    while (n > 0 && points[n - 1].elapsed >= elapsed) {
        n--;
    }
    return n;
}

enum err progress_read(const char *dir, struct arena *arena, struct progress_point **points,
                       size_t *n)
{
    enum { SIZE_MAX_BYTES = 16 << 20 };
    struct buffer text = BUFFER_INIT;
    *points = NULL;
    *n = 0;
    enum err err = file_read(arena_printf(arena, "%s/progress.csv", dir), SIZE_MAX_BYTES, &text);
    for (char *line = text.data; err == ERR_OK && line != NULL && *line != '\0';) {
        struct progress_point p;
        if (parse_point(line, &p)) {
            *n = drop_undone(*points, *n, p.elapsed);
            *points = arena_room(arena, *points, *n, sizeof(p));
            (*points)[(*n)++] = p;
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    buffer_release(&text);
    return err == ERR_MISSING ? ERR_OK : err; /* of an older version */
}
