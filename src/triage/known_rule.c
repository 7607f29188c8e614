/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A known-bug rule made from a finding: as much as tells its cause from others, and no more, so
 * that it holds for other programs with the same cause.
 */
#include <ctype.h>
#include <string.h>

#include "triage/triage.h"
#include "triage/triage_internal.h"

/* In double quotes of YAML. */
static void put_quoted(struct buffer *out, const char *text)
{
    buffer_puts(out, "\"");
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            buffer_puts(out, "\\");
        }
        unsigned char byte = (unsigned char)*c;
        buffer_append(out, byte < ' ' || byte == 0x7f ? " " : c, 1);
    }
    buffer_puts(out, "\"");
}

/* What a regular expression finds only as it stands. */
static const char *literal_regex(const char *text, struct arena *arena)
{
    struct buffer out = BUFFER_INIT;
    buffer_puts(&out, "");
    for (const char *c = text; *c != '\0'; c++) {
        if (strchr("\\^$.[]|()*+?{}", *c) != NULL) {
            buffer_puts(&out, "\\");
        }
        buffer_append(&out, c, 1);
    }
    const char *regex = arena_strdup(arena, out.data);
    buffer_release(&out);
    return regex;
}

/* NULL: no text tells more than the oracle does. */
static const char *message_of(const struct verdict *v, const struct outcome *o, struct arena *arena)
{
    static const struct {
        const char *signature, *regex;
    } values[] = {{"value NaN expected", "expected nan"},
                  {"value NaN came back", "got nan"},
                  {"value infinity", "(expected|got) -?inf"}};
    if (o->kind == OUTCOME_ERROR) {
        return literal_regex(message_fragment(o->message, arena), arena);
    }
    const char *signature = failure_signature(v, o, arena);
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        if (strcmp(signature, values[i].signature) == 0) {
            return values[i].regex;
        }
    }
    return NULL;
}

/* "a(float), b(half) -> c(half)" as the parts "a" and "b -> c"; the text of a list. */
static const char *ops_of_key(const char *key, struct arena *arena)
{
    const char *chain = strstr(key, " | ");
    const char *end = chain != NULL ? strstr(chain + 3, " | ") : NULL;
    struct buffer out = BUFFER_INIT;
    buffer_puts(&out, "");
    unsigned depth = 0;
    for (const char *c = chain != NULL ? chain + 3 : ""; end != NULL && c < end; c++) {
        depth += *c == '(';
        if (depth == 0) {
            buffer_append(&out, c, 1);
        }
        depth -= *c == ')';
    }
    const char *text = arena_strdup(arena, out.data);
    buffer_release(&out);
    return text;
}

static bool names_op(const char *ops, const char *op)
{
    size_t n = strlen(op);
    for (const char *at = strstr(ops, op); at != NULL; at = strstr(at + 1, op)) {
        bool starts = at == ops || strchr(" |", at[-1]) != NULL;
        if (starts && strchr(" ,|", at[n]) != NULL) {
            return true;
        }
    }
    return false;
}

/* Those of the ops' first inputs. The reducer makes f32 and bool of what may be anything. */
static dtype_set dtypes_of(const struct program *p, const char *ops)
{
    dtype_set set = 0;
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        enum dtype d = node_dtype(p, &p->nodes[i]);
        if (d != DTYPE_NONE && names_op(ops, p->nodes[i].op_name)) {
            set |= (dtype_set)1 << d;
        }
    }
    return (set & ~(DT(F32) | DT(BOOL))) != 0 ? set : 0;
}

static void put_dtypes(struct buffer *out, dtype_set set)
{
    const char *separator = "  dtypes: [";
    for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
        if (dtype_in(d, set)) {
            buffer_printf(out, "%s%s", separator, dtype_name(d));
            separator = ", ";
        }
    }
    buffer_puts(out, set != 0 ? "]\n" : "");
}

static void put_field(struct buffer *out, const char *name, const char *text)
{
    if (text != NULL) {
        buffer_printf(out, "  %s: ", name);
        put_quoted(out, text);
        buffer_puts(out, "\n");
    }
}

const char *known_rule_for(const char *id, const char *key, const struct target *t,
                           const struct program *reduced, const struct verdict *v,
                           const struct outcome *o, const char *url, const char *note,
                           struct arena *arena)
{
    const char *ops = ops_of_key(key, arena);
    struct buffer out = BUFFER_INIT;
    buffer_printf(&out, "- id: %s\n  library: %s\n", id, t->kind->name);
    if (t->version != NULL && t->version[0] != '\0') {
        buffer_puts(&out, "  versions: [");
        put_quoted(&out, t->version);
        buffer_puts(&out, "]\n");
    }
    if (ops[0] != '\0') {
        buffer_printf(&out, "  ops: [%s]\n", ops);
    }
    if (o->kind == OUTCOME_OK) { /* the text of an error tells more than dtypes */
        put_dtypes(&out, dtypes_of(reduced, ops));
    }
    buffer_printf(&out, "  oracle: %s\n", v->oracle);
    put_field(&out, "message", message_of(v, o, arena));
    put_field(&out, "url", url);
    put_field(&out, "note", note);
    const char *rule = arena_strdup(arena, out.data);
    buffer_release(&out);
    return rule;
}
