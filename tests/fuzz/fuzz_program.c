/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader of program texts over arbitrary bytes. What it takes must hold together, must print,
 * and must read back to the same program; a copy of it must be the same, too.
 */
#include <stdint.h>
#include <string.h>

#include "program/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct buffer first = BUFFER_INIT, second = BUFFER_INIT, third = BUFFER_INIT;
    struct program *p, *again;
    if (program_parse("fuzz", (const char *)data, size, arena, &p) == ERR_OK) {
        CHECK(program_verify(p) == ERR_OK);
        program_print(p, &first);
        CHECK(program_parse("again", first.data, first.size, arena, &again) == ERR_OK);
        CHECK(program_hash(again) == program_hash(p));
        program_print(again, &second);
        CHECK(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
        struct program *copy = program_clone(p, arena);
        CHECK(program_hash(copy) == program_hash(p));
        program_print(copy, &third);
        CHECK(first.size == third.size && memcmp(first.data, third.data, first.size) == 0);
        CHECK(program_verify(program_prune(p, arena, true)) == ERR_OK);
    } else {
        CHECK(strncmp(err_text(), "fuzz:", 5) == 0);
    }
    buffer_release(&third);
    buffer_release(&second);
    buffer_release(&first);
    arena_free(arena);
    return 0;
}
