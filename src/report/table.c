/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict table: all runs of one test side by side, for people in a terminal and, as JSON, for
 * programs; and the title, which says the fault in the words of those who maintain the library.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"
#include "report/report_internal.h"

/* ---- words ---- */

const char *element_place(const struct shape *shape, size_t element, struct arena *arena)
{
    struct shape at = {.rank = shape->rank};
    for (int d = shape->rank - 1; d >= 0; d--) {
        size_t dim = shape->dim[d] > 0 ? (size_t)shape->dim[d] : 1;
        at.dim[d] = (int64_t)(element % dim);
        element /= dim;
    }
    struct buffer text = BUFFER_INIT;
    shape_print(&at, &text);
    const char *place = arena_strdup(arena, text.data);
    buffer_release(&text);
    return place;
}

const struct value *output_value(const struct finding_files *f, uint32_t output)
{
    const struct program *p = f->test->program;
    return output < p->n_outputs ? &p->values[p->outputs[output]] : NULL;
}

static bool is_value_finding(const struct finding_files *f, size_t t)
{
    const struct verdict *v = &f->verdicts[t];
    return v->oracle != NULL && strcmp(v->oracle, "value") == 0 &&
           output_value(f, v->output) != NULL && v->kind != VERDICT_PASS;
}

static const char *number_text(enum dtype d, real value, struct arena *arena)
{
    struct buffer text = BUFFER_INIT;
    dtype_print_value(d, value, &text);
    const char *printed = arena_strdup(arena, text.data);
    buffer_release(&text);
    return printed;
}

/* ---- the table in text ---- */

enum { COLUMNS = 7 };
struct cells {
    const char *text[COLUMNS];
};

static struct cells table_row(const struct finding_files *f, size_t t, struct arena *arena)
{
    const struct verdict *v = &f->verdicts[t];
    struct cells row = {{f->targets[t]->text, verdict_names[v->kind],
                         v->oracle != NULL ? v->oracle : "", "", "", "", ""}};
    if (is_value_finding(f, t)) {
        const struct value *out = output_value(f, v->output);
        row.text[3] =
            arena_printf(arena, "%s%s", out->name, element_place(&out->shape, v->element, arena));
        row.text[4] = number_text(out->dtype, v->expected, arena);
        row.text[5] = number_text(out->dtype, v->actual, arena);
        row.text[6] = arena_printf(arena, "%.3Lg", v->bound);
    }
    return row;
}

static const char *verdict_colour(enum verdict_kind kind)
{
    return kind == VERDICT_FINDING ? "\033[31m" : kind == VERDICT_PASS ? "\033[32m" : "\033[33m";
}

static void print_cell(const char *text, size_t width, const char *colour, struct buffer *out)
{
    buffer_printf(out, "%s%s%s%*s", colour != NULL ? colour : "", text,
                  colour != NULL ? "\033[0m" : "", (int)(width - strlen(text)), "");
}

static void trim_line(struct buffer *out)
{
    while (out->size > 0 && out->data[out->size - 1] == ' ') {
        out->data[--out->size] = '\0';
    }
    buffer_puts(out, "\n");
}

/* One line a target below the table: what is wrong in words. */
static void print_texts(const struct finding_files *f, struct buffer *out)
{
    for (size_t t = 0; t < f->n_targets; t++) {
        const struct verdict *v = &f->verdicts[t];
        if (v->kind != VERDICT_PASS && v->text != NULL && v->text[0] != '\0') {
            buffer_printf(out, "%s: %s\n", f->targets[t]->text, v->text);
        }
    }
}

void verdict_table_print(const struct finding_files *f, bool colour, struct buffer *out)
{
    static const struct cells head = {
        {"target", "verdict", "oracle", "worst element", "expected", "actual", "bound"}};
    struct arena *arena = arena_new();
    struct cells *rows = ARENA_ARRAY(arena, struct cells, f->n_targets + 1);
    size_t width[COLUMNS] = {0};
    bool any_value = false;
    rows[0] = head;
    for (size_t t = 0; t < f->n_targets; t++) {
        rows[t + 1] = table_row(f, t, arena);
        any_value = any_value || is_value_finding(f, t);
    }
    int columns = any_value ? COLUMNS : 3;
    for (size_t i = 0; i <= f->n_targets; i++) {
        for (int c = 0; c < columns; c++) {
            size_t n = strlen(rows[i].text[c]);
            width[c] = n > width[c] ? n : width[c];
        }
    }
    for (size_t i = 0; i <= f->n_targets; i++) {
        for (int c = 0; c < columns; c++) {
            bool painted = colour && i > 0 && c == 1;
            print_cell(rows[i].text[c], width[c],
                       painted ? verdict_colour(f->verdicts[i - 1].kind) : NULL, out);
            buffer_puts(out, c + 1 < columns ? "  " : "");
        }
        trim_line(out);
    }
    print_texts(f, out);
    arena_free(arena);
}

/* ---- the table as JSON ---- */

json_t *json_text(const char *text)
{
    if (text == NULL) {
        return json_null();
    }
    json_t *made = json_string(text);
    if (made != NULL) {
        return made;
    }
    char *clean = xstrdup(text);
    for (size_t i = 0, n = strlen(clean); i < n;) {
        size_t size = utf8_length(clean + i, n - i);
        clean[i] = size > 0 ? clean[i] : '?';
        i += size > 0 ? size : 1;
    }
    made = json_string(clean);
    free(clean);
    return made;
}

json_t *json_texts(const struct texts *texts)
{
    json_t *list = json_array();
    for (size_t i = 0; i < texts->n; i++) {
        json_array_append_new(list, json_text(texts->items[i]));
    }
    return list;
}

/* A number where JSON has one for it, else its text ("nan", "-inf", "-0"). */
static json_t *json_value(enum dtype d, real value, struct arena *arena)
{
    if (!isfinite(value) || (value == 0 && signbit(value))) {
        return json_text(number_text(d, value, arena));
    }
    if (dtype_is_int(d)) {
        return json_integer((json_int_t)value);
    }
    return json_real((double)value);
}

static void put_worst(json_t *row, const struct finding_files *f, const struct verdict *v,
                      struct arena *arena)
{
    const struct value *out = output_value(f, v->output);
    json_object_set_new(row, "output", json_text(out->name));
    json_object_set_new(row, "element", json_text(element_place(&out->shape, v->element, arena)));
    json_object_set_new(row, "expected", json_value(out->dtype, v->expected, arena));
    json_object_set_new(row, "actual", json_value(out->dtype, v->actual, arena));
    json_object_set_new(row, "bound", json_value(DTYPE_F64, v->bound, arena));
    json_object_set_new(row, "wrong", json_integer((json_int_t)v->n_wrong));
}

/* The end of what was printed, from the beginning of a line. */
static const char *log_tail(const char *log)
{
    enum { TAIL = 4000 };
    size_t n = log != NULL ? strlen(log) : 0;
    if (n <= TAIL) {
        return log;
    }
    const char *line = strchr(log + n - TAIL, '\n');
    return line != NULL ? line + 1 : log + n - TAIL;
}

/* Not a number: JSON's have 53 bits. */
static json_t *address_json(const struct outcome *o)
{
    char text[24];
    snprintf(text, sizeof(text), "0x%llx", (unsigned long long)o->address);
    return json_text(o->fault != NULL ? text : NULL);
}

static void put_outcome(json_t *row, const struct outcome *o)
{
    if (o->kind == OUTCOME_ERROR) {
        json_object_set_new(row, "phase", json_text(o->phase));
        json_object_set_new(row, "error_class", json_text(o->error_class));
        json_object_set_new(row, "message", json_text(o->message));
    } else if (o->kind == OUTCOME_CRASH) {
        json_t *frames = json_array();
        for (uint32_t i = 0; i < o->n_frames && i < FRAMES_MAX; i++) {
            json_array_append_new(frames, json_text(o->frames[i]));
        }
        json_object_set_new(row, "signal", json_integer(o->signal));
        json_object_set_new(row, "exit_status", json_integer(o->exit_status));
        json_object_set_new(row, "frames", frames);
        json_object_set_new(row, "modules", json_text(o->modules != NULL ? o->modules : ""));
        json_object_set_new(row, "address", address_json(o));
        json_object_set_new(row, "fault", json_text(o->fault));
        json_object_set_new(row, "python_frame", json_text(o->python));
        json_object_set_new(row, "assertion", json_text(o->assertion));
        json_object_set_new(row, "stderr", json_text(log_tail(o->log)));
    }
}

json_t *verdicts_json(const struct finding_files *f, struct arena *arena)
{
    json_t *rows = json_array();
    for (size_t t = 0; t < f->n_targets; t++) {
        const struct verdict *v = &f->verdicts[t];
        json_t *row = json_object();
        json_object_set_new(row, "target", json_text(target_label(f->targets[t], arena)));
        json_object_set_new(row, "version", json_text(f->targets[t]->version));
        json_object_set_new(row, "verdict", json_text(verdict_names[v->kind]));
        json_object_set_new(row, "oracle", json_text(v->oracle));
        json_object_set_new(row, "text", json_text(v->text));
        if (v->kind == VERDICT_FILTERED) {
            json_object_set_new(row, "filter", json_text(v->filter));
        }
        json_object_set_new(row, "compared", json_integer((json_int_t)v->n_compared));
        json_object_set_new(row, "unstable", json_integer((json_int_t)v->n_unstable));
        json_object_set_new(row, "unspecified", json_integer((json_int_t)v->n_unspecified));
        if (is_value_finding(f, t)) {
            put_worst(row, f, v, arena);
        }
        put_outcome(row, &f->outcomes[t]);
        json_array_append_new(rows, row);
    }
    return rows;
}

/* ---- the title ---- */

/* What distinguishes the target from others of its library: "opt=all"; "" when nothing does. */
static const char *where(const struct target *t)
{
    return t->options != NULL && t->options[0] != '\0' ? t->options : "";
}

/* Behind the last of these stands the reason, in the words of ONNX Runtime's macros. */
static const char *behind_preamble(const char *line, struct arena *arena)
{
    static const char *const marks[] = {
        " Status Message: ", " during initialization: ", " was false. ", ") const "};
    static const char code[] = "[ONNXRuntimeError] : ";
    for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
        for (const char *at = line; (at = strstr(at, marks[i])) != NULL;) {
            at += strlen(marks[i]);
            line = *at != '\0' ? at : line;
        }
    }
    if (strncmp(line, code, strlen(code)) == 0) { /* "[...] : 1 : FAIL : " */
        const char *number = strstr(line + strlen(code), " : ");
        const char *name = number != NULL ? strstr(number + strlen(" : "), " : ") : NULL;
        line = name != NULL && name[strlen(" : ")] != '\0' ? name + strlen(" : ") : line;
    }
    /* "dir/file.cc:83 " */
    size_t word = strcspn(line, " "), colon = strcspn(line, ": ");
    bool is_place = colon < word && memchr(line, '.', colon) != NULL &&
                    colon + 1 + strspn(line + colon + 1, "0123456789") == word;
    return arena_strdup(arena, is_place && line[word] != '\0' ? line + word + 1 : line);
}

const char *cut_text(const char *text, size_t max, struct arena *arena)
{
    static const char dots[] = " ...";
    size_t n = max > strlen(dots) ? max - strlen(dots) : 0;
    if (strlen(text) <= max) {
        return text;
    }
    while (n > 0 && text[n] != ' ' && n > max / 2) {
        n--;
    }
    return arena_printf(arena, "%.*s%s", (int)n, text, dots);
}

bool is_special_number(const char *number)
{
    return strcmp(number, "nan") == 0 || strcmp(number, "inf") == 0 || strcmp(number, "-inf") == 0;
}

static const char *first_line(const char *message, struct arena *arena)
{
    return arena_printf(arena, "%.*s", (int)strcspn(message, "\n"), message);
}

const char *message_core(const char *message, struct arena *arena)
{
    return behind_preamble(first_line(message, arena), arena);
}

const char *message_reason(const char *message, struct arena *arena)
{
    enum { READABLE_MAX = 100 };
    const char *line = first_line(message, arena);
    return strlen(line) <= READABLE_MAX
               ? line
               : cut_text(message_core(message, arena), READABLE_MAX, arena);
}

const char *form_fault(const char *text, struct arena *arena)
{
    static const char middle[] = " expected, got ";
    const char *kind = strstr(text, ": "), *got = strstr(text, middle);
    if (kind == NULL || got == NULL || got < kind) {
        return NULL;
    }
    kind += strlen(": ");
    size_t word = strcspn(kind, " ");
    return kind + word < got
               ? arena_printf(arena, "%.*s %s instead of %.*s", (int)word, kind,
                              got + strlen(middle), (int)(got - kind - (ptrdiff_t)word - 1),
                              kind + word + 1)
               : NULL;
}

static void put_fault(const struct finding_files *f, struct buffer *title, struct arena *arena)
{
    const struct outcome *o = &f->outcomes[f->culprit];
    const struct verdict *v = &f->verdicts[f->culprit];
    switch (o->kind) {
    case OUTCOME_ERROR:
        buffer_printf(title, "%s fails with \"%s\"", o->phase != NULL ? o->phase : "run",
                      message_reason(o->message, arena));
        break;
    case OUTCOME_CRASH:
        if (o->signal != 0) {
            buffer_printf(title, "crash (SIG%s)", sigabbrev_np(o->signal));
        } else {
            buffer_printf(title, "the process exits with status %d", o->exit_status);
        }
        break;
    case OUTCOME_HANG:
        buffer_puts(title, "hang");
        break;
    case OUTCOME_OK:
    case OUTCOME_UNSUPPORTED:
    case OUTCOME_NOT_EXERCISED:
        if (is_value_finding(f, f->culprit)) {
            enum dtype d = output_value(f, v->output)->dtype;
            buffer_printf(title, "wrong result: %s expected, %s came back",
                          number_text(d, v->expected, arena), number_text(d, v->actual, arena));
        } else {
            const char *text = v->text != NULL ? v->text : v->oracle;
            const char *form = form_fault(text, arena);
            buffer_printf(title, "%s%s", form != NULL ? "the result has " : "",
                          form != NULL ? form : text);
        }
        break;
    }
}

/* Another version of the culprit. */
static bool is_other_version(const struct target *t, const struct target *culprit)
{
    size_t size = strcspn(t->text, "@");
    return t != culprit && t->kind == culprit->kind && size == strcspn(culprit->text, "@") &&
           strncmp(t->text, culprit->text, size) == 0;
}

/* "; 1.20.1 passes" */
static void put_versions(const struct finding_files *f, struct buffer *title)
{
    const struct target *culprit = f->targets[f->culprit];
    unsigned n = 0;
    for (size_t t = 0; t < f->n_targets; t++) {
        const char *version = f->targets[t]->version;
        if (version != NULL && f->verdicts[t].kind == VERDICT_PASS &&
            is_other_version(f->targets[t], culprit)) {
            buffer_printf(title, "%s%s", n++ == 0 ? "; " : ", ", version);
        }
    }
    if (n > 0) {
        buffer_puts(title, n == 1 ? " passes" : " pass");
    }
}

/* " at opt=all; opt=none passes": in which configuration of the library, where not in all. */
static void put_where(const struct finding_files *f, struct buffer *title)
{
    const struct target *culprit = f->targets[f->culprit];
    unsigned n = 0;
    for (size_t t = 0; t < f->n_targets; t++) {
        if (f->targets[t]->kind != culprit->kind || f->verdicts[t].kind != VERDICT_PASS ||
            is_other_version(f->targets[t], culprit) || where(f->targets[t])[0] == '\0') {
            continue;
        }
        if (n == 0) {
            buffer_printf(title, " at %s; ", where(culprit));
        }
        buffer_printf(title, "%s%s", n == 0 ? "" : ", ", where(f->targets[t]));
        n++;
    }
    if (n > 0) {
        buffer_puts(title, n == 1 ? " passes" : " pass");
    }
}

const char *finding_title(const struct finding_files *f, struct arena *arena)
{
    const struct target *t = f->targets[f->culprit];
    struct buffer title = BUFFER_INIT;
    buffer_printf(&title, "%s%s%s: %s: ", t->kind->name, t->version != NULL ? " " : "",
                  t->version != NULL ? t->version : "", op_chain(f->test->program, arena));
    put_fault(f, &title, arena);
    put_where(f, &title);
    put_versions(f, &title);
    for (char *c = title.data; *c != '\0'; c++) {
        *c = (unsigned char)*c < ' ' ? ' ' : *c;
    }
    const char *text = arena_strdup(arena, title.data);
    buffer_release(&title);
    return text;
}
