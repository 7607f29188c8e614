/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury run`: somebody's own programs and models on all targets, each with its verdict table. A
 * file that cannot be run costs one line, never the others. What fails is looked up in the rules of
 * known bugs and run again in fresh workers, like a campaign's findings.
 */
#include "campaign.h"
#include "command.h"
#include "run_test.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    KEY_INPUTS = COMMAND_KEYS,
    KEY_DOMAIN,
    KEY_DIM,
    KEY_KNOWN,
    KEY_PYTHON,
};

/* What became of a file, the worst last. */
#define FATE_MAP(X)                                                                                \
    X(UNREADABLE, "unreadable")      /* no program, no model, or wrong inputs */                   \
    X(UNSUPPORTED, "unsupported op") /* not in the catalogue, or by no target */                   \
    X(UNJUDGED, "unjudged")          /* ran, but nothing could be compared */                      \
    X(PASS, "pass")                  /* and no target fails */                                     \
    X(FLAKY, "flaky")                /* a failure that did not repeat */                           \
    X(KNOWN, "known")                /* all failures are known bugs */                             \
    X(FINDING, "finding")            /* a target fails in a way no rule knows */
enum fate {
#define FATE_ENUM(name, text) FATE_##name,
    FATE_MAP(FATE_ENUM)
#undef FATE_ENUM
        FATE_COUNT,
};
static const char *const fate_names[] = {
#define FATE_NAME(name, text) text,
    FATE_MAP(FATE_NAME)
#undef FATE_NAME
};

enum {
    /* Elements of all values together: the reference holds each as a long double, several times
     * over for its bounds; 2^25 of them are half a GiB once. */
    ELEMENTS_MAX = 1 << 25,
};

struct run_settings {
    struct texts files, targets, dims;
    const char *inputs, *known, *python;
    uint64_t seed;
    struct domain *domains;
    size_t n_domains;
};

struct runner {
    const struct run_settings *settings;
    struct arena *arena; /* one file's; settings and targets live in the command's */
    struct target **targets;
    size_t n_targets;
    struct jury *jury; /* opened for the first file that can be run */
    struct known_rules *known;
    bool many; /* files: only findings show their table */
    uint64_t fates[FATE_COUNT];
};

/* ---- which files ---- */

static enum err collect_files(const struct texts *given, struct texts *files, bool *any_folder,
                              struct arena *arena)
{
    for (size_t i = 0; i < given->n; i++) {
        struct stat stat_of;
        if (stat(given->items[i], &stat_of) == 0 && S_ISDIR(stat_of.st_mode)) {
            *any_folder = true;
            TRY(models_under(given->items[i], arena, files));
        } else {
            texts_add(files, given->items[i], arena); /* missing: said when its turn comes */
        }
    }
    if (files->n == 0) {
        return err_set(ERR_USAGE, "nothing to run: no .onnx or .txt file there");
    }
    return ERR_OK;
}

/* ---- one file into a test ---- */

static enum err check_size(const struct program *p)
{
    size_t elements = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        const struct value *v = &p->values[id];
        if (v->kind == VALUE_CONST && v->data == NULL) {
            return err_set(ERR_INPUT, "constant '%s' has no data", v->name);
        }
        size_t n = shape_numel(&v->shape);
        if (n > ELEMENTS_MAX || elements + n > ELEMENTS_MAX) {
            return err_set(ERR_UNSUPPORTED,
                           "more than %d elements in all values: too large for "
                           "the reference evaluator",
                           ELEMENTS_MAX);
        }
        elements += n;
    }
    return ERR_OK;
}

/* What a file holds, or one program of several: `name` is the path, with #N for the N-th. */
struct source {
    const char *path, *name;
    const char *bytes;
    size_t size;
};

/* The values of an .npz; n 0: none are given. */
struct given {
    const char *path;
    struct named_tensor *items;
    size_t n;
};

/* How many sizes --dim gives, "N=2,5": the longest list's. */
static size_t count_shapes(const struct run_settings *s)
{
    size_t most = 1;
    for (size_t i = 0; i < s->dims.n; i++) {
        size_t n = 1;
        for (const char *c = s->dims.items[i]; *c != '\0'; c++) {
            n += *c == ',' ? 1 : 0;
        }
        most = n > most ? n : most;
    }
    return most;
}

/* "N=5" of "N=2,5" at shape 1; a shorter list's last size stays. */
static const char *dim_at(const char *text, size_t shape, struct arena *arena)
{
    const char *equals = strchr(text, '=');
    const char *size = equals != NULL ? equals + 1 : text;
    for (; shape > 0 && strchr(size, ',') != NULL; shape--) {
        size = strchr(size, ',') + 1;
    }
    int name = equals != NULL ? (int)(equals + 1 - text) : 0;
    return arena_printf(arena, "%.*s%.*s", name, text, (int)strcspn(size, ","), size);
}

static const struct texts *dims_at(struct runner *r, size_t shape)
{
    struct texts *dims = arena_zalloc(r->arena, sizeof(*dims));
    for (size_t i = 0; i < r->settings->dims.n; i++) {
        texts_add(dims, dim_at(r->settings->dims.items[i], shape, r->arena), r->arena);
    }
    return dims;
}

static enum err parse_source(struct runner *r, const struct source *source, size_t shape,
                             const struct given *given, struct program **program)
{
    if (is_onnx_file(source->path)) {
        const struct texts *dims = dims_at(r, shape);
        const struct onnx_source model = {.name = source->name,
                                          .data = source->bytes,
                                          .size = source->size,
                                          .dims = dims->items,
                                          .n_dims = dims->n,
                                          .inputs = given->items,
                                          .n_inputs = given->n};
        TRY(onnx_read(&model, r->arena, program));
    } else {
        TRY(program_parse(source->name, source->bytes, source->size, r->arena, program));
        TRY(ops_check(*program));
    }
    TRY(program_verify(*program));
    return check_size(*program);
}

/* The .npz to take: --inputs, or X.npz beside X.onnx (as `gen` writes), or inputs.npz beside a
 * finding's program.txt or model.onnx. NULL: none. */
static const char *inputs_path(const struct runner *r, const char *path)
{
    if (r->settings->inputs != NULL) {
        return r->settings->inputs;
    }
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    bool finding = strcmp(name, "program.txt") == 0 || strcmp(name, "model.onnx") == 0;
    const char *dot = strrchr(name, '.');
    const char *beside = NULL;
    if (finding) {
        beside = arena_printf(r->arena, "%.*sinputs.npz", (int)(name - path), path);
    } else if (dot != NULL) {
        beside = arena_printf(r->arena, "%.*s.npz", (int)(dot - path), path);
    }
    return beside != NULL && file_exists(beside) ? beside : NULL;
}

static enum err take_inputs(struct runner *r, const struct given *given, struct test *test)
{
    test->n_inputs = program_n_inputs(test->program);
    test->inputs = ARENA_ARRAY(r->arena, struct tensor, test->n_inputs);
    test->policy = "given";
    return npz_inputs(given->path, given->items, given->n, test->program, test->inputs);
}

static enum err check_domains(const struct runner *r, const struct program *p)
{
    const struct run_settings *s = r->settings;
    for (size_t i = 0; i < s->n_domains && !r->many; i++) {
        const char *name = s->domains[i].input;
        uint32_t id = name != NULL ? program_find_value(p, name) : VALUE_ABSENT;
        if (name != NULL && (id == VALUE_ABSENT || p->values[id].kind != VALUE_INPUT)) {
            return err_set(ERR_USAGE, "--domain: there is no input '%s'", name);
        }
    }
    return ERR_OK;
}

static enum err read_test(struct runner *r, const struct source *source, size_t shape,
                          struct test *test)
{
    struct program *program;
    const struct run_settings *s = r->settings;
    struct given given = {0};
    if (s->n_domains == 0 || s->inputs != NULL) {
        given.path = inputs_path(r, source->path);
    }
    if (given.path != NULL) {
        TRY(npz_read(given.path, r->arena, &given.items, &given.n));
    }
    TRY(parse_source(r, source, shape, &given, &program));
    TRY(check_domains(r, program));
    *test = (struct test){.seed = s->seed, .program = program, .policy = "given"};
    if (given.path != NULL) {
        return take_inputs(r, &given, test);
    }
    generate_inputs(program, s->seed, s->domains, s->n_domains, r->arena, test);
    return ERR_OK;
}

/* ---- running and judging ---- */

static enum err open_jury(struct runner *r)
{
    if (r->jury != NULL) {
        return ERR_OK;
    }
    return jury_open(r->targets, r->n_targets, &(struct jury_options){0}, &r->jury);
}

static enum fate fate_of(const struct finding_files *f)
{
    static const enum fate of_verdict[VERDICT_COUNT] = {
        [VERDICT_PASS] = FATE_PASS,         [VERDICT_FINDING] = FATE_FINDING,
        [VERDICT_KNOWN] = FATE_KNOWN,       [VERDICT_UNSUPPORTED] = FATE_UNSUPPORTED,
        [VERDICT_UNJUDGED] = FATE_UNJUDGED, [VERDICT_FLAKY] = FATE_FLAKY,
        [VERDICT_FILTERED] = FATE_UNJUDGED, [VERDICT_NOT_EXERCISED] = FATE_UNJUDGED,
    };
    enum fate worst = FATE_UNSUPPORTED;
    for (size_t t = 0; t < f->n_targets; t++) {
        enum fate fate = of_verdict[f->verdicts[t].kind];
        worst = fate > worst ? fate : worst;
    }
    return worst;
}

/* ---- what is said ---- */

static void say_table(const struct runner *r, const char *path, enum fate fate,
                      const struct finding_files *files)
{
    struct buffer text = BUFFER_INIT;
    buffer_printf(&text, "%s: %s\n", path, fate_names[fate]);
    if (!r->many || fate >= FATE_FLAKY) {
        verdict_table_print(files, colour_wanted(STDOUT_FILENO), &text);
    } else if (fate == FATE_UNSUPPORTED) {
        text.size -= 1;
        buffer_printf(&text, ": %s\n",
                      files->verdicts[0].text != NULL ? files->verdicts[0].text : "by no target");
    }
    fwrite(text.data, 1, text.size, stdout);
    buffer_release(&text);
}

/* The reader of a file names it; what comes from behind it does not. */
static void say_reason(const char *path, enum fate fate)
{
    const char *reason = err_text();
    size_t n = strlen(path);
    if (strncmp(reason, path, n) == 0 && reason[n] == ':') {
        printf("%s: %s:%s\n", path, fate_names[fate], reason + n + 1);
    } else {
        printf("%s: %s: %s\n", path, fate_names[fate], reason);
    }
}

static uint64_t count_all(const struct runner *r)
{
    uint64_t n = 0;
    for (size_t fate = 0; fate < FATE_COUNT; fate++) {
        n += r->fates[fate];
    }
    return n;
}

static void say_summary(const struct runner *r)
{
    uint64_t judged =
        r->fates[FATE_PASS] + r->fates[FATE_FLAKY] + r->fates[FATE_KNOWN] + r->fates[FATE_FINDING];
    printf("%llu programs: %llu judged", (unsigned long long)count_all(r),
           (unsigned long long)judged);
    for (int fate = FATE_COUNT - 1; fate >= 0; fate--) {
        printf(", %llu %s", (unsigned long long)r->fates[fate], fate_names[fate]);
    }
    printf("\n");
}

/* ---- the command ---- */

/* The model at every shape that was asked for; a shape's test has the one before it as `before`,
 * the first one the last: what runs one session at two shapes is judged at each. */
static enum err read_shapes(struct runner *r, const struct source *source, struct test *tests,
                            size_t n)
{
    for (size_t k = 0; k < n; k++) {
        TRY(read_test(r, source, k, &tests[k]));
    }
    for (size_t k = 0; k < n && n > 1; k++) {
        tests[k].before = &tests[(k + n - 1) % n];
    }
    return ERR_OK;
}

/* "model.onnx at N=2", where there are several shapes. */
static const char *name_at(struct runner *r, const struct source *source, size_t shape, size_t n)
{
    const char *name = source->name;
    const struct texts *dims = dims_at(r, shape);
    for (size_t i = 0; i < dims->n && n > 1; i++) {
        name = arena_printf(r->arena, "%s%s%s", name, i == 0 ? " at " : ", ", dims->items[i]);
    }
    return name;
}

static enum err judge_source(struct runner *r, const char *name, const struct test *test)
{
    struct finding_files files;
    TRY(open_jury(r));
    const struct test_runner runner = {r->targets, r->n_targets, r->jury, r->known};
    struct failure *failures;
    TRY(run_test(&runner, test, r->arena, &files, &failures));
    enum fate fate = fate_of(&files);
    say_table(r, name, fate, &files);
    r->fates[fate]++;
    return output_flush();
}

/* An error is one of the environment: what is wrong with the source is a fate. */
static enum err run_source(struct runner *r, const struct source *source)
{
    size_t n = is_onnx_file(source->path) ? count_shapes(r->settings) : 1;
    struct test *tests = ARENA_ZARRAY(r->arena, struct test, n);
    enum err err = read_shapes(r, source, tests, n);
    if (err != ERR_OK) {
        enum fate fate = err == ERR_UNSUPPORTED ? FATE_UNSUPPORTED : FATE_UNREADABLE;
        say_reason(source->name, fate);
        r->fates[fate]++;
        n = 0;
        err = output_flush();
    }
    for (size_t k = 0; err == ERR_OK && k < n; k++) {
        err = judge_source(r, name_at(r, source, k, n), &tests[k]);
    }
    arena_reset(r->arena);
    return err;
}

/* `gen` writes program after program, each below a line that begins like this. */
static const char program_head[] = "# test ";

static const char *next_head(const char *text)
{
    const char *line = strchr(text, '\n');
    while (line != NULL && strncmp(line + 1, program_head, strlen(program_head)) != 0) {
        line = strchr(line + 1, '\n');
    }
    return line != NULL ? line + 1 : NULL;
}

static enum err run_programs(struct runner *r, const char *path, const struct buffer *bytes)
{
    const char *text = bytes->data;
    bool headed = strncmp(text, program_head, strlen(program_head)) == 0;
    bool several = headed && next_head(text) != NULL;
    r->many = r->many || several;
    for (unsigned i = 1; text != NULL && !stop_requested; i++) {
        const char *next = headed ? next_head(text) : NULL;
        const char *end = next != NULL ? next : bytes->data + bytes->size;
        char *name = arena_printf(r->arena, several ? "%s#%u" : "%s", path, i);
        const struct source source = {
            .path = path, .name = name, .bytes = text, .size = (size_t)(end - text)};
        TRY(run_source(r, &source));
        text = next;
    }
    return ERR_OK;
}

static enum err run_file(struct runner *r, const char *path)
{
    struct buffer bytes = BUFFER_INIT;
    if (file_read(path, 0, &bytes) != ERR_OK) {
        say_reason(path, FATE_UNREADABLE);
        r->fates[FATE_UNREADABLE]++;
        return output_flush();
    }
    buffer_reserve(&bytes, 1); /* an empty file is an empty text */
    const struct source source = {
        .path = path, .name = path, .bytes = bytes.data, .size = bytes.size};
    bool is_text = bytes.size > 0 && !is_onnx_file(path);
    enum err err = is_text ? run_programs(r, path, &bytes) : run_source(r, &source);
    buffer_release(&bytes);
    return err;
}

static enum err run_files(struct runner *r, const struct texts *files)
{
    for (size_t i = 0; i < files->n && !stop_requested; i++) {
        TRY(run_file(r, files->items[i]));
    }
    return ERR_OK;
}

static enum err run_all(void *settings, struct arena *arena, bool *found)
{
    const struct run_settings *s = settings;
    if (s->files.n == 0) {
        return err_set(ERR_USAGE, "run takes a FILE or DIR; `opjury run --help` tells more");
    }
    struct runner r = {.settings = s};
    struct texts files = {0};
    bool any_folder = false;
    TRY(collect_files(&s->files, &files, &any_folder, arena));
    r.many = any_folder || files.n > 1;
    if (r.many && s->inputs != NULL) {
        return err_set(ERR_USAGE, "--inputs is for one program; %zu are given", files.n);
    }
    TRY(known_load(s->known, arena, &r.known));
    TRY(campaign_targets(s->targets.items, s->targets.n, s->python, arena, &r.targets,
                         &r.n_targets));
    r.arena = arena_new();
    enum err err = run_files(&r, &files);
    if (err == ERR_OK && r.many) {
        say_summary(&r);
    }
    jury_close(r.jury);
    arena_free(r.arena);
    TRY(err);
    if (r.fates[FATE_UNREADABLE] + r.fates[FATE_UNSUPPORTED] == count_all(&r)) {
        return err_set(ERR_INPUT, "nothing could be run of what was given");
    }
    *found = r.fates[FATE_FINDING] > 0;
    return output_flush();
}

/* NAME=LO:HI, or LO:HI for all inputs. */
static enum err parse_domain(const char *text, struct domain *domain, struct arena *arena)
{
    const char *equals = strrchr(text, '=');
    const char *numbers = equals != NULL ? equals + 1 : text;
    char *end;
    domain->input = equals != NULL ? arena_printf(arena, "%.*s", (int)(equals - text), text) : NULL;
    domain->lo = strtod(numbers, &end);
    bool fine = end != numbers && *end == ':';
    if (fine) {
        const char *high = end + 1;
        domain->hi = strtod(high, &end);
        fine = end != high && *end == '\0';
    }
    if (!fine || !isfinite(domain->lo) || !isfinite(domain->hi) || domain->lo > domain->hi ||
        equals == text) {
        return err_set(ERR_USAGE,
                       "--domain takes NAME=LO:HI with two finite numbers, such as "
                       "x=-1:1, not '%s'",
                       text);
    }
    return ERR_OK;
}

static enum err add_domain(struct run_settings *s, const char *text, struct arena *arena)
{
    struct domain *more = ARENA_ARRAY(arena, struct domain, s->n_domains + 1);
    if (s->n_domains > 0) {
        memcpy(more, s->domains, s->n_domains * sizeof(*more));
    }
    s->domains = more;
    return parse_domain(text, &more[s->n_domains++], arena);
}

static enum err set_option(int key, const char *value, void *settings, struct arena *arena)
{
    struct run_settings *s = settings;
    switch (key) {
    case COMMAND_ARGUMENT:
        texts_add(&s->files, value, arena);
        return ERR_OK;
    case 't':
        texts_add(&s->targets, value, arena);
        return ERR_OK;
    case 's':
        return parse_u64("--seed", value, &s->seed);
    case KEY_INPUTS:
        s->inputs = value;
        return ERR_OK;
    case KEY_DOMAIN:
        return add_domain(s, value, arena);
    case KEY_DIM:
        texts_add(&s->dims, value, arena);
        return ERR_OK;
    case KEY_KNOWN:
        s->known = value;
        return ERR_OK;
    case KEY_PYTHON:
        s->python = python_add(s->python, value, arena);
        return ERR_OK;
    default:
        BUG("option %d has no meaning", key);
    }
}

static const struct argp_option options[] = {
    {"inputs", KEY_INPUTS, "X.npz", 0, "input values by name (an .npz beside FILE, else made)", 0},
    {"domain", KEY_DOMAIN, "NAME=LO:HI", 0, "make this input's values there; may be repeated", 0},
    {"dim", KEY_DIM, "NAME=N[,N...]", 0, "sizes of a model's symbolic dimension (1)", 0},
    {"seed", 's', "S", 0, "of made inputs (1)", 0},
    {"target", 't', "TARGET", 0, "run on this one; may be repeated (all installed)", 0},
    {"known", KEY_KNOWN, "FILE", 0, "rules of known bugs, or `none' (the shipped ones)", 0},
    {"python", KEY_PYTHON, "PATH", 0, PYTHON_HELP, 0},
    {0},
};

static const struct run_settings defaults = {.seed = 1};

const struct command command_run = {
    .name = "run",
    .summary = "Run and judge your own programs and ONNX models on every target",
    .arguments = "FILE|DIR...",
    .help = "FILE is a program in text form (or several, as `opjury gen` prints them) or an "
            ".onnx model made of the operators that opjury knows; of a DIR all .onnx and "
            ".txt files are run and a summary is given. Without values, inputs are drawn from a "
            "domain that suits the program. A model with symbolic dimensions is judged at all "
            "sizes that --dim gives; a target with the option `dynamic' runs each in a session "
            "that ran another size before.\n"
            "\n"
            "Exit status: 0 no finding, 1 a finding, 2 nothing could be run.\n"
            "\n"
            "Examples:\n"
            "  opjury run model.onnx --domain x=-1:1\n"
            "  opjury run findings/relu-clip/program.txt --target onnxruntime:opt=all\n"
            "  opjury run my-models/ --known none\n"
            "  opjury run model.onnx --dim batch=1,7 --target onnxruntime:opt=all,dynamic\n",
    .options = options,
    .settings_size = sizeof(struct run_settings),
    .defaults = &defaults,
    .option = set_option,
    .run = run_all,
};
