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

/* Of our own text of a wrong value (value.c): "y[3]: expected 1.5, got -inf, allowed error ...". As
 * signatures do, a rule tells a wrong number, which is simpler, from a wrong infinity and NaN. */
#define NUMBER "-?[0-9tf]" /* how one begins; true, false */
static const char *value_regex(const char *signature)
{
    static const struct {
        const char *signature, *regex;
    } values[] = {
        {"value", "expected " NUMBER "[^,]*, got " NUMBER},
        {"value discrete", "expected " NUMBER "[^,]*, got " NUMBER},
        {"value infinity", "expected (-?inf, got -?[0-9i]|-?[0-9][^,]*, got -?inf)"},
        {"value NaN expected", "expected nan, got"},
        {"value NaN came back", "expected [^,]*, got nan"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        if (strcmp(signature, values[i].signature) == 0) {
            return values[i].regex;
        }
    }
    return NULL;
}

/* NULL: no text tells more than the oracle does. */
static const char *message_of(const struct verdict *v, const struct outcome *o, struct arena *arena)
{
    const char *text = "";
    if (o->kind == OUTCOME_OK && strcmp(v->oracle, "value") == 0) {
        return value_regex(failure_signature(v, o, arena));
    }
    if (o->kind == OUTCOME_CRASH && o->signal != 0) {
        return arena_printf(arena, "by signal %d ", o->signal);
    }
    if (o->kind == OUTCOME_ERROR || o->kind == OUTCOME_CRASH) {
        text = message_fragment(o->message, arena);
    } else if (strcmp(v->oracle, "side_effects") == 0) {
        text = message_fragment(v->text, arena);
    }
    return text[0] != '\0' ? literal_regex(text, arena) : NULL;
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

/* All dtypes of a class. */
static dtype_set dtypes_of_class(const char *name, size_t size)
{
    dtype_set set = 0;
    for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
        const char *class = dtype_class(d);
        set |= strlen(class) == size && memcmp(class, name, size) == 0 ? (dtype_set)1 << d : 0;
    }
    return set;
}

/* Of the classes that a key names, "a(float) -> b(half)"; 0: it names none, because its signature
 * tells causes apart without them. */
static dtype_set dtypes_of_key(const char *key)
{
    dtype_set set = 0;
    const char *chain = strstr(key, " | ");
    const char *end = chain != NULL ? strstr(chain + 3, " | ") : NULL;
    for (const char *c = chain; end != NULL && c < end; c++) {
        if (*c == '(') {
            set |= dtypes_of_class(c + 1, strcspn(c + 1, ")"));
        }
    }
    return set;
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

const char *known_rule_for(const struct known_report *r, struct arena *arena)
{
    const struct target *t = r->target;
    const char *ops = ops_of_key(r->key, arena);
    dtype_set dtypes = dtypes_of_key(r->key);
    struct buffer out = BUFFER_INIT;
    buffer_printf(&out, "- id: %s\n  library: %s\n", r->id, t->kind->name);
    if (t->version != NULL && t->version[0] != '\0') {
        buffer_puts(&out, "  versions: [");
        /* A build's tag, as in 2.13.0+cpu, is no part of the release. */
        put_quoted(&out, arena_printf(arena, "%.*s", (int)strcspn(t->version, "+"), t->version));
        buffer_puts(&out, "]\n");
    }
    if (ops[0] != '\0') {
        buffer_printf(&out, "  ops: [%s]\n", ops);
    }
    for (enum dtype d = 1; d < DTYPE_COUNT && dtypes != 0; d++) {
        if (dtype_in(d, r->dtypes)) {
            const char *class = dtype_class(d);
            dtypes |= dtypes_of_class(class, strlen(class));
        }
    }
    put_dtypes(&out, dtypes);
    buffer_printf(&out, "  oracle: %s\n", r->verdict->oracle);
    put_field(&out, "message", message_of(r->verdict, r->outcome, arena));
    put_field(&out, "url", r->url);
    put_field(&out, "note", r->note);
    const char *rule = arena_strdup(arena, out.data);
    buffer_release(&out);
    return rule;
}
