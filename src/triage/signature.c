/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What names a failure. A signature is what must stay the same while a program shrinks; a bucket
 * key adds what the program has become. Messages are normalised so that the same fault in another
 * program (other names, shapes, addresses) reads the same, while what tells two faults apart (the
 * source file, the function, the words, dtypes) stays.
 */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "triage/alike.h"
#include "triage/triage.h"
#include "triage/triage_internal.h"

/* ---- messages ---- */

enum { MESSAGE_MAX = 200 };

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool is_path_char(char c)
{
    return is_word(c) || c == '/' || c == '.' || c == '-' || c == '+';
}

/* The last component of a path is kept when it names a source file: it says where the fault is. */
static bool is_source_name(const char *name, size_t size)
{
    static const char *const endings[] = {".c", ".cc", ".cpp", ".cu", ".h", ".hpp", ".py"};
    for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
        size_t n = strlen(endings[i]);
        if (size > n && memcmp(name + size - n, endings[i], n) == 0) {
            return true;
        }
    }
    return false;
}

/* Length of the path at s, 0 if there is none: it holds a '/' with path characters around. */
static size_t path_length(const char *s)
{
    size_t n = 0;
    bool slash = false;
    while (is_path_char(s[n])) {
        slash = slash || s[n] == '/';
        n++;
    }
    while (n > 0 && s[n - 1] == '.') { /* the full stop of a sentence */
        n--;
    }
    return slash && n > 2 ? n : 0;
}

static size_t number_length(const char *s)
{
    if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && isxdigit((unsigned char)s[2])) {
        size_t n = 2;
        while (isxdigit((unsigned char)s[n])) {
            n++;
        }
        return n;
    }
    size_t n = s[0] == '-' || s[0] == '+' ? 1 : 0;
    if (!isdigit((unsigned char)s[n])) {
        return 0;
    }
    while (isdigit((unsigned char)s[n])) {
        n++;
    }
    if (s[n] == '.' && isdigit((unsigned char)s[n + 1])) {
        n++;
        while (isdigit((unsigned char)s[n])) {
            n++;
        }
    }
    if (s[n] == 'e' || s[n] == 'E') {
        size_t m = n + 1 + (s[n + 1] == '-' || s[n + 1] == '+' ? 1 : 0);
        if (isdigit((unsigned char)s[m])) {
            for (n = m; isdigit((unsigned char)s[n]);) {
                n++;
            }
        }
    }
    return n;
}

/* A word, appended with what varies taken out: v12 -> #, node_7 -> node_#, float16 as it is. */
static size_t put_word(const char *s, struct buffer *out)
{
    size_t n = 0;
    while (is_word(s[n])) {
        n++;
    }
    size_t digits = n;
    while (digits > 0 && isdigit((unsigned char)s[digits - 1])) {
        digits--;
    }
    if (digits < n && digits == 1) {
        buffer_puts(out, "#"); /* one letter and a number: a value of ours */
    } else if (digits < n && digits > 0 && s[digits - 1] == '_') {
        buffer_append(out, s, digits);
        buffer_puts(out, "#");
    } else {
        buffer_append(out, s, n);
    }
    return n;
}

/* Length of the quoted text at s with its quotes, 0 if s opens none. An apostrophe is no quote. */
static size_t quoted_length(const char *s, char before)
{
    if ((s[0] != '\'' && s[0] != '"' && s[0] != '`') || is_word(before)) {
        return 0;
    }
    const char *end = strchr(s + 1, s[0]);
    /* ''two quotes'' open nothing, '' alone is a name that is empty. */
    bool is_empty = end == s + 1, is_doubled = is_empty && (end[1] == s[0] || is_word(end[1]));
    return end != NULL && !is_doubled ? (size_t)(end - s) + 1 : 0;
}

/* Length of ": tensor(float)", which stands behind the name of a value: like that it varies. */
static size_t type_length(const char *s)
{
    static const char opening[] = ": tensor(";
    size_t n = strlen(opening);
    if (strncmp(s, opening, n) != 0) {
        return 0;
    }
    while (is_word(s[n])) {
        n++;
    }
    return s[n] == ')' ? n + 1 : 0;
}

static bool ends_with(const struct buffer *b, const char *text)
{
    size_t n = strlen(text);
    return b->size >= n && memcmp(b->data + b->size - n, text, n) == 0;
}

static void buffer_cut(struct buffer *b, size_t size)
{
    b->size = size;
    b->data[size] = '\0';
}

/* A list of numbers counts as one number: shapes of other ranks are the same message. */
static void put_number(struct buffer *out)
{
    static const char *const separators[] = {",", ", ", "x", " x "};
    for (size_t i = 0; i < ARRAY_SIZE(separators); i++) {
        size_t n = strlen(separators[i]);
        if (ends_with(out, separators[i]) && out->size > n && out->data[out->size - n - 1] == '#') {
            buffer_cut(out, out->size - n);
            return;
        }
    }
    buffer_puts(out, "#");
}

static size_t put_path(const char *s, size_t n, struct buffer *out)
{
    size_t name = n;
    while (name > 0 && s[name - 1] != '/') {
        name--;
    }
    if (is_source_name(s + name, n - name)) {
        buffer_append(out, s + name, n - name);
    } else {
        buffer_puts(out, "PATH");
    }
    return n;
}

/* Appends the normal form of what stands at s and returns how many bytes it took. */
static size_t put_normal(const char *s, char before, struct buffer *out)
{
    size_t n = quoted_length(s, before);
    if (n > 2 && path_length(s + 1) == n - 2 && is_source_name(s + 1, n - 2)) {
        return 1 + put_path(s + 1, n - 2, out) + 1; /* where an assertion stands */
    }
    if (n > 0) {
        buffer_puts(out, "*");
        return n + type_length(s + n);
    }
    if (isspace((unsigned char)s[0])) {
        if (out->size > 0 && !ends_with(out, " ")) {
            buffer_puts(out, " ");
        }
        return 1;
    }
    n = path_length(s);
    if (n > 0 && !is_word(before)) {
        return put_path(s, n, out);
    }
    n = number_length(s);
    if (n > 0) {
        put_number(out);
        return n;
    }
    if (is_word(s[0])) {
        return put_word(s, out);
    }
    buffer_append(out, s, 1);
    return 1;
}

/* A stretch of a message. */
struct piece {
    const char *text;
    size_t size;
};

/* Long messages keep both ends: libraries put the place first and the reason last. */
static const char *cut_middle(struct buffer *text, struct arena *arena)
{
    enum { HEAD = 110, TAIL = MESSAGE_MAX - HEAD - 3 };
    if (text->size <= MESSAGE_MAX) {
        return arena_strdup(arena, text->size > 0 ? text->data : "");
    }
    return arena_printf(arena, "%.*s...%.*s", (int)HEAD, text->data, (int)TAIL,
                        text->data + text->size - TAIL);
}

const char *normalise_message(const char *message, struct arena *arena)
{
    struct buffer out = BUFFER_INIT;
    for (const char *s = message; *s != '\0';) {
        s += put_normal(s, s > message ? s[-1] : ' ', &out);
    }
    while (out.size > 0 && out.data[out.size - 1] == ' ') {
        buffer_cut(&out, out.size - 1);
    }
    const char *text = cut_middle(&out, arena);
    buffer_release(&out);
    return text;
}

/* Pieces this long say something; shorter ones ("input of") are in every other message. */
enum { FRAGMENT_MIN = 16 };

/* What stands before the reason: "... const Unexpected type", "...: Unexpected type". */
static struct piece cut_place(struct piece p)
{
    static const char *const marks[] = {") const ", ": "};
    for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
        size_t n = strlen(marks[i]);
        for (size_t at = p.size; at-- > 0;) {
            if (at + n + FRAGMENT_MIN <= p.size && memcmp(p.text + at, marks[i], n) == 0) {
                p.text += at + n;
                p.size -= at + n;
                break;
            }
        }
    }
    return p;
}

static struct piece trim(struct piece p)
{
    while (p.size > 0 && strchr(" :,", p.text[0]) != NULL) {
        p.text++;
        p.size--;
    }
    while (p.size > 0 && strchr(" :,", p.text[p.size - 1]) != NULL) {
        p.size--;
    }
    return p;
}

/* The last piece that says something, else the longest: libraries put the reason last. */
static struct piece better_piece(struct piece best, struct piece next)
{
    bool says = next.size >= FRAGMENT_MIN;
    return says || (best.size < FRAGMENT_MIN && next.size > best.size) ? next : best;
}

const char *message_fragment(const char *message, struct arena *arena)
{
    struct piece best = {message, 0};
    size_t start = 0;
    struct buffer normal = BUFFER_INIT;
    for (size_t at = 0; message[at] != '\0';) {
        buffer_clear(&normal);
        buffer_puts(&normal, "."); /* something in front: a blank at the start would be dropped */
        size_t n = put_normal(message + at, at > 0 ? message[at - 1] : ' ', &normal);
        bool literal = normal.size == n + 1 && memcmp(normal.data + 1, message + at, n) == 0;
        size_t end = literal ? at + n : at;
        if (!literal || message[end] == '\0') {
            best = better_piece(best, trim((struct piece){message + start, end - start}));
            start = at + n;
        }
        at += n;
    }
    buffer_release(&normal);
    best = cut_place(best);
    return arena_printf(arena, "%.*s", (int)best.size, best.text);
}

/* ---- signatures ---- */

/* Frames that every abort or thrown exception has: they name the way down, not the fault. */
static bool is_machinery(const char *frame)
{
    static const char *const names[] = {
        "raise",
        "gsignal",
        "abort",
        "__assert",
        "__pthread_kill",
        "__libc_",
        "std::terminate",
        "__cxa_",
        "_Unwind_",
        "__gnu_cxx::__verbose",
        "__GI_",
        "__cxxabiv1",
        "__restore_rt",
        "libc.so",
        "std::__throw_",
        "c10::detail::torchCheckFail",
        "__stack_chk_fail",
        "__fortify_fail",
    };
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strncmp(frame, names[i], strlen(names[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* Bytes of a frame without the place within its function: "module+0xfunction+0xoffset". */
static int frame_size(const char *frame)
{
    static const char place[] = "+0x";
    const char *function = strstr(frame, place);
    const char *offset = function != NULL ? strstr(function + strlen(place), place) : NULL;
    return (int)(offset != NULL ? (size_t)(offset - frame) : strlen(frame));
}

/* Of a library that inductor had built for this program alone: its name is "c" and 51 digits in
 * base 32 of its hash. */
static bool is_of_program(const char *frame)
{
    enum { HASH = 51 };
    return frame[0] == 'c' && strspn(frame + 1, "abcdefghijklmnopqrstuvwxyz234567") == HASH &&
           frame[1 + HASH] == '.';
}

/* Which of several kernels it is, "kernel_12", hangs on what else was built. */
static int kernel_size(const char *frame)
{
    static const char kernel[] = "kernel_";
    size_t n = strlen(kernel);
    bool is_it = strncmp(frame, kernel, n) == 0 && frame[n] != '\0' &&
                 frame[n + strspn(frame + n, "0123456789")] == '\0';
    return is_it ? (int)n - 1 : frame_size(frame);
}

/* The innermost three functions that say something; outside the code of a program they say how it
 * was called. */
static void put_frames(const struct outcome *o, struct buffer *text)
{
    enum { FRAMES_KEPT = 3 };
    unsigned kept = 0;
    for (uint32_t i = 0; i < o->n_frames && i < FRAMES_MAX && kept < FRAMES_KEPT; i++) {
        if (kept > 0 && is_of_program(o->frames[i])) {
            return;
        }
        if (!is_machinery(o->frames[i]) && !is_of_program(o->frames[i])) {
            buffer_printf(text, "%s%.*s", kept == 0 ? " at " : " < ", kernel_size(o->frames[i]),
                          o->frames[i]);
            kept++;
        }
    }
}

/* One place in the library, unlike what its malloc or an exception says. */
static bool is_check(const char *assertion)
{
    static const char *const words[] = {"Check failed", "Assertion `", "INTERNAL ASSERT FAILED"};
    for (size_t i = 0; assertion != NULL && i < ARRAY_SIZE(words); i++) {
        if (strstr(assertion, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* The check that did not hold, whoever came there; else the functions, native ones first. Addresses
 * differ from run to run. */
static void put_cause_of_death(const struct outcome *o, struct buffer *text, struct arena *arena)
{
    size_t before = text->size;
    if (is_check(o->assertion)) {
        buffer_printf(text, " saying %s", normalise_message(o->assertion, arena));
        return;
    }
    put_frames(o, text);
    if (text->size == before && o->python != NULL) {
        buffer_printf(text, " at %s", normalise_message(o->python, arena));
    }
}

static void put_side_effect(const struct outcome *o, struct buffer *text, struct arena *arena)
{
    if (o->input_changed) {
        buffer_puts(text, " input changed");
    } else if (o->out_of_bounds) {
        buffer_puts(text, " out of bounds");
    } else if (o->state_changed != NULL) {
        buffer_printf(text, " %s", normalise_message(o->state_changed, arena));
    }
}

/*
 * Special values are other faults than wrong numbers: told apart, the one does not hide the other.
 * The rank says which is simpler.
 */
static const struct value_class {
    const char *signature;
    int rank;
} value_classes[] = {
    {"value", 0},
    {"value infinity", 1},
    {"value NaN expected", 2},
    {"value NaN came back", 2},
    {"value discrete", 3}, /* of a bool or integer: anything may stand behind it */
};

static bool is_discrete(const struct verdict *v, const struct outcome *o)
{
    return v->output < o->n_outputs && !dtype_is_float(o->outputs[v->output].dtype);
}

static const char *value_signature(const struct verdict *v, const struct outcome *o)
{
    if (isnan(v->expected) || isnan(v->actual)) {
        return isnan(v->expected) ? "value NaN expected" : "value NaN came back";
    }
    if (isinf(v->expected) || isinf(v->actual)) {
        return "value infinity";
    }
    return is_discrete(v, o) ? "value discrete" : "value";
}

/* -1: of no value. */
static int value_rank(const char *signature)
{
    for (size_t i = 0; i < ARRAY_SIZE(value_classes); i++) {
        if (strcmp(signature, value_classes[i].signature) == 0) {
            return value_classes[i].rank;
        }
    }
    return -1;
}

bool is_value(const char *text)
{
    static const char value[] = "value";
    return strncmp(text, value, strlen(value)) == 0;
}

bool same_failure(const char *signature, const char *seen)
{
    int was = value_rank(signature), is = value_rank(seen);
    return strcmp(signature, seen) == 0 || (was >= 0 && is >= 0 && is < was) ||
           signatures_alike(signature, seen);
}

const char *failure_signature(const struct verdict *v, const struct outcome *o, struct arena *arena)
{
    if (strcmp(v->oracle, "value") == 0) {
        return value_signature(v, o);
    }
    struct buffer text = BUFFER_INIT;
    buffer_puts(&text, v->oracle);
    switch (o->kind) {
    case OUTCOME_ERROR:
        buffer_printf(&text, " %s %s: %s", o->phase != NULL ? o->phase : "",
                      o->error_class != NULL ? o->error_class : "error",
                      normalise_message(o->message, arena));
        break;
    case OUTCOME_CRASH:
        if (o->signal != 0) {
            buffer_printf(&text, " signal %d", o->signal);
        } else {
            buffer_printf(&text, " exit %d", o->exit_status);
        }
        put_cause_of_death(o, &text, arena);
        break;
    case OUTCOME_OK:
        put_side_effect(o, &text, arena);
        break;
    case OUTCOME_HANG:
    case OUTCOME_UNSUPPORTED:
    case OUTCOME_NOT_EXERCISED:
        break;
    }
    const char *signature = arena_strdup(arena, text.data);
    buffer_release(&text);
    return signature;
}

/* ---- what is to blame ---- */

const struct program *failing_slice(const struct program *p, const struct verdict *v,
                                    const struct outcome *o, struct arena *arena)
{
    static const char *const oracles[] = {"value", "shape", "dtype"};
    bool one_output = false;
    for (size_t i = 0; i < ARRAY_SIZE(oracles); i++) {
        one_output = one_output || strcmp(v->oracle, oracles[i]) == 0;
    }
    if (!one_output) {
        return p;
    }
    CHECK(o->kind == OUTCOME_OK && v->output < p->n_outputs);
    struct program only = *p;
    only.n_outputs = only.outputs_capacity = 1;
    only.outputs = ARENA_ARRAY(arena, uint32_t, 1);
    only.outputs[0] = p->outputs[v->output];
    return program_prune(&only, arena, false);
}

/* ---- buckets ---- */

/* How an op of a chain is said: alone, with its dtypes, with the class of its first input's. */
enum chain_form { CHAIN_OPS, CHAIN_DTYPES, CHAIN_CLASSES };

/* What goes wrong in one dtype of a class mostly does in all of it: kernels are written once for
 * all, and how wide a number is only decides how far a test must go. */
const char *dtype_class(enum dtype d)
{
    return dtype_is_half(d)    ? "half"
           : dtype_is_float(d) ? "float"
           : dtype_is_int(d)   ? "int"
                               : dtype_name(d);
}

static void put_op(const struct program *p, const struct node *node, enum chain_form form,
                   struct buffer *text)
{
    enum dtype in = node_dtype(p, node);
    enum dtype out = node->n_out > 0 ? p->values[node->out[0]].dtype : DTYPE_NONE;
    buffer_puts(text, node->op_name);
    if (form == CHAIN_CLASSES) {
        buffer_printf(text, "(%s)", dtype_class(in == DTYPE_NONE ? out : in));
    } else if (form == CHAIN_DTYPES && (in == DTYPE_NONE || in == out)) {
        buffer_printf(text, "(%s)", dtype_name(out));
    } else if (form == CHAIN_DTYPES) {
        buffer_printf(text, "(%s->%s)", dtype_name(in), dtype_name(out));
    }
}

const struct value *node_operand(const struct program *p, const struct node *node)
{
    for (uint32_t k = 0; k < node->n_in; k++) {
        if (node->in[k] != VALUE_ABSENT) {
            return &p->values[node->in[k]];
        }
    }
    return NULL;
}

enum dtype node_dtype(const struct program *p, const struct node *node)
{
    const struct value *x = node_operand(p, node);
    return x != NULL ? x->dtype : DTYPE_NONE;
}

bool node_feeds(const struct program *p, uint32_t from, uint32_t to)
{
    const struct node *node = &p->nodes[to];
    for (uint32_t k = 0; k < node->n_in; k++) {
        uint32_t v = node->in[k];
        if (v != VALUE_ABSENT && p->values[v].kind == VALUE_NODE && p->values[v].node == from) {
            return true;
        }
    }
    return false;
}

static bool is_ready(const struct program *p, uint32_t i, const bool *done)
{
    for (uint32_t j = 0; j < p->n_nodes; j++) {
        if (!done[j] && j != i && node_feeds(p, j, i)) {
            return false;
        }
    }
    return true;
}

/*
 * The next node to name: one that the last fed if there is any, else the least by text. Two
 * programs that differ only in the order of independent nodes get the same chain.
 */
static uint32_t next_node(const struct program *p, const bool *done, uint32_t last,
                          const char *const *texts)
{
    uint32_t best = UINT32_MAX;
    bool best_fed = false;
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        if (done[i] || !is_ready(p, i, done)) {
            continue;
        }
        bool fed = last != UINT32_MAX && node_feeds(p, last, i);
        if (best == UINT32_MAX || (fed && !best_fed) ||
            (fed == best_fed && strcmp(texts[i], texts[best]) < 0)) {
            best = i;
            best_fed = fed;
        }
    }
    return best;
}

/* left_out: by node, NULL: none is. */
static const char *chain_text(const struct program *p, enum chain_form form, const bool *left_out,
                              struct arena *arena)
{
    struct buffer text = BUFFER_INIT;
    const char **texts = ARENA_ARRAY(arena, const char *, p->n_nodes);
    bool *done = ARENA_ZARRAY(arena, bool, p->n_nodes);
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        buffer_clear(&text);
        put_op(p, &p->nodes[i], form, &text);
        texts[i] = arena_strdup(arena, text.data);
    }
    buffer_clear(&text);
    uint32_t last = UINT32_MAX;
    for (uint32_t n = 0; n < p->n_nodes; n++) {
        uint32_t i = next_node(p, done, last, texts);
        CHECK(i != UINT32_MAX);
        if (left_out == NULL || !left_out[i]) {
            bool feeds = last != UINT32_MAX && node_feeds(p, last, i);
            buffer_printf(&text, "%s%s", text.size == 0 ? "" : feeds ? " -> " : ", ", texts[i]);
        }
        done[i] = true;
        last = i;
    }
    const char *chain = arena_strdup(arena, text.size > 0 ? text.data : "");
    buffer_release(&text);
    return chain;
}

const char *op_chain(const struct program *p, struct arena *arena)
{
    return chain_text(p, CHAIN_DTYPES, NULL, arena);
}

bool chain_has_op(const char *chain, const char *op)
{
    size_t n = strlen(op);
    for (const char *at = chain; (at = strstr(at, op)) != NULL; at += n) {
        bool is_name = (at == chain || at[-1] == ' ') &&
                       (at[n] == '(' || at[n] == ' ' || at[n] == ',' || at[n] == '\0');
        if (is_name) {
            return true;
        }
    }
    return false;
}

/* A message or frames name the cause, and a wrong form (shape, dtype, count) is no matter of
 * values; of wrong values the dtypes tell causes apart. */
static bool depends_on_dtypes(const char *signature)
{
    static const char *const none[] = {"status ", "crash ", "shape", "dtype", "count"};
    for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
        if (strncmp(signature, none[i], strlen(none[i])) == 0) {
            return false;
        }
    }
    return true;
}

const char *bucket_key(const struct program *reduced, const bool *stands_in, const struct target *t,
                       const char *signature, struct arena *arena)
{
    enum chain_form form = depends_on_dtypes(signature) ? CHAIN_CLASSES : CHAIN_OPS;
    return arena_printf(arena, "%s | %s | %s", t->kind->name,
                        chain_text(reduced, form, stands_in, arena), signature);
}
