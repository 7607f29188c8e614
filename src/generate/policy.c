/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies: one table of defaults, a text form, its parser. Printing and loading what was printed
 * is a fixed point; every number of the generator's taste is here.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate/motif.h"

/*
 * The default policy. Support tables are not in it: without a target everything is allowed that the
 * ops' slots allow (support_baseline). Weights: f32 and rank 2..4 are what people run most;
 * numel_max and large_percent keep the median tensor near 100 elements, where a test costs a
 * millisecond: what larger ones cost is ours, not the library's. Ops whose results say little of
 * their inputs are rarer: what is wrong before them is not seen. A dtype that few people run makes
 * up hardly a program by its weight alone, and what goes wrong there takes several ops of it: hence
 * themes.
 */
static const char default_text[] = "name = default\n"
                                   "nodes = 10\n"
                                   "numel_max = 4096\n"
                                   "dim_max = 1024\n"
                                   "work_max = 1000000\n"
                                   "one_percent = 6\n"
                                   "empty_percent = 3\n"
                                   "zero_percent = 15\n"
                                   "clean_percent = 73\n"
                                   "unproven_percent = 6\n"
                                   "undefined_percent = 0\n"
                                   "dead_percent = 5\n"
                                   "twin_percent = 15\n"
                                   "reuse_percent = 88\n"
                                   "backward_percent = 25\n"
                                   "constant_percent = 20\n"
                                   "weight_percent = 75\n"
                                   "intermediate_percent = 36\n"
                                   "usual_percent = 40\n"
                                   "large_percent = 33\n"
                                   "union_percent = 10\n"
                                   "theme_percent = 30\n"
                                   "motif_percent = 7\n"
                                   "dynamic_percent = 0\n"
                                   "opset = 21\n"
                                   "rank.0 = 3\n"
                                   "rank.1 = 12\n"
                                   "rank.2 = 25\n"
                                   "rank.3 = 25\n"
                                   "rank.4 = 22\n"
                                   "rank.5 = 8\n"
                                   "rank.6 = 5\n"
                                   "dtype.bool = 3\n"
                                   "dtype.i8 = 5\n"
                                   "dtype.u8 = 5\n"
                                   "dtype.i16 = 3\n"
                                   "dtype.u16 = 2\n"
                                   "dtype.i32 = 8\n"
                                   "dtype.u32 = 2\n"
                                   "dtype.i64 = 8\n"
                                   "dtype.f16 = 12\n"
                                   "dtype.bf16 = 8\n"
                                   "dtype.f32 = 30\n"
                                   "dtype.f64 = 14\n"
                                   "op.shape = 3\n"
                                   "op.size = 3\n"
                                   "op.is_nan = 3\n"
                                   "op.is_inf = 3\n"
                                   "op.reduce_all = 3\n"
                                   "op.reduce_any = 3\n"
                                   "op.sign = 5\n"
                                   "op.reduce_prod = 5\n"
                                   "op.less = 5\n"
                                   "op.less_equal = 5\n"
                                   "op.greater = 5\n"
                                   "op.greater_equal = 5\n"
                                   "op.equal = 4\n"
                                   "op.not_equal = 4\n";

/* All values finite, by ranges where they can tell; no program is kept for which they cannot. */
static const char clean_text[] = "name = clean\n"
                                 "clean_percent = 100\n"
                                 "motif_percent = 0\n"
                                 "unproven_percent = 0\n";

/*
 * What nnsmith 0.1.0 makes with the 39 of its operators that both can do, for side-by-side figures
 * (its names: Add Sub Mul Div Max Min ReLU LeakyReLU GELU Sigmoid Abs Neg Floor Ceil Round Sin Cos
 * Atan Clip Softmax ReduceMean ReduceMax ReduceMin TorchReduceSum Reshape Transpose Slice Squeeze
 * Concat2 Concat3 ConstPad Conv1d NCHWConv2d MaxPool2d AvgPool2d BatchNorm2d Linear PTMatMul
 * ExpandLast1): float32, ranks to 5, 65536 elements a tensor, no empty ones, ordinary inputs, ops
 * uniform. Ours are a little wider: concat of 2 or 3 and seldom more counts for Concat2 and
 * Concat3, expand of any dims for ExpandLast1, pad has more modes than ConstPad's, pooling 1 to 3
 * spatial dims.
 */
static const char nnsmith39_text[] =
    "name = nnsmith39\n"
    "clean_percent = 100\n"
    "numel_max = 65536\n"
    "large_percent = 100\n"
    "empty_percent = 0\n"
    "rank.0 = 5\nrank.1 = 10\nrank.2 = 20\nrank.3 = 20\nrank.4 = 20\nrank.5 = 10\nrank.6 = 0\n"
    "dtype.* = 0\n"
    "dtype.f32 = 1\n"
    "op.* = 0\n"
    "op.add = 10\nop.sub = 10\nop.mul = 10\nop.div = 10\nop.max = 10\nop.min = 10\n"
    "op.relu = 10\nop.leaky_relu = 10\nop.gelu = 10\nop.sigmoid = 10\nop.abs = 10\n"
    "op.neg = 10\nop.floor = 10\nop.ceil = 10\nop.round = 10\nop.sin = 10\nop.cos = 10\n"
    "op.atan = 10\nop.clip = 10\nop.softmax = 10\nop.reduce_mean = 10\nop.reduce_max = 10\n"
    "op.reduce_min = 10\nop.reduce_sum = 10\nop.reshape = 10\nop.transpose = 10\n"
    "op.slice = 10\nop.squeeze = 10\nop.concat = 20\nop.pad = 10\nop.conv1d = 10\n"
    "op.conv2d = 10\nop.max_pool = 10\nop.avg_pool = 10\nop.batch_norm = 10\nop.linear = 10\n"
    "op.matmul = 10\nop.expand = 10\n";

static const struct {
    const char *name, *text; /* what differs from the default */
} builtins[] = {{"default", ""}, {"clean", clean_text}, {"nnsmith39", nnsmith39_text}};

enum { OP_WEIGHT_DEFAULT = 10, WEIGHT_MAX = 1000000 };

static const struct {
    const char *key;
    size_t offset;
    uint32_t lo, hi;
} numbers[] = {
#define POLICY_NUMBER(key, lo, hi) {#key, offsetof(struct policy, key), lo, hi},
    POLICY_NUMBERS(POLICY_NUMBER)
#undef POLICY_NUMBER
};

/* ---- support ---- */

/* All that the slots allow. */
static struct support support_baseline(struct arena *arena)
{
    struct support s = {arena_zalloc(arena, op_count * sizeof(*s.pairs))};
    for (size_t i = 0; i < op_count; i++) {
        const struct op *op = op_table[i];
        const struct slot_spec *out = slot_leader(op, &op->out[0]);
        for (enum dtype d = DTYPE_NONE + 1; d < DTYPE_COUNT; d++) {
            if (dtype_in(d, op->in[0].dtypes)) {
                s.pairs[i][d] = out == &op->in[0] ? (dtype_set)1 << d : out->dtypes;
            }
        }
    }
    return s;
}

/* Take out what `can` denies of a first input's and a first output's dtype. */
static void support_narrow(struct support *support, int opset,
                           bool (*can)(const struct op *op, int opset, enum dtype in,
                                       enum dtype out))
{
    for (size_t i = 0; i < op_count; i++) {
        for (enum dtype in = 1; in < DTYPE_COUNT; in++) {
            for (enum dtype out = 1; out < DTYPE_COUNT; out++) {
                bool is_in = dtype_in(out, support->pairs[i][in]);
                if (is_in && !can(op_table[i], opset, in, out)) {
                    support->pairs[i][in] &= ~((dtype_set)1 << out);
                }
            }
        }
    }
}

static bool onnx_can(const struct op *op, int opset, enum dtype in, enum dtype out)
{
    return onnx_can_spell(op, opset, &in, 1, &out, 1);
}

static bool torch_can(const struct op *op, int opset, enum dtype in, enum dtype out)
{
    return calls_can_spell(&torch_calls, op);
}

void policy_at_opset(struct policy *policy, uint32_t opset)
{
    policy->opset = opset;
    support_narrow(&policy->all, (int)opset, onnx_can);
    support_narrow(&policy->any, (int)opset, onnx_can);
}

void policy_of_libraries(struct policy *policy, uint32_t opset)
{
    policy->opset = opset;
    for (size_t i = 0; i < op_count; i++) {
        for (enum dtype in = 1; in < DTYPE_COUNT; in++) {
            for (enum dtype out = 1; out < DTYPE_COUNT; out++) {
                dtype_set bit = (dtype_set)1 << out;
                bool onnx = onnx_can(op_table[i], (int)opset, in, out);
                bool torch = torch_can(op_table[i], (int)opset, in, out);
                policy->all.pairs[i][in] &= ~(onnx && torch ? 0 : bit);
                policy->any.pairs[i][in] &= ~(onnx || torch ? 0 : bit);
            }
        }
    }
}

void policy_without_targets(struct policy *policy, uint32_t opset)
{
    policy_at_opset(policy, opset);
    support_narrow(&policy->all, (int)opset, torch_can);
}

/* ---- parsing ---- */

struct line {
    const char *file;
    unsigned number;
    char *key, *value;
};

#define LINE_ERROR(line, format, ...)                                                              \
    err_set(ERR_USAGE, "%s:%u: " format, (line)->file, (line)->number, __VA_ARGS__)

static enum err parse_number(const struct line *line, uint32_t lo, uint32_t hi, uint32_t *result)
{
    char *end;
    unsigned long long n = strtoull(line->value, &end, 10);
    if (!isdigit((unsigned char)line->value[0]) || *end != '\0' || n < lo || n > hi) {
        return LINE_ERROR(line, "%s must be a number from %u to %u, not '%s'", line->key, lo, hi,
                          line->value);
    }
    *result = (uint32_t)n;
    return ERR_OK;
}

/* "f32>f32 f32>f64 ..." */
static enum err parse_pairs(const struct line *line, const struct op *op,
                            dtype_set pairs[DTYPE_COUNT])
{
    memset(pairs, 0, DTYPE_COUNT * sizeof(*pairs));
    char *save = NULL;
    for (char *word = strtok_r(line->value, " \t", &save); word;
         word = strtok_r(NULL, " \t", &save)) {
        const char *arrow = strchr(word, '>');
        enum dtype in = arrow ? dtype_parse(word, (size_t)(arrow - word)) : DTYPE_NONE;
        enum dtype out = arrow ? dtype_parse(arrow + 1, strlen(arrow + 1)) : DTYPE_NONE;
        if (in == DTYPE_NONE || out == DTYPE_NONE) {
            return LINE_ERROR(line, "'%s' is not two dtypes as in f32>f64", word);
        }
        if (!dtype_in(in, op->in[0].dtypes)) {
            return LINE_ERROR(line, "%s does not take %s", op->name, dtype_name(in));
        }
        pairs[in] |= (dtype_set)1 << out;
    }
    return ERR_OK;
}

/* op.* and dtype.*: the weight of all, for lines behind it to change. */
static enum err parse_all_weights(const struct line *line, uint32_t *weights, size_t n)
{
    uint32_t weight = 0;
    TRY(parse_number(line, 0, WEIGHT_MAX, &weight));
    for (size_t i = 0; i < n; i++) {
        weights[i] = weight;
    }
    return ERR_OK;
}

static enum err parse_motif(const struct line *line, const char *name, struct policy *policy)
{
    if (strcmp(name, "*") == 0) {
        return parse_all_weights(line, policy->motif_weight, motif_count);
    }
    for (size_t i = 0; i < motif_count; i++) {
        if (strcmp(name, motif_table[i].name) == 0) {
            return parse_number(line, 0, WEIGHT_MAX, &policy->motif_weight[i]);
        }
    }
    return LINE_ERROR(line, "there is no motif '%s'", name);
}

/* Keys with a dot: rank.N, dtype.NAME, op.NAME, op.*, motif.NAME, motif.*, all.OP, any.OP. */
static enum err parse_member(const struct line *line, const char *dot, struct policy *policy)
{
    size_t n = (size_t)(dot - line->key);
    const char *member = dot + 1;
    if (n == 4 && strncmp(line->key, "rank", n) == 0) {
        if (member[0] < '0' || member[0] > '0' + RANK_MAX || member[1] != '\0') {
            return LINE_ERROR(line, "ranks go from 0 to %d, not '%s'", RANK_MAX, member);
        }
        return parse_number(line, 0, WEIGHT_MAX, &policy->rank_weight[member[0] - '0']);
    }
    if (n == 5 && strncmp(line->key, "dtype", n) == 0) {
        if (strcmp(member, "*") == 0) {
            return parse_all_weights(line, &policy->dtype_weight[1], DTYPE_COUNT - 1);
        }
        enum dtype d = dtype_parse(member, strlen(member));
        if (d == DTYPE_NONE) {
            return LINE_ERROR(line, "there is no dtype '%s'", member);
        }
        return parse_number(line, 0, WEIGHT_MAX, &policy->dtype_weight[d]);
    }
    if (n == 5 && strncmp(line->key, "motif", n) == 0) {
        return parse_motif(line, member, policy);
    }
    bool is_all = n == 3 && strncmp(line->key, "all", n) == 0;
    bool is_any = n == 3 && strncmp(line->key, "any", n) == 0;
    if (!is_all && !is_any && !(n == 2 && strncmp(line->key, "op", n) == 0)) {
        return LINE_ERROR(line, "there is no setting '%s'", line->key);
    }
    if (!is_all && !is_any && strcmp(member, "*") == 0) {
        return parse_all_weights(line, policy->op_weight, op_count);
    }
    const struct op *op = op_find(member);
    if (!op) {
        return LINE_ERROR(line, "there is no op '%s'", member);
    }
    if (is_all || is_any) {
        return parse_pairs(line, op, (is_all ? policy->all : policy->any).pairs[op_index(op)]);
    }
    return parse_number(line, 0, WEIGHT_MAX, &policy->op_weight[op_index(op)]);
}

static enum err parse_line(const struct line *line, struct policy *policy)
{
    const char *dot = strchr(line->key, '.');
    if (dot) {
        return parse_member(line, dot, policy);
    }
    if (strcmp(line->key, "name") == 0) {
        size_t size = strlen(line->value);
        if (size == 0 || size >= sizeof(policy->name)) {
            return LINE_ERROR(line, "a name has 1 to %zu bytes", sizeof(policy->name) - 1);
        }
        memset(policy->name, 0, sizeof(policy->name));
        memcpy(policy->name, line->value, size);
        return ERR_OK;
    }
    if (strcmp(line->key, "seeds") == 0) {
        policy->seeds = line->value; /* of the arena; read when all is known */
        return ERR_OK;
    }
    if (strcmp(line->key, "generator") == 0) {
        if (generator_find(line->value, &policy->generator) != ERR_OK) {
            return LINE_ERROR(line, "there is no generator '%s'", line->value);
        }
        return ERR_OK;
    }
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        if (strcmp(line->key, numbers[i].key) == 0) {
            uint32_t number = 0;
            TRY(parse_number(line, numbers[i].lo, numbers[i].hi, &number));
            memcpy((char *)policy + numbers[i].offset, &number, sizeof(number));
            return ERR_OK;
        }
    }
    return LINE_ERROR(line, "there is no setting '%s'", line->key);
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text)) {
        text++;
    }
    size_t n = strlen(text);
    while (n > 0 && isspace((unsigned char)text[n - 1])) {
        text[--n] = '\0';
    }
    return text;
}

static enum err apply_text(const char *file, char *text, struct policy *policy)
{
    struct line line = {.file = file};
    char *save = NULL;
    for (char *at = text; at; at = save) {
        line.number++;
        save = strchr(at, '\n');
        if (save) {
            *save++ = '\0';
        }
        at[strcspn(at, "#")] = '\0';
        at = trim(at);
        if (*at == '\0') {
            continue;
        }
        char *equals = strchr(at, '=');
        if (!equals) {
            return LINE_ERROR(&line, "'%s' is not `key = value`", at);
        }
        *equals = '\0';
        line.key = trim(at);
        line.value = trim(equals + 1);
        TRY(parse_line(&line, policy));
    }
    return ERR_OK;
}

enum err policy_check(const struct policy *policy)
{
    uint64_t ranks = 0;
    for (int k = 0; k <= RANK_MAX; k++) {
        ranks += policy->rank_weight[k];
    }
    if (ranks == 0) {
        return err_set(ERR_USAGE, "policy %s: no rank has a weight", policy->name);
    }
    for (size_t i = 0; i < op_count; i++) {
        for (enum dtype d = 1; d < DTYPE_COUNT && policy->op_weight[i] > 0; d++) {
            if (policy->all.pairs[i][d] != 0 && policy->dtype_weight[d] > 0) {
                return ERR_OK;
            }
        }
    }
    return err_set(ERR_USAGE,
                   "policy %s: no op with a weight takes a dtype that has one and that "
                   "every target supports",
                   policy->name);
}

enum err policy_parse(const char *name, const char *text, struct arena *arena,
                      struct policy **result)
{
    CHECK(op_count <= OP_WEIGHTS_MAX && motif_count <= MOTIF_WEIGHTS_MAX);
    struct policy *policy = ARENA_ZARRAY(arena, struct policy, 1);
    policy->all = support_baseline(arena);
    policy->any = support_baseline(arena);
    policy->generator = &generators[0];
    policy->chain = chain_new(arena);
    for (size_t i = 0; i < op_count; i++) {
        policy->op_weight[i] = op_table[i]->weight ? op_table[i]->weight : OP_WEIGHT_DEFAULT;
    }
    for (size_t i = 0; i < motif_count; i++) {
        policy->motif_weight[i] = OP_WEIGHT_DEFAULT;
    }
    TRY(apply_text("default", arena_strdup(arena, default_text), policy));
    TRY(apply_text(name, arena_strdup(arena, text), policy));
    TRY(policy->seeds ? policy_seeds(policy, policy->seeds, arena) : ERR_OK);
    TRY(policy_check(policy));
    *result = policy;
    return ERR_OK;
}

enum err policy_changed(const struct policy *policy, const char *lines, struct arena *arena,
                        const struct policy **changed)
{
    struct policy *copy = ARENA_ZARRAY(arena, struct policy, 1);
    *copy = *policy;
    TRY(apply_text("epoch", arena_strdup(arena, lines), copy));
    TRY(policy_check(copy));
    *changed = copy;
    return ERR_OK;
}

static const char *builtin_text(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(builtins); i++) {
        if (strcmp(name, builtins[i].name) == 0) {
            return builtins[i].text;
        }
    }
    return NULL;
}

bool policy_is_builtin(const char *name)
{
    return builtin_text(name) != NULL;
}

enum err policy_load(const char *name, struct arena *arena, struct policy **policy)
{
    if (policy_is_builtin(name)) {
        return policy_parse(name, builtin_text(name), arena, policy);
    }
    struct buffer text = BUFFER_INIT;
    enum err e = file_read(name, (size_t)1 << 20, &text);
    if (e == ERR_OK && text.size != strlen(text.data ? text.data : "")) {
        e = err_set(ERR_USAGE, "%s: a policy is text, but this holds a NUL byte", name);
    }
    if (e == ERR_OK) {
        e = policy_parse(name, text.data ? text.data : "", arena, policy);
    }
    buffer_release(&text);
    return e;
}

/* ---- printing ---- */

static void print_support(const char *table, const struct support *support, struct buffer *text)
{
    for (size_t i = 0; i < op_count; i++) {
        buffer_printf(text, "%s.%s =", table, op_table[i]->name);
        for (enum dtype in = 1; in < DTYPE_COUNT; in++) {
            for (enum dtype out = 1; out < DTYPE_COUNT; out++) {
                if (dtype_in(out, support->pairs[i][in])) {
                    buffer_printf(text, " %s>%s", dtype_name(in), dtype_name(out));
                }
            }
        }
        buffer_puts(text, "\n");
    }
}

void policy_print(const struct policy *policy, struct buffer *text)
{
    buffer_printf(text, "name = %s\n", policy->name);
    buffer_printf(text, "generator = %s\n", policy->generator->name);
    if (policy->seeds) {
        buffer_printf(text, "seeds = %s\n", policy->seeds);
    }
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        uint32_t number;
        memcpy(&number, (const char *)policy + numbers[i].offset, sizeof(number));
        buffer_printf(text, "%s = %u\n", numbers[i].key, number);
    }
    for (int k = 0; k <= RANK_MAX; k++) {
        buffer_printf(text, "rank.%d = %u\n", k, policy->rank_weight[k]);
    }
    for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
        buffer_printf(text, "dtype.%s = %u\n", dtype_name(d), policy->dtype_weight[d]);
    }
    for (size_t i = 0; i < op_count; i++) {
        buffer_printf(text, "op.%s = %u\n", op_table[i]->name, policy->op_weight[i]);
    }
    for (size_t i = 0; i < motif_count; i++) {
        buffer_printf(text, "motif.%s = %u\n", motif_table[i].name, policy->motif_weight[i]);
    }
    print_support("all", &policy->all, text);
    print_support("any", &policy->any, text);
}

uint64_t policy_hash(const struct policy *policy)
{
    /* Between name and tables all fields are uint32_t: no padding. */
    const size_t begin = offsetof(struct policy, nodes), end = offsetof(struct policy, op_weight);
    uint64_t hash = hash_bytes((const char *)policy + begin, end - begin, 0);
    hash = hash_bytes(policy->op_weight, op_count * sizeof(policy->op_weight[0]), hash);
    hash = hash_bytes(policy->motif_weight, motif_count * sizeof(policy->motif_weight[0]), hash);
    hash = hash_bytes(policy->all.pairs, op_count * sizeof(*policy->all.pairs), hash);
    hash = hash_bytes(policy->any.pairs, op_count * sizeof(*policy->any.pairs), hash);
    hash = policy->n_seeds > 0 ? hash_mix(hash, policy->seeds_hash) : hash;
    return policy->generator == &generators[0] ? hash : hash_text(policy->generator->name, hash);
}
