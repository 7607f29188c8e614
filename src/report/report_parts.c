/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts that reports are put together from. Each says one thing of the record in Markdown and
 * ends with a line; what the record does not hold is not spoken of.
 */
#include <math.h>
#include <string.h>

#include "report/escape.h"
#include "report/format.h"
#include "report/record_internal.h"
#include "report/report_internal.h"

/* ---- words ---- */

static const char *code(const char *text, struct arena *arena)
{
    return escaped(markdown_code, text, arena);
}

/* Texts of libraries and files: they must not become part of the language. */
static const char *plain(const char *text, struct arena *arena)
{
    return escaped(markdown_text, text, arena);
}

static const char *cell(const char *text, struct arena *arena)
{
    return escaped(markdown_cell, text, arena);
}

static void put_block(struct buffer *out, const char *language, const char *text)
{
    markdown_block(out, language, text, strlen(text));
}

static bool is_onnx(const struct record *r)
{
    return strcmp(r->library, "torch") != 0 && strcmp(r->library, "jax") != 0 &&
           strcmp(r->library, "tensorflow") != 0;
}

static bool has_oracle(const struct record *r, const char *oracle)
{
    return strcmp(r->oracle, oracle) == 0;
}

void part_labelled(struct report_text *t, const char *label, void (*part)(struct report_text *t))
{
    size_t before = t->out->size;
    buffer_printf(t->out, "\n**%s**\n\n", label);
    size_t heading = t->out->size;
    part(t);
    if (t->out->size == heading) {
        t->out->size = before;
        t->out->data[before] = '\0';
    }
}

/* ---- what is wrong ---- */

/* First of all, for those who know the library's parts by name. */
static void put_cure(struct report_text *t)
{
    bool together;
    const char *names = guilty_optimizers(t->record->component, &together);
    if (names == NULL) {
        return;
    }
    bool is_choice = !together && strstr(names, " or ") != NULL;
    buffer_printf(t->out, "It goes away without %s%s%s.\n\n", is_choice ? "any one of " : "",
                  code(names, t->arena), together ? " together" : "");
}

void part_summary(struct report_text *t)
{
    const struct record *r = t->record;
    buffer_printf(t->out, "%s\n\n", code(r->fault, t->arena));
    put_cure(t);
    buffer_printf(t->out, "Found by fuzzing with opjury %s; the program %s.\n",
                  plain(r->opjury, t->arena),
                  r->is_reduced ? "was then made as small as it goes without losing the failure"
                                : "is as it was found, not made smaller");
}

/* The paragraph behind "**Why it is a bug.**" of judgement.md. */
void part_reason(struct report_text *t)
{
    static const char mark[] = "**Why it is a bug.**";
    const char *found = t->record->judgement != NULL ? strstr(t->record->judgement, mark) : NULL;
    if (found == NULL) {
        return;
    }
    found += strlen(mark);
    found += strspn(found, " ");
    const char *end = strstr(found, "\n\n");
    int size = (int)(end != NULL ? (size_t)(end - found) : strcspn(found, "\n"));
    buffer_printf(t->out, "\n%.*s\n", size, found);
}

/* "`v0` of shape [2,3], float32" */
static void put_declared(struct report_text *t)
{
    const struct program *p = t->record->test->program;
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        const struct value *v = &p->values[p->outputs[o]];
        struct buffer shape = BUFFER_INIT;
        shape_print(&v->shape, &shape);
        const char *of = shape.size > 0 && v->shape.rank > 0 ? shape.data : "[]";
        buffer_printf(t->out, "%s%s of shape %s, %s", o > 0 ? "; " : "", code(v->name, t->arena),
                      of, python_dtype(v->dtype));
        buffer_release(&shape);
    }
    buffer_puts(t->out, ".\n");
}

/* All of the output in which the worst element lies, where that is more and fits a line: of a
 * result that is transposed or shifted one element says little. */
static void put_whole(struct report_text *t, bool is_expected)
{
    enum { WHOLE_MAX = 12 };
    const struct record *r = t->record;
    const char *place = r->culprit->place;
    for (uint32_t o = 0; r->outputs != NULL && o < r->test->program->n_outputs; o++) {
        const struct output_values *x = &r->outputs[o];
        const struct tensor *values = is_expected ? x->expected : x->actual;
        size_t n = strlen(x->name);
        if (values == NULL || x->n < 2 || x->n > WHOLE_MAX || strncmp(place, x->name, n) != 0 ||
            place[n] != '[') {
            continue;
        }
        struct buffer text = BUFFER_INIT;
        for (size_t i = 0; i < x->n; i++) {
            buffer_puts(&text, i > 0 ? ", " : "[");
            if (isnan(dtype_load(DTYPE_F64, x->bound->data, i))) {
                buffer_puts(&text, "*"); /* any value will do */
            } else {
                dtype_print_value(x->dtype, dtype_load(x->dtype, values->data, i), &text);
            }
        }
        buffer_puts(&text, "]");
        buffer_printf(t->out, "\nAll of %s: %s\n", code(x->name, t->arena),
                      code(text.data, t->arena));
        buffer_release(&text);
    }
}

static void put_expected_element(struct report_text *t)
{
    const struct record_run *run = t->record->culprit;
    buffer_printf(t->out, "%s is %s", code(run->place, t->arena), code(run->expected, t->arena));
    if (!is_special_number(run->expected)) {
        buffer_printf(t->out, " (allowed error %s)", run->bound != NULL ? run->bound : "0");
    }
    buffer_puts(t->out, ".\n");
    put_whole(t, true);
}

void part_expected(struct report_text *t)
{
    const struct record *r = t->record;
    const struct record_run *run = r->culprit;
    if (run->place != NULL && run->expected != NULL) {
        put_expected_element(t);
    } else if (has_oracle(r, "status")) {
        buffer_printf(t->out, "A result, for %s: ",
                      is_onnx(r) ? "the model is valid by the ONNX specification"
                                 : "the calls are valid by the documentation");
        put_declared(t);
    } else if (has_oracle(r, "crash") || has_oracle(r, "hang")) {
        buffer_puts(t->out, "A result: ");
        put_declared(t);
    } else if (has_oracle(r, "side_effects")) {
        buffer_puts(t->out, "Inputs, the memory around them and the state of the process stay as "
                            "they were.\n");
    } else if (has_oracle(r, "determinism")) {
        buffer_puts(t->out, "Two runs on the same inputs give the same bits.\n");
    } else {
        put_declared(t);
    }
}

static void put_numbers(struct report_text *t)
{
    const struct record *r = t->record;
    if (r->culprit->n_compared > 1) {
        buffer_printf(t->out, " %llu of %llu compared elements are wrong.",
                      (unsigned long long)r->culprit->n_wrong,
                      (unsigned long long)r->culprit->n_compared);
    }
    if (isfinite(r->max_abs)) {
        buffer_printf(t->out, " The largest absolute error is %.3g", r->max_abs);
        if (isfinite(r->max_rel) && r->max_rel > 0) {
            buffer_printf(t->out, ", the largest relative error %.3g", r->max_rel);
        }
        if (isfinite(r->times)) {
            buffer_printf(t->out, "; %.3g times what rounding allows", r->times);
        }
        buffer_puts(t->out, ".");
    }
    buffer_puts(t->out, "\n");
}

void part_actual(struct report_text *t)
{
    const struct record *r = t->record;
    const struct record_run *run = r->culprit;
    if (run->place != NULL && run->actual != NULL) {
        buffer_printf(t->out, "%s is %s.", code(run->place, t->arena), code(run->actual, t->arena));
        put_numbers(t);
        put_whole(t, false);
        if (r->is_unwritten) {
            buffer_puts(t->out, "\nThat is the byte with which fresh memory was filled: no kernel "
                                "writes this element.\n");
        }
    } else if (run->message != NULL) {
        bool is_load = run->phase != NULL && strcmp(run->phase, "load") == 0;
        buffer_printf(t->out, "%s it fails%s%s:\n\n", is_load ? "Loading" : "Running",
                      run->error_class != NULL ? " with " : "",
                      run->error_class != NULL ? code(run->error_class, t->arena) : "");
        put_block(t->out, "", run->message);
    } else if (has_oracle(r, "crash")) {
        if (run->signal != 0) {
            buffer_printf(t->out, "The process is killed by SIG%s.\n", sigabbrev_np(run->signal));
            if (run->fault != NULL && run->address != NULL) {
                buffer_printf(t->out, "The address was %s: %s.\n", code(run->address, t->arena),
                              code(run->fault, t->arena));
            }
            if (run->assertion != NULL) {
                buffer_printf(t->out, "Before, it says %s.\n", code(run->assertion, t->arena));
            }
        } else {
            buffer_printf(t->out, "The process ends with status %d.\n", run->exit_status);
        }
        if (run->frames.n > 0 || (run->log != NULL && run->log[0] != '\0')) {
            buffer_puts(t->out, "\n");
            part_log(t);
        }
    } else {
        const char *form = form_fault(run->text, t->arena);
        buffer_printf(t->out, "%s\n",
                      form != NULL ? arena_printf(t->arena, "The result has %s.", form)
                                   : code(run->text, t->arena));
    }
}

/* What called the library says nothing of its fault. */
static bool is_interpreter(const char *frame)
{
    return strncmp(frame, "Py", 2) == 0 || strncmp(frame, "_Py", 3) == 0 ||
           strncmp(frame, "libpython", 9) == 0 || strncmp(frame, "python", 6) == 0;
}

/* Offsets into a stripped file say something to those who know which file it was. */
static void put_modules(const struct record_run *run, struct buffer *text)
{
    for (size_t i = 0; i < run->modules.n; i++) {
        const char *module = run->modules.items[i];
        size_t n = strcspn(module, ":");
        bool is_shown = false;
        for (size_t k = 0; k < run->frames.n && !is_interpreter(run->frames.items[k]); k++) {
            const char *frame = run->frames.items[k];
            is_shown = is_shown || (strncmp(frame, module, n) == 0 && frame[n] == '+');
        }
        if (is_shown) {
            buffer_printf(text, "build id of %s\n", module);
        }
    }
}

/* The last lines say why. */
static void put_stderr(const struct record_run *run, struct buffer *text)
{
    enum { LINES = 20 };
    const char *at = run->log != NULL ? run->log : "";
    unsigned lines = 0;
    for (const char *s = at; *s != '\0'; s++) {
        lines += *s == '\n' && s[1] != '\0';
    }
    for (; lines >= LINES; lines--) {
        at = strchr(at, '\n') + 1;
    }
    if (*at != '\0') {
        buffer_printf(text, "stderr:\n%s%s", at, at[strlen(at) - 1] == '\n' ? "" : "\n");
    }
}

void part_log(struct report_text *t)
{
    const struct record_run *run = t->record->culprit;
    if (run->message != NULL) {
        put_block(t->out, "", run->message);
        return;
    }
    struct buffer text = BUFFER_INIT;
    for (size_t i = 0; i < run->frames.n; i++) {
        if (i > 0 && is_interpreter(run->frames.items[i])) {
            buffer_puts(&text, "(then the interpreter)\n");
            break;
        }
        buffer_printf(&text, "#%zu %s\n", i, run->frames.items[i]);
    }
    if (run->python_frame != NULL) {
        buffer_printf(&text, "in Python: %s\n", run->python_frame);
    }
    put_modules(run, &text);
    put_stderr(run, &text);
    put_block(t->out, "", text.size > 0 ? text.data : run->text);
    buffer_release(&text);
}

/* ---- the script ---- */

void part_script(struct report_text *t)
{
    const struct record *r = t->record;
    if (r->script == NULL) {
        const char *line = arena_printf(t->arena, "opjury run program.txt --target %s", r->target);
        buffer_printf(t->out, "The program, which %s runs:\n\n", code(line, t->arena));
        put_block(t->out, "", r->program);
        return;
    }
    put_block(t->out, "python", r->script);
    buffer_printf(t->out, "\nNeeds %s. Run as %s", r->needs,
                  code(repro_command(&r->variables, t->arena), t->arena));
    if (r->is_unwritten) {
        buffer_puts(t->out, ": glibc then fills fresh memory, which otherwise often is zeros and "
                            "hides that the output is not written");
    } else if (r->variables.n > 0) {
        buffer_puts(t->out,
                    ", as it was found: without that another kernel may be chosen and the fault "
                    "not show");
    }
    buffer_puts(t->out, ".\n");
}

/* ---- evidence ---- */

static bool is_unsupported(const struct record_run *run)
{
    return strcmp(run->verdict, verdict_names[VERDICT_UNSUPPORTED]) == 0;
}

void part_verdicts(struct report_text *t)
{
    const struct record *r = t->record;
    bool any = r->culprit->place != NULL;
    struct texts left_out = {0};
    for (size_t i = 0; i < r->n_runs; i++) {
        any = any || r->runs[i].place != NULL;
    }
    buffer_printf(t->out, "| target | version | verdict |%s\n| --- | --- | --- |%s\n",
                  any ? " worst element | expected | actual | allowed error |" : " what |",
                  any ? " --- | --- | --- | --- |" : " --- |");
    for (size_t i = 0; i < r->n_runs; i++) {
        const struct record_run *run = &r->runs[i];
        if (is_unsupported(run)) {
            texts_add(&left_out, run->target, t->arena);
            continue;
        }
        buffer_printf(t->out, "| %s | %s | %s |", cell(run->target, t->arena),
                      cell(run->version, t->arena), cell(run->verdict, t->arena));
        if (any) {
            const char *const cells[] = {run->place, run->expected, run->actual, run->bound};
            for (size_t c = 0; c < ARRAY_SIZE(cells); c++) {
                buffer_printf(t->out, " %s |", cells[c] != NULL ? cell(cells[c], t->arena) : "");
            }
            buffer_puts(t->out, "\n");
        } else {
            buffer_puts(t->out, " ");
            if (run->text[0] != '\0') {
                markdown_code_cell(t->out, run->text);
                buffer_puts(t->out, " ");
            }
            buffer_puts(t->out, "|\n");
        }
    }
    for (size_t i = 0; i < left_out.n; i++) {
        buffer_printf(t->out, "%s%s%s", i == 0 ? "\nNot supported there: " : ", ",
                      plain(left_out.items[i], t->arena), i + 1 == left_out.n ? ".\n" : "");
    }
    if (any) {
        buffer_puts(t->out,
                    "\nThe expected values are those of a reference in long double, whose error "
                    "bound per element is what rounding in the program's dtypes allows.\n");
    }
}

/* "onnxruntime:opt=none, onnxruntime:opt=basic": other settings of the library with this verdict.
 */
static const char *settings_with(const struct record *r, const char *verdict, struct arena *arena)
{
    const char *text = NULL;
    for (size_t i = 0; i < r->n_runs; i++) {
        const struct record_run *run = &r->runs[i];
        if (strcmp(run->library, r->library) == 0 && strcmp(run->verdict, verdict) == 0) {
            text = text == NULL ? code(run->target, arena)
                                : arena_printf(arena, "%s, %s", text, code(run->target, arena));
        }
    }
    return text;
}

static const char *word_of(const char *verdict)
{
    return strcmp(verdict, "pass") == 0      ? "passes"
           : strcmp(verdict, "finding") == 0 ? "fails"
                                             : verdict;
}

/* "without", "with": how the sentence of a variation begins. */
static const char *preposition(const char *kind)
{
    static const char *const words[][2] = {{"optimizer", "without"}, {"subsystem", "with"},
                                           {"level", "at"},          {"threads", "with"},
                                           {"layout", "with"},       {"dtype", "in"}};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (strcmp(words[i][0], kind) == 0) {
            return words[i][1];
        }
    }
    return kind;
}

static const char *long_dtype(const char *name)
{
    enum dtype d = dtype_parse(name, strlen(name));
    return d != DTYPE_NONE ? python_dtype(d) : name;
}

/* Does it say what is not said yet? What could not be run says nothing, nor what one of the
 * targets, which are listed, has said. */
static bool is_news(const struct record *r, const struct record_trial *trial)
{
    if (strcmp(trial->kind, "version") == 0 ||
        strcmp(trial->verdict, verdict_names[VERDICT_UNSUPPORTED]) == 0) {
        return false;
    }
    for (size_t i = 0; i < r->n_runs; i++) {
        if (strcmp(r->runs[i].target, trial->target) == 0 && strcmp(trial->kind, "level") == 0 &&
            strcmp(r->runs[i].verdict, trial->verdict) == 0) {
            return false;
        }
    }
    return true;
}

/* Where nothing was varied, nothing is said: what failed is in the table. */
void part_ablation(struct report_text *t)
{
    const struct record *r = t->record;
    const char *failing = settings_with(r, "finding", t->arena);
    const char *passing = settings_with(r, "pass", t->arena);
    if (passing == NULL && !r->is_blamed) {
        return;
    }
    buffer_printf(t->out, "- fails: %s\n", failing != NULL ? failing : code(r->target, t->arena));
    if (passing != NULL) {
        buffer_printf(t->out, "- passes: %s\n", passing);
    }
    if (r->blame_version != NULL && strcmp(r->blame_version, r->version) != 0) {
        buffer_printf(t->out, "\nIn %s %s:\n\n", r->library, plain(r->blame_version, t->arena));
    }
    for (size_t i = 0; i < r->n_trials; i++) {
        const struct record_trial *trial = &r->trials[i];
        if (is_news(r, trial)) {
            bool is_dtype = strcmp(trial->kind, "dtype") == 0;
            const char *what = is_dtype ? long_dtype(trial->what) : trial->what;
            buffer_printf(t->out, "- %s %s: %s\n", preposition(trial->kind), code(what, t->arena),
                          word_of(trial->verdict));
        }
    }
    /* Optimizers are in the summary, and of places in memory the sentence says more. */
    bool together;
    if (r->component != NULL && guilty_optimizers(r->component, &together) == NULL &&
        strncmp(r->component, "placement", 9) != 0) {
        buffer_printf(t->out, "- at fault: %s\n", code(r->component, t->arena));
    }
    if (r->blame_text != NULL && r->blame_text[0] != '\0') {
        buffer_printf(t->out, "\n%s\n", plain(r->blame_text, t->arena));
    }
}

static bool is_tried(const struct record *r, const struct record_trial *trial)
{
    for (size_t i = 0; i < r->n_trials; i++) {
        if (strcmp(r->trials[i].what, trial->what) == 0 &&
            strcmp(r->trials[i].verdict, trial->verdict) == 0) {
            return true;
        }
    }
    return false;
}

void part_repeats(struct report_text *t)
{
    const struct record *r = t->record;
    if (r->rechecks > 0) {
        buffer_printf(t->out, "Shown again by %u of %u runs in fresh processes.\n", r->repeats,
                      r->rechecks);
    }
    for (size_t i = 0; i < r->n_elsewhere; i++) {
        const struct record_trial *trial = &r->elsewhere[i];
        bool is_version = strcmp(trial->kind, "version") == 0;
        if (!is_version && is_tried(r, trial)) {
            continue; /* the ablation says it */
        }
        buffer_printf(t->out, "%s %s%s: %s.\n", is_version ? r->library : "With",
                      is_version ? plain(trial->what, t->arena) : code(trial->what, t->arena),
                      is_version ? ", the newest installed" : "", word_of(trial->verdict));
    }
}

static void put_library(struct report_text *t, const char *name, const char *version)
{
    buffer_printf(t->out, "- %s%s%s", plain(name, t->arena), version[0] != '\0' ? " " : "",
                  plain(version, t->arena));
}

void part_versions(struct report_text *t)
{
    const struct record *r = t->record;
    size_t n = 0;
    put_library(t, r->library, r->version);
    buffer_puts(t->out, ": fails\n");
    for (size_t i = 0; i < r->n_trials; i++) {
        const struct record_trial *trial = &r->trials[i];
        bool is_own = strcmp(trial->what, r->version) == 0;
        if (strcmp(trial->kind, "version") == 0 && !is_own) {
            put_library(t, r->library, trial->what);
            buffer_printf(t->out, ": %s\n", word_of(trial->verdict));
            n++;
        }
    }
    if (n == 0) {
        buffer_puts(t->out, "\nNo other release was tried: whether it is a regression is open.\n");
    }
    if (r->first_bad != NULL) {
        buffer_printf(t->out, "- first bad: %s\n", plain(r->first_bad, t->arena));
    }
    if (r->last_good != NULL) {
        buffer_printf(t->out, "- last good: %s\n", plain(r->last_good, t->arena));
    }
}

/* ---- the machine ---- */

void part_system(struct report_text *t)
{
    const struct record *r = t->record;
    const char *kernel = arena_printf(t->arena, "%s %s", r->system, r->kernel);
    const char *text = r->os[0] != '\0' ? arena_printf(t->arena, "%s (%s)", r->os, kernel) : kernel;
    buffer_printf(t->out, "%s\n", plain(text, t->arena));
}

void part_python(struct report_text *t)
{
    const char *python = t->record->libraries[0].python;
    buffer_printf(t->out, "%s\n", python != NULL ? plain(python, t->arena) : "not recorded");
}

void part_version(struct report_text *t)
{
    buffer_printf(t->out, "%s\n", plain(t->record->version, t->arena));
}

void part_architecture(struct report_text *t)
{
    const char *name = t->record->architecture;
    buffer_printf(t->out, "%s\n",
                  strcmp(name, "x86_64") == 0    ? "X64"
                  : strcmp(name, "aarch64") == 0 ? "ARM64"
                                                 : plain(name, t->arena));
}

void part_environment(struct report_text *t)
{
    const struct record *r = t->record;
    for (size_t i = 0; i < r->n_libraries; i++) {
        put_library(t, r->libraries[i].name, r->libraries[i].version);
        if (r->libraries[i].python != NULL) {
            buffer_printf(t->out, " (%s)", plain(r->libraries[i].python, t->arena));
        }
        buffer_puts(t->out, "\n");
    }
    buffer_puts(t->out, "- OS: ");
    part_system(t);
    if (r->libc[0] != '\0') {
        buffer_printf(t->out, "- C library: %s\n", plain(r->libc, t->arena));
    }
    const char *cpu = arena_printf(t->arena, "%s, %s%s%s", r->cpu, r->architecture,
                                   r->isa[0] != '\0' ? ": " : "", r->isa);
    buffer_printf(t->out, "- CPU: %s\n", plain(cpu, t->arena));
    for (size_t i = 0; i < r->variables.n; i++) {
        buffer_printf(t->out, "- environment: %s\n", code(r->variables.items[i], t->arena));
    }
}

/* ---- where it comes from ---- */

void part_realism(struct report_text *t)
{
    const struct realism *realism = &t->record->realism;
#define PUT_FLAG(name, text)                                                                       \
    buffer_printf(t->out, "- %s: %s\n", text, realism->name ? "yes" : "no");
    REALISM_MAP(PUT_FLAG)
#undef PUT_FLAG
}

void part_origin(struct report_text *t)
{
    const struct record *r = t->record;
    buffer_printf(t->out, "opjury %s: seed %s, test %llu, inputs %s", plain(r->opjury, t->arena),
                  plain(r->seed, t->arena), (unsigned long long)r->test_index,
                  r->inputs[0] != '\0' ? plain(r->inputs, t->arena) : "given");
    if (r->is_reduced && r->nodes_before > 0) {
        buffer_printf(t->out, "; reduced from %zu %s and %zu elements to %zu and %zu",
                      r->nodes_before, r->nodes_before == 1 ? "node" : "nodes", r->elements_before,
                      r->nodes_after, r->elements_after);
    }
    buffer_puts(t->out, ".\n");
}

void part_known_issue(struct report_text *t)
{
    if (t->record->known_issue != NULL) {
        for (const char *c = t->record->known_issue; *c != '\0'; c++) {
            buffer_append(t->out, *c == '\n' ? " " : c, 1);
        }
        buffer_puts(t->out, "\n");
    }
}

void part_fault(struct report_text *t)
{
    part_summary(t);
    part_reason(t);
    part_labelled(t, "Expected", part_expected);
    part_labelled(t, "Actual", part_actual);
    part_labelled(t, "Ablation", part_ablation);
    part_labelled(t, "All runs", part_verdicts);
}

void part_reproduction(struct report_text *t)
{
    part_script(t);
    buffer_puts(t->out, "\n");
    part_repeats(t);
    part_origin(t);
}
