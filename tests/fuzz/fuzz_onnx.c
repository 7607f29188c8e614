/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What onnx_read makes of any bytes. A program that it accepts must be one: it checks, writes at
 * the default opset or is refused there, and what is written reads back.
 */
#include <stdlib.h>

#include "spell/spell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Names and attributes are fit for the text form. */
static void check_text(const struct program *p, struct arena *arena)
{
    struct buffer text = BUFFER_INIT;
    struct program *back;

    program_print(p, &text);
    if (program_parse("text", text.data, text.size, arena, &back) != ERR_OK) {
        BUG("accepted, but its text is refused: %s", err_text());
    }
    CHECK(program_hash(back) == program_hash(p));
    buffer_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const dims[] = {"N=2", "batch=3"};
    struct arena *arena = arena_new();
    struct program *p, *back;
    struct buffer model = BUFFER_INIT;

    if (onnx_read(&(struct onnx_source){.name = "input",
                                        .data = data,
                                        .size = size,
                                        .dims = dims,
                                        .n_dims = ARRAY_SIZE(dims)},
                  arena, &p) == ERR_OK) {
        if (ops_check(p) != ERR_OK) {
            BUG("accepted, but %s", err_text());
        }
        check_text(p, arena);
        enum err err = onnx_write(p, ONNX_VERSION_DEFAULT, &model);
        if (err == ERR_OK) {
            err = onnx_read(
                &(struct onnx_source){.name = "written", .data = model.data, .size = model.size},
                arena, &back);
        }
        if (err != ERR_OK && err != ERR_UNSUPPORTED) {
            BUG("written, but %s", err_text());
        }
    }
    buffer_release(&model);
    arena_free(arena);
    return 0;
}
