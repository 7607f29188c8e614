/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nnsmith beside figures of ours, where it is installed.
 */
#include "bench.h"

#include <string.h>

#include "generate/generate.h"

enum err peer_start_nnsmith(struct arena *arena, struct peer *peer, const char **versions,
                            const char **why)
{
    const char *python;
    char *line = NULL;
    *versions = *why = NULL;
    *peer = (struct peer){0};
    if (nnsmith_python(arena, &python) != ERR_OK) {
        *why = arena_printf(arena, "%s: figures of ours alone", err_text());
        return ERR_OK;
    }
    log_info("starting nnsmith");
    TRY(peer_start(python, "time_nnsmith.py", arena, peer));
    TRY(peer_line(peer, &line));
    const char *first = arena_strdup(arena, line);
    if (strncmp(first, "error ", 6) == 0) {
        *why = arena_printf(arena, "nnsmith does not start, figures of ours alone: %s", first + 6);
        peer_stop(peer);
        return ERR_OK;
    }
    *versions = first;
    return ERR_OK;
}
