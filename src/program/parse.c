/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs from text (the grammar is in program.h): recursive descent, one statement a line, over
 * text that nobody vouches for. Memory stays within a small multiple of the text: every element of
 * a const must be there before it gets room, every other array is bounded.
 */
#include "program/internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest word: a name, or a number written by hand. */
enum { WORD_MAX = 255 };

/* A value on the left of '='. */
struct declaration {
    const char *name;
    enum dtype dtype;
    struct shape shape;
};

struct parser {
    const char *name;
    const char *at, *end;
    int line;
    struct program *p;
    struct name_table names;
    struct name_table outputs;
    size_t numel; /* of all values so far */
    char word[WORD_MAX + 1];

    /* The statement being read. */
    uint32_t n_declared, n_in, n_attrs;
    struct declaration declared[NODE_OUTPUTS_MAX];
    uint32_t in[NODE_INPUTS_MAX];
    struct attr attrs[NODE_ATTRS_MAX];
};

/* ---- errors and words ---- */

static enum err fail(const struct parser *ps, const char *format, ...) PRINTF_LIKE(2, 3);
static enum err fail(const struct parser *ps, const char *format, ...)
{
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return err_set(ERR_INPUT, "%s:%d: %s", ps->name, ps->line, what);
}

static bool at_line_end(const struct parser *ps)
{
    return ps->at == ps->end || *ps->at == '\n';
}

/* Over blanks and a comment, within the line. */
static void skip_blank(struct parser *ps)
{
    while (ps->at < ps->end && (*ps->at == ' ' || *ps->at == '\t' || *ps->at == '\r')) {
        ps->at++;
    }
    if (ps->at < ps->end && *ps->at == '#') {
        while (!at_line_end(ps)) {
            ps->at++;
        }
    }
}

static enum err fail_expected(const struct parser *ps, const char *expected)
{
    if (at_line_end(ps)) {
        return fail(ps, "expected %s, found the end of the line", expected);
    }
    unsigned char c = (unsigned char)*ps->at;
    return isprint(c) ? fail(ps, "expected %s, found '%c'", expected, c)
                      : fail(ps, "expected %s, found byte 0x%02x", expected, c);
}

/* Is the next thing on the line `c`? Takes it if so. */
static bool accept(struct parser *ps, char c)
{
    skip_blank(ps);
    if (ps->at == ps->end || *ps->at != c) {
        return false;
    }
    ps->at++;
    return true;
}

static enum err expect(struct parser *ps, char c, const char *where)
{
    if (accept(ps, c)) {
        return ERR_OK;
    }
    char expected[128];
    snprintf(expected, sizeof expected, "'%c' %s", c, where);
    return fail_expected(ps, expected);
}

/* The next name or number into ps->word. */
static enum err read_word(struct parser *ps, const char *expected)
{
    skip_blank(ps);
    size_t n = 0;
    while (ps->at < ps->end &&
           (isalnum((unsigned char)*ps->at) || (*ps->at && strchr("_.+-", *ps->at)))) {
        if (n == WORD_MAX) {
            return fail(ps, "a word of more than %d characters", WORD_MAX);
        }
        ps->word[n++] = *ps->at++;
    }
    ps->word[n] = '\0';
    return n ? ERR_OK : fail_expected(ps, expected);
}

static enum err read_name(struct parser *ps, const char *expected)
{
    TRY(read_word(ps, expected));
    return text_is_name(ps->word) ? ERR_OK
                                  : fail(ps, "expected %s, found '%s'", expected, ps->word);
}

/* ---- the left side: NAME ':' DTYPE '[' DIMS ']' ---- */

static enum err read_shape(struct parser *ps, struct shape *shape)
{
    *shape = (struct shape){0};
    TRY(expect(ps, '[', "before the dims"));
    if (accept(ps, ']')) {
        return ERR_OK;
    }
    do {
        if (shape->rank == RANK_MAX) {
            return fail(ps, "more than %d dims", RANK_MAX);
        }
        int64_t dim;
        TRY(read_word(ps, "a dim"));
        if (!text_to_int(ps->word, &dim) || dim < 0 || dim > PROGRAM_NUMEL_MAX) {
            return fail(ps, "dim '%s' is not in 0..%d", ps->word, PROGRAM_NUMEL_MAX);
        }
        shape->dim[shape->rank++] = dim;
    } while (accept(ps, ','));
    return expect(ps, ']', "behind the dims");
}

/* The name is in ps->word already. */
static enum err read_declaration(struct parser *ps)
{
    if (ps->n_declared == NODE_OUTPUTS_MAX) {
        return fail(ps, "more than %d outputs", NODE_OUTPUTS_MAX);
    }
    struct declaration *d = &ps->declared[ps->n_declared];
    if (name_table_find(&ps->names, ps->p, ps->word) != VALUE_ABSENT) {
        return fail(ps, "'%s' is already defined", ps->word);
    }
    for (uint32_t i = 0; i < ps->n_declared; i++) {
        if (strcmp(ps->declared[i].name, ps->word) == 0) {
            return fail(ps, "'%s' is already defined", ps->word);
        }
    }
    d->name = arena_strdup(ps->p->arena, ps->word);
    TRY(expect(ps, ':', "behind the name of a value"));
    TRY(read_word(ps, "a dtype"));
    d->dtype = dtype_parse(ps->word, strlen(ps->word));
    if (d->dtype == DTYPE_NONE) {
        return fail(ps, "unknown dtype '%s'", ps->word);
    }
    TRY(read_shape(ps, &d->shape));
    size_t numel = shape_numel(&d->shape);
    if (numel > PROGRAM_NUMEL_MAX - ps->numel) {
        return fail(ps, "with '%s' the program has more than %d elements", d->name,
                    PROGRAM_NUMEL_MAX);
    }
    ps->numel += numel;
    ps->n_declared++;
    return ERR_OK;
}

/* ---- the right side ---- */

static enum err read_element(struct parser *ps, enum dtype d, void *data, size_t index)
{
    real value;
    TRY(read_word(ps, "an element"));
    if (!dtype_scan(d, ps->word, &value)) {
        return fail(ps, "element %zu: '%s' is no %s", index, ps->word, dtype_name(d));
    }
    dtype_store(d, data, index, value);
    return ERR_OK;
}

static enum err read_const(struct parser *ps, const struct declaration *d, const void **data)
{
    *data = NULL;
    if (accept(ps, '?')) {
        return ERR_OK;
    }
    TRY(expect(ps, '[', "or '?' behind const"));
    size_t numel = shape_numel(&d->shape);
    /* Each element takes a character at least, so this much text vouches for the memory. */
    if (numel > (size_t)(ps->end - ps->at)) {
        return fail(ps, "'%s' has fewer than %zu elements", d->name, numel);
    }
    void *elements = arena_alloc(ps->p->arena, numel * dtype_size(d->dtype));
    for (size_t i = 0; i < numel; i++) {
        if (i && !accept(ps, ',')) {
            skip_blank(ps);
            return at_line_end(ps) || *ps->at == ']'
                       ? fail(ps, "'%s' has %zu elements instead of %zu", d->name, i, numel)
                       : fail_expected(ps, "',' or ']' behind an element");
        }
        TRY(read_element(ps, d->dtype, elements, i));
    }
    if (accept(ps, ',')) {
        return fail(ps, "'%s' has more than %zu elements", d->name, numel);
    }
    *data = elements;
    return expect(ps, ']', "behind the elements");
}

static enum err read_ints(struct parser *ps, struct attr *attr)
{
    attr->kind = ATTR_INTS;
    attr->n = 0;
    if (accept(ps, ']')) {
        return ERR_OK;
    }
    do {
        if (attr->n == ATTR_VALUES_MAX) {
            return fail(ps, "attribute %s has more than %d values", attr->name, ATTR_VALUES_MAX);
        }
        TRY(read_word(ps, "an integer"));
        if (!text_to_int(ps->word, &attr->i[attr->n])) {
            return fail(ps, "attribute %s: '%s' is no integer of 64 bits", attr->name, ps->word);
        }
        attr->n++;
    } while (accept(ps, ','));
    return expect(ps, ']', "behind the integers");
}

static enum err read_text(struct parser *ps, struct attr *attr)
{
    const char *start = ps->at;
    while (!at_line_end(ps) && *ps->at != '"') {
        if (*ps->at < ' ' || *ps->at > '~' || *ps->at == '\\') {
            return fail_expected(ps, "printable ASCII without '\\' in a text");
        }
        ps->at++;
    }
    size_t size = (size_t)(ps->at - start);
    char *text = arena_alloc(ps->p->arena, size + 1);
    memcpy(text, start, size);
    text[size] = '\0';
    attr->kind = ATTR_TEXT;
    attr->text = text;
    return expect(ps, '"', "at the end of a text");
}

static enum err read_scalar(struct parser *ps, struct attr *attr)
{
    TRY(read_word(ps, "the value of an attribute"));
    bool is_integer = false;
    real number;
    if (strcmp(ps->word, "true") == 0 || strcmp(ps->word, "false") == 0) {
        attr->kind = ATTR_BOOL;
        attr->i[0] = *ps->word == 't';
    } else if (text_is_decimal(ps->word, &is_integer) && is_integer) {
        attr->kind = ATTR_INT;
        if (!text_to_int(ps->word, &attr->i[0])) {
            return fail(ps, "attribute %s: '%s' is no integer of 64 bits", attr->name, ps->word);
        }
    } else if (dtype_scan(DTYPE_F64, ps->word, &number)) {
        attr->kind = ATTR_REAL;
        attr->f = (double)number;
    } else {
        attr->kind = ATTR_DTYPE;
        attr->dtype = dtype_parse(ps->word, strlen(ps->word));
        if (attr->dtype == DTYPE_NONE) {
            return fail(ps, "attribute %s: '%s' is no value", attr->name, ps->word);
        }
    }
    return ERR_OK;
}

/* The name is in ps->word, '=' is taken. */
static enum err read_attr(struct parser *ps)
{
    if (ps->n_attrs == NODE_ATTRS_MAX) {
        return fail(ps, "more than %d attributes", NODE_ATTRS_MAX);
    }
    for (uint32_t i = 0; i < ps->n_attrs; i++) {
        if (strcmp(ps->attrs[i].name, ps->word) == 0) {
            return fail(ps, "attribute %s is given twice", ps->word);
        }
    }
    struct attr *attr = &ps->attrs[ps->n_attrs++];
    *attr = (struct attr){.name = arena_strdup(ps->p->arena, ps->word), .n = 1};
    if (accept(ps, '[')) {
        return read_ints(ps, attr);
    }
    if (accept(ps, '"')) {
        return read_text(ps, attr);
    }
    return read_scalar(ps, attr);
}

static enum err read_argument(struct parser *ps)
{
    TRY(read_word(ps, "an input or an attribute"));
    bool is_absent = strcmp(ps->word, "_") == 0;
    if (!is_absent && !text_is_name(ps->word)) {
        return fail(ps, "expected an input or an attribute, found '%s'", ps->word);
    }
    if (!is_absent && accept(ps, '=')) {
        return read_attr(ps);
    }
    if (ps->n_attrs) {
        return fail(ps, "input '%s' stands behind an attribute", ps->word);
    }
    if (ps->n_in == NODE_INPUTS_MAX) {
        return fail(ps, "more than %d inputs", NODE_INPUTS_MAX);
    }
    uint32_t id = is_absent ? VALUE_ABSENT : name_table_find(&ps->names, ps->p, ps->word);
    if (id == VALUE_ABSENT && !is_absent) {
        return fail(ps, "unknown value '%s'", ps->word);
    }
    ps->in[ps->n_in++] = id;
    return ERR_OK;
}

/* An input's number in alias(...) or mutates(...), below `limit`. */
static enum err read_input_number(struct parser *ps, int64_t limit, int64_t *number)
{
    if (!text_to_int(ps->word, number) || *number < 0 || *number >= limit) {
        return fail(ps, "'%s' is no number of an input, 0..%lld", ps->word, (long long)limit - 1);
    }
    return ERR_OK;
}

static enum err read_alias(struct parser *ps, struct node *node)
{
    int64_t limit = node->n_in > INT8_MAX ? INT8_MAX + 1 : node->n_in;
    node->alias = ARENA_ARRAY(ps->p->arena, int8_t, node->n_out);
    for (uint32_t o = 0; o < node->n_out; o++) {
        int64_t number = -1;
        TRY(expect(ps, o ? ',' : '(', "in alias, which has one entry an output"));
        TRY(read_word(ps, "the number of an input or '_'"));
        if (strcmp(ps->word, "_") != 0) {
            TRY(read_input_number(ps, limit, &number));
        }
        node->alias[o] = (int8_t)number;
    }
    return expect(ps, ')', "behind alias");
}

static enum err read_mutates(struct parser *ps, struct node *node)
{
    TRY(expect(ps, '(', "behind mutates"));
    do {
        int64_t number;
        TRY(read_word(ps, "the number of an input"));
        TRY(read_input_number(ps, node->n_in > 32 ? 32 : node->n_in, &number));
        node->mutates |= UINT32_C(1) << (number & 31);
    } while (accept(ps, ','));
    return expect(ps, ')', "behind mutates");
}

static enum err read_suffixes(struct parser *ps, struct node *node)
{
    skip_blank(ps);
    while (!at_line_end(ps)) {
        TRY(read_word(ps, "'alias', 'mutates' or the end of the line"));
        if (strcmp(ps->word, "alias") == 0 && !node->alias) {
            TRY(read_alias(ps, node));
        } else if (strcmp(ps->word, "mutates") == 0 && !node->mutates) {
            TRY(read_mutates(ps, node));
        } else {
            return fail(ps, "'%s' behind a node", ps->word);
        }
        skip_blank(ps);
    }
    return ERR_OK;
}

static enum err read_node(struct parser *ps, const char *op_name)
{
    ps->n_in = ps->n_attrs = 0;
    TRY(expect(ps, '(', "behind the name of an op"));
    if (!accept(ps, ')')) {
        do {
            TRY(read_argument(ps));
        } while (accept(ps, ','));
        TRY(expect(ps, ')', "behind the arguments"));
    }
    enum dtype dtypes[NODE_OUTPUTS_MAX];
    struct shape shapes[NODE_OUTPUTS_MAX];
    const char *names[NODE_OUTPUTS_MAX];
    for (uint32_t o = 0; o < ps->n_declared; o++) {
        dtypes[o] = ps->declared[o].dtype;
        shapes[o] = ps->declared[o].shape;
        names[o] = ps->declared[o].name;
    }
    uint32_t index = program_add_named_node(ps->p, op_name, ps->n_in, ps->in, ps->n_attrs,
                                            ps->attrs, ps->n_declared, dtypes, shapes, names);
    return read_suffixes(ps, &ps->p->nodes[index]);
}

/* ---- statements ---- */

static enum err read_outputs(struct parser *ps)
{
    do {
        TRY(read_name(ps, "the name of a value"));
        uint32_t id = name_table_find(&ps->names, ps->p, ps->word);
        if (id == VALUE_ABSENT) {
            return fail(ps, "unknown value '%s'", ps->word);
        }
        if (name_table_find(&ps->outputs, ps->p, ps->word) != VALUE_ABSENT) {
            return fail(ps, "'%s' is an output twice", ps->word);
        }
        name_table_add(&ps->outputs, ps->p, id, ps->p->arena);
        program_add_output(ps->p, id);
    } while (accept(ps, ','));
    return ERR_OK;
}

static enum err read_definition(struct parser *ps)
{
    ps->n_declared = 0;
    TRY(read_declaration(ps));
    while (accept(ps, ',')) {
        TRY(read_name(ps, "the name of a value"));
        TRY(read_declaration(ps));
    }
    TRY(expect(ps, '=', "behind the declared values"));
    TRY(read_name(ps, "'input', 'const' or the name of an op"));
    const struct declaration *d = ps->declared;
    uint32_t first = ps->p->n_values;
    bool is_input = strcmp(ps->word, "input") == 0;
    bool is_const = strcmp(ps->word, "const") == 0;
    if ((is_input || is_const) && ps->n_declared != 1) {
        return fail(ps, "%s defines one value, not %u", ps->word, ps->n_declared);
    }
    if (is_input) {
        program_add_input(ps->p, d->name, d->dtype, &d->shape);
    } else if (is_const) {
        const void *data;
        TRY(read_const(ps, d, &data));
        program_add_const(ps->p, d->name, d->dtype, &d->shape, data);
    } else {
        TRY(read_node(ps, arena_strdup(ps->p->arena, ps->word)));
    }
    for (uint32_t id = first; id < ps->p->n_values; id++) {
        name_table_add(&ps->names, ps->p, id, ps->p->arena);
    }
    return ERR_OK;
}

static enum err read_line(struct parser *ps)
{
    skip_blank(ps);
    if (at_line_end(ps)) {
        return ERR_OK;
    }
    TRY(read_name(ps, "the name of a value or 'output'"));
    skip_blank(ps);
    /* A value may be called "output", too. */
    bool is_definition = ps->at < ps->end && *ps->at == ':';
    if (strcmp(ps->word, "output") == 0 && !is_definition) {
        TRY(read_outputs(ps));
    } else {
        TRY(read_definition(ps));
    }
    skip_blank(ps);
    return at_line_end(ps) ? ERR_OK : fail_expected(ps, "the end of the line");
}

static enum err read_program(struct parser *ps)
{
    for (;;) {
        TRY(read_line(ps));
        if (ps->at == ps->end) {
            break;
        }
        ps->at++;
        ps->line++;
    }
    if (program_verify(ps->p)) {
        return fail(ps, "%s", err_text());
    }
    return ERR_OK;
}

enum err program_parse(const char *name, const char *text, size_t size, struct arena *arena,
                       struct program **program)
{
    struct arena_mark mark = arena_mark(arena);
    struct parser *ps = xcalloc(1, sizeof *ps);
    ps->name = name;
    ps->at = text;
    ps->end = text + size;
    ps->line = 1;
    ps->p = program_new(arena);
    enum err err = read_program(ps);
    if (err) {
        arena_rewind(arena, mark);
    } else {
        *program = ps->p;
    }
    free(ps);
    return err;
}
