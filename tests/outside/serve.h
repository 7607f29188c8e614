/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of a tool that python scripts ask (Server in harness.py): one request a line on stdin,
 * one reply a line on stdout: "ok" with what was asked for, "refused TEXT" (there is no such
 * thing), "error TEXT".
 */
#ifndef OPJURY_SERVE_H
#define OPJURY_SERVE_H

#include <stdio.h>
#include <string.h>

#include "base/base.h"

enum { SERVE_WORDS_MAX = 5 };

/* Answers a request of n >= 1 words: appends what is to follow "ok" to `reply`. ERR_UNSUPPORTED is
 * a refusal. `arena` lasts as long as the request. */
typedef enum err serve_answer(char **word, size_t n, struct arena *arena, struct buffer *reply);

static inline void serve_line(char *line, serve_answer *answer)
{
    char *word[SERVE_WORDS_MAX], *rest = line;
    size_t n = 0;
    struct arena *arena = arena_new();
    struct buffer reply = BUFFER_INIT;

    while (n < SERVE_WORDS_MAX && (word[n] = strtok_r(NULL, " \n", &rest))) {
        n++;
    }
    enum err err = n == 0 ? err_set(ERR_USAGE, "no request") : answer(word, n, arena, &reply);
    if (err == ERR_OK) {
        printf("ok%s\n", reply.data ? reply.data : "");
    } else {
        printf("%s %s\n", err == ERR_UNSUPPORTED ? "refused" : "error", err_text());
    }
    fflush(stdout);
    buffer_release(&reply);
    arena_free(arena);
}

/* Until stdin ends. */
static inline void serve(serve_answer *answer)
{
    char line[4096];

    while (fgets(line, sizeof line, stdin)) {
        serve_line(line, answer);
    }
}

#endif
