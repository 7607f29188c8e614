/* SPDX-License-Identifier: Apache-2.0 */
/* The whole record as one JSON object, for programs. Numbers that JSON has none for are null. */
#include <math.h>
#include <stdlib.h>

#include "report/format_internal.h"
#include "report/report_internal.h"

static void set_text(json_t *root, const char *key, const char *text)
{
    json_object_set_new(root, key, json_text(text));
}

static void set_count(json_t *root, const char *key, uint64_t n)
{
    json_object_set_new(root, key, json_integer((json_int_t)n));
}

static void set_number(json_t *root, const char *key, double value)
{
    json_object_set_new(root, key, isfinite(value) ? json_real(value) : json_null());
}

static json_t *texts_json(const struct texts *texts)
{
    json_t *list = json_array();
    for (size_t i = 0; i < texts->n; i++) {
        json_array_append_new(list, json_text(texts->items[i]));
    }
    return list;
}

static json_t *run_json(const struct record_run *run)
{
    json_t *root = json_object();
    set_text(root, "target", run->target);
    set_text(root, "version", run->version);
    set_text(root, "verdict", run->verdict);
    set_text(root, "oracle", run->oracle);
    set_text(root, "text", run->text);
    set_text(root, "place", run->place);
    set_text(root, "expected", run->expected);
    set_text(root, "actual", run->actual);
    set_text(root, "bound", run->bound);
    set_count(root, "wrong", run->n_wrong);
    set_count(root, "compared", run->n_compared);
    set_count(root, "unstable", run->n_unstable);
    set_count(root, "unspecified", run->n_unspecified);
    set_text(root, "phase", run->phase);
    set_text(root, "error_class", run->error_class);
    set_text(root, "message", run->message);
    json_object_set_new(root, "signal", json_integer(run->signal));
    json_object_set_new(root, "exit_status", json_integer(run->exit_status));
    json_object_set_new(root, "frames", texts_json(&run->frames));
    json_object_set_new(root, "modules", texts_json(&run->modules));
    set_text(root, "address", run->address);
    set_text(root, "fault", run->fault);
    set_text(root, "python_frame", run->python_frame);
    set_text(root, "assertion", run->assertion);
    set_text(root, "stderr", run->log);
    return root;
}

static json_t *blame_json(const struct record *r)
{
    json_t *root = json_object(), *tried = json_array();
    set_text(root, "component", r->component);
    set_text(root, "text", r->blame_text);
    set_text(root, "first_bad", r->first_bad);
    set_text(root, "last_good", r->last_good);
    for (size_t i = 0; i < r->n_trials; i++) {
        json_t *row = json_object();
        set_text(row, "kind", r->trials[i].kind);
        set_text(row, "what", r->trials[i].what);
        set_text(row, "target", r->trials[i].target);
        set_text(row, "verdict", r->trials[i].verdict);
        set_text(row, "text", r->trials[i].text);
        json_array_append_new(tried, row);
    }
    json_object_set_new(root, "tried", tried);
    return root;
}

static json_t *environment(const struct record *r)
{
    json_t *root = json_object(), *libraries = json_array();
    set_text(root, "opjury", r->opjury);
    set_text(root, "system", r->system);
    set_text(root, "kernel", r->kernel);
    set_text(root, "os", r->os);
    set_text(root, "libc", r->libc);
    set_text(root, "architecture", r->architecture);
    set_text(root, "cpu", r->cpu);
    set_text(root, "isa", r->isa);
    for (size_t i = 0; i < r->n_libraries; i++) {
        json_t *row = json_object();
        set_text(row, "name", r->libraries[i].name);
        set_text(row, "version", r->libraries[i].version);
        set_text(row, "python", r->libraries[i].python);
        json_array_append_new(libraries, row);
    }
    json_object_set_new(root, "libraries", libraries);
    json_object_set_new(root, "variables", texts_json(&r->variables));
    return root;
}

static json_t *realism_json(const struct realism *realism)
{
    json_t *root = json_object();
#define SET_FLAG(name, text) json_object_set_new(root, #name, json_boolean(realism->name));
    REALISM_MAP(SET_FLAG)
#undef SET_FLAG
    return root;
}

static void set_origin(json_t *root, const struct record *r)
{
    set_text(root, "seed", r->seed); /* as text: 64 bits are no JSON number for everybody */
    set_count(root, "test", r->test_index);
    set_text(root, "inputs", r->inputs);
    set_text(root, "placement", r->placement);
    set_count(root, "rechecks", r->rechecks);
    set_count(root, "repeats", r->repeats);
    set_text(root, "gone_in", r->gone_in);
    json_t *elsewhere = json_array();
    for (size_t i = 0; i < r->n_elsewhere; i++) {
        json_t *row = json_object();
        set_text(row, "kind", r->elsewhere[i].kind);
        set_text(row, "what", r->elsewhere[i].what);
        set_text(row, "verdict", r->elsewhere[i].verdict);
        json_array_append_new(elsewhere, row);
    }
    json_object_set_new(root, "elsewhere", elsewhere);
    json_object_set_new(root, "is_reduced", json_boolean(r->is_reduced));
    set_count(root, "nodes_before", r->nodes_before);
    set_count(root, "nodes_after", r->nodes_after);
    set_count(root, "elements_before", r->elements_before);
    set_count(root, "elements_after", r->elements_after);
}

static json_t *record_json(const struct record *r)
{
    json_t *root = json_object(), *runs = json_array();
    set_text(root, "title", r->title);
    set_text(root, "fault", r->fault);
    set_text(root, "severity", severity_names[r->severity]);
    set_text(root, "library", r->library);
    set_text(root, "version", r->version);
    set_text(root, "target", r->target);
    set_text(root, "oracle", r->oracle);
    set_text(root, "signature", r->signature);
    set_text(root, "ops", r->ops);
    set_text(root, "program", r->program);
    set_text(root, "script", r->script);
    set_text(root, "needs", r->needs);
    for (size_t i = 0; i < r->n_runs; i++) {
        json_array_append_new(runs, run_json(&r->runs[i]));
    }
    json_object_set_new(root, "verdicts", runs);
    set_number(root, "max_abs", r->max_abs);
    set_number(root, "max_rel", r->max_rel);
    set_number(root, "times_the_bound", r->times);
    json_object_set_new(root, "is_unwritten", json_boolean(r->is_unwritten));
    set_origin(root, r);
    json_object_set_new(root, "blame", r->is_blamed ? blame_json(r) : json_null());
    json_object_set_new(root, "environment", environment(r));
    json_object_set_new(root, "realism", realism_json(&r->realism));
    json_object_set_new(root, "passes_torch_rule",
                        r->torch_rule.applies ? json_boolean(r->torch_rule.passes) : json_null());
    set_text(root, "torch_rule", r->torch_rule.text);
    set_text(root, "judgement", r->judgement);
    set_text(root, "known_issue", r->known_issue);
    set_count(root, "id", r->id);
    set_count(root, "bucket_size", r->bucket_size);
    set_text(root, "bucket", r->bucket);
    set_text(root, "state", r->state);
    return root;
}

static void print(struct report_text *t)
{
    json_t *root = record_json(t->record);
    /* 17 significant digits bring every double back. */
    char *dumped = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_decref(root);
    CHECK(dumped != NULL);
    buffer_printf(t->out, "%s\n", dumped);
    free(dumped);
}

const struct report_format format_json = {
    .name = "json",
    .summary = "programs: the whole record",
    .print = print,
};
