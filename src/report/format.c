/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of formats, and how one of sections is printed: the title as a heading (the first line,
 * to be cut off and put into the tracker's own field), then each section of the template in its
 * order. A section that has nothing to say is not printed.
 */
#include <string.h>

#include "report/escape.h"
#include "report/format_internal.h"

const struct report_format *const report_format_table[] = {
    &format_markdown, &format_json, &format_pytorch, &format_pytorch_compile, &format_onnxruntime,
    &format_openvino, &format_tvm,  &format_jax,     &format_tensorflow,
};
const size_t report_format_count = ARRAY_SIZE(report_format_table);

enum err report_format_find(const char *name, const struct report_format **format)
{
    struct buffer names = BUFFER_INIT;
    for (size_t i = 0; i < report_format_count; i++) {
        if (strcmp(report_format_table[i]->name, name) == 0) {
            *format = report_format_table[i];
            buffer_release(&names);
            return ERR_OK;
        }
        buffer_printf(&names, "%s%s", i > 0 ? ", " : "", report_format_table[i]->name);
    }
    enum err err = err_set(ERR_USAGE, "there is no format '%s'; %s", name, names.data);
    buffer_release(&names);
    return err;
}

const struct report_format *report_format_of(const char *library)
{
    for (size_t i = 0; i < report_format_count; i++) {
        const char *own = report_format_table[i]->library;
        if (own != NULL && strcmp(own, library) == 0) {
            return report_format_table[i];
        }
    }
    return &format_markdown;
}

static void print_title(const struct report_format *format, struct report_text *t)
{
    const struct record *r = t->record;
    buffer_printf(t->out, "# %s", format->title != NULL ? format->title : "");
    if (r->is_titled) {
        buffer_puts(t->out, r->title);
    } else {
        markdown_text(t->out, r->title);
    }
    buffer_puts(t->out, "\n");
}

static void print_sections(const struct report_format *format, struct report_text *t)
{
    print_title(format, t);
    for (const struct report_section *s = format->sections; s->heading != NULL; s++) {
        struct buffer body = BUFFER_INIT;
        struct report_text inner = {.record = t->record, .out = &body, .arena = t->arena};
        s->print(&inner);
        if (body.size > 0) {
            buffer_printf(t->out, "\n### %s\n\n", s->heading);
            buffer_append(t->out, body.data, body.size);
        }
        buffer_release(&body);
    }
}

void report_print(const struct report_format *format, const struct record *record,
                  struct buffer *out)
{
    struct report_text t = {.record = record, .out = out, .arena = arena_new()};
    if (format->print != NULL) {
        format->print(&t);
    } else {
        print_sections(format, &t);
    }
    arena_free(t.arena);
}
