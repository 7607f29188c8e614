/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support: what a target can do, as a table (op x first input's dtype -> first output's dtypes).
 * Probing makes it, the generator draws from it, posting asks it. Cached as text: a heading of all
 * that the table depends on, then a line for each op and input dtype, "cast f32: f16 bf16 i8".
 */
#include <stdio.h>
#include <string.h>

#include "generate/generate.h"
#include "target/target_internal.h"

static size_t node_dtypes(const struct program *p, const struct node *node, enum dtype *in,
                          enum dtype *out)
{
    for (uint32_t k = 0; k < node->n_in && k < OP_INPUTS_MAX; k++) {
        in[k] = node->in[k] == VALUE_ABSENT ? DTYPE_NONE : p->values[node->in[k]].dtype;
    }
    for (uint32_t k = 0; k < node->n_out && k < OP_OUTPUTS_MAX; k++) {
        out[k] = p->values[node->out[k]].dtype;
    }
    return node->n_in < OP_INPUTS_MAX ? node->n_in : OP_INPUTS_MAX;
}

static bool node_supported(const struct target *t, const struct program *p, const struct node *node)
{
    enum dtype in[OP_INPUTS_MAX] = {DTYPE_NONE}, out[OP_OUTPUTS_MAX] = {DTYPE_NONE};
    size_t n_in = node_dtypes(p, node, in, out);
    size_t n_out = node->n_out < OP_OUTPUTS_MAX ? node->n_out : OP_OUTPUTS_MAX;

    if (!node->op || !t->kind->can_spell(t, node->op, in, n_in, out, n_out)) {
        return false;
    }
    return !t->support || dtype_in(out[0], t->support->pairs[op_index(node->op)][in[0]]);
}

bool target_supports(const struct target *t, const struct program *p)
{
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        if (!node_supported(t, p, &p->nodes[i])) {
            return false;
        }
    }
    return true;
}

void support_combine(struct target *const *targets, size_t n, struct arena *arena,
                     struct support *all, struct support *any)
{
    all->pairs = arena_zalloc(arena, op_count * sizeof *all->pairs);
    any->pairs = arena_zalloc(arena, op_count * sizeof *any->pairs);
    for (size_t op = 0; op < op_count; op++) {
        for (int d = 0; d < DTYPE_COUNT; d++) {
            dtype_set common = DT_ALL, some = 0;
            for (size_t i = 0; i < n; i++) {
                /* Without a table it takes everything: our own evaluator. */
                if (targets[i]->no_device) {
                    continue;
                }
                dtype_set set = targets[i]->support ? targets[i]->support->pairs[op][d] : DT_ALL;
                common &= set;
                some |= set;
            }
            all->pairs[op][d] = common;
            any->pairs[op][d] = some;
        }
    }
}

/* ---- the cache ---- */

/* Raised when probing changes: other programs, other phrases, other spellings. */
enum { SUPPORT_FORMAT = 1 };

static void put_heading(const struct target *t, struct buffer *text)
{
    const char *mode = t->kind->own_support ? t->kind->mode : NULL;

    buffer_printf(text, "opjury support %d\nlibrary %s%s%s %s\npython %s", SUPPORT_FORMAT,
                  t->kind->name, mode ? ":" : "", mode ? mode : "", t->version, t->python);
    if (t->device) {
        buffer_printf(text, " %s", t->device);
    }
    buffer_puts(text, "\nops");
    for (size_t i = 0; i < op_count; i++) {
        buffer_printf(text, " %s", op_table[i]->name);
    }
    buffer_puts(text, "\n");
}

enum err support_cache_path(const struct target *t, struct arena *arena, char **path)
{
    struct buffer heading = BUFFER_INIT;
    char *dir;

    TRY(cache_dir(arena, &dir));
    put_heading(t, &heading);
    *path = arena_printf(arena, "%s/support-%s-%016llx.txt", dir, t->kind->name,
                         (unsigned long long)hash_bytes(heading.data, heading.size, 0));
    buffer_release(&heading);
    return ERR_OK;
}

enum err support_save(const char *path, const struct target *t, const struct support *support)
{
    struct buffer text = BUFFER_INIT;

    put_heading(t, &text);
    buffer_printf(&text, "onnx %d %d\n", t->onnx.opset, t->onnx.ir);
    for (size_t op = 0; op < op_count; op++) {
        for (enum dtype in = 1; in < DTYPE_COUNT; in++) {
            dtype_set set = support->pairs[op][in];
            if (!set) {
                continue;
            }
            buffer_printf(&text, "%s %s:", op_table[op]->name, dtype_name(in));
            for (enum dtype out = 1; out < DTYPE_COUNT; out++) {
                if (dtype_in(out, set)) {
                    buffer_printf(&text, " %s", dtype_name(out));
                }
            }
            buffer_puts(&text, "\n");
        }
    }
    buffer_puts(&text, "end\n");
    enum err e = file_write(path, text.data, text.size);
    buffer_release(&text);
    return e;
}

static enum err parse_line(const char *path, char *line, struct support *support)
{
    char *rest = NULL;
    const char *name = strtok_r(line, " ", &rest);
    const char *in_name = strtok_r(NULL, ":", &rest);
    const struct op *op = name ? op_find(name) : NULL;
    enum dtype in = in_name ? dtype_parse(in_name, strlen(in_name)) : DTYPE_NONE;

    if (!op || in == DTYPE_NONE) {
        return err_set(ERR_INPUT, "%s: malformed line of '%s'", path, name ? name : "");
    }
    for (const char *out; (out = strtok_r(NULL, " ", &rest));) {
        enum dtype d = dtype_parse(out, strlen(out));
        if (d == DTYPE_NONE) {
            return err_set(ERR_INPUT, "%s: no dtype '%s'", path, out);
        }
        support->pairs[op_index(op)][in] |= (dtype_set)1 << d;
    }
    return ERR_OK;
}

/* Everything behind the heading. */
static enum err parse_table(const char *path, char *text, struct target *t, struct support *support)
{
    struct onnx_version onnx;
    char *rest = NULL, *line = strtok_r(text, "\n", &rest);

    if (!line || sscanf(line, "onnx %d %d", &onnx.opset, &onnx.ir) != 2) {
        return err_set(ERR_INPUT, "%s: the ONNX version is missing", path);
    }
    while ((line = strtok_r(NULL, "\n", &rest)) && strcmp(line, "end") != 0) {
        TRY(parse_line(path, line, support));
    }
    if (!line) {
        return err_set(ERR_INPUT, "%s: the end is missing", path);
    }
    t->onnx = onnx;
    return ERR_OK;
}

enum err support_load(const char *path, struct target *t, struct support *support)
{
    struct buffer heading = BUFFER_INIT, text = BUFFER_INIT;
    enum err e = file_read(path, 0, &text);

    put_heading(t, &heading);
    if (!e && (text.size < heading.size || memcmp(text.data, heading.data, heading.size) != 0)) {
        e = err_set(ERR_INPUT, "%s: not the table of %s %s", path, t->kind->name, t->version);
    }
    if (!e) {
        e = parse_table(path, text.data + heading.size, t, support);
    }
    buffer_release(&heading);
    buffer_release(&text);
    return e;
}
