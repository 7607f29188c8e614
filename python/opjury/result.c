/* SPDX-License-Identifier: Apache-2.0 */
/*
 * result: what a run gave, as the engine reads it: outputs, what was raised, what was printed. All
 * lies in the run's share of the slot's result area; what does not fit is said there.
 */
#include "opjury/loop.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Room for n bytes at an offset of that alignment; false: full. */
static bool reserve(struct run *r, uint64_t n, uint64_t align, uint64_t *at)
{
    uint64_t start = (r->used + align - 1) / align * align;

    if (start > r->capacity || n > r->capacity - start) {
        return false;
    }
    *at = start;
    r->used = start + n;
    return true;
}

void result_text(struct run *r, struct wire_text *text, const char *bytes, size_t size)
{
    uint64_t at;

    size = size < WIRE_TEXT_MAX ? size : WIRE_TEXT_MAX;
    if (!reserve(r, size, 1, &at)) {
        return;
    }
    memcpy(r->out + at, bytes, size);
    *text = (struct wire_text){(uint32_t)at, (uint32_t)size};
}

void result_broken(struct run *r, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    r->result.status = WIRE_BROKEN;
    result_text(r, &r->result.message, text, strlen(text));
}

static void put_object_text(struct run *r, struct wire_text *text, PyObject *object)
{
    Py_ssize_t size = 0;
    PyObject *string = object ? PyObject_Str(object) : NULL;
    PyObject *bytes =
        string ? PyUnicode_AsEncodedString(string, "utf-8", "backslashreplace") : NULL;
    char *data = NULL;

    if (bytes && PyBytes_AsStringAndSize(bytes, &data, &size) == 0) {
        result_text(r, text, data, (size_t)size);
    }
    PyErr_Clear();
    Py_XDECREF(string);
    Py_XDECREF(bytes);
}

/* The pending exception becomes the run's result. */
void result_raised(struct run *r, enum wire_phase phase)
{
    PyObject *type = NULL, *value = NULL, *trace = NULL;

    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    r->result.status = WIRE_RAISED;
    r->result.phase = phase;
    PyObject *name = type ? PyObject_GetAttrString(type, "__name__") : NULL;
    put_object_text(r, &r->result.error_class, name);
    put_object_text(r, &r->result.message, value);
    if (name && (PyUnicode_CompareWithASCIIString(name, "NotExercised") == 0 ||
                 PyUnicode_CompareWithASCIIString(name, "NoDevice") == 0)) {
        r->result.status = WIRE_BROKEN;
    }
    Py_XDECREF(name);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    PyErr_Clear();
}

static bool put_output(struct run *r, PyObject *tensor, uint32_t index)
{
    struct export e;
    uint64_t at;

    if (tensor_export(r->w->adapter, tensor, &e)) {
        export_release(&e);
        result_raised(r, WIRE_RUN);
        return false;
    }
    bool fits = reserve(r, e.form.size, 64, &at);
    if (fits) {
        e.form.at = at;
        export_copy(&e, r->out + at);
        memcpy(r->out + r->result.outputs_at + index * sizeof e.form, &e.form, sizeof e.form);
    } else {
        result_broken(r, "output %u has %llu bytes, more than the result area holds", index,
                      (unsigned long long)e.form.size);
    }
    export_release(&e);
    return fits;
}

static void put_outputs(struct run *r, PyObject *outputs)
{
    Py_ssize_t n = PySequence_Size(outputs);
    uint64_t at;

    if (n < 0) {
        result_raised(r, WIRE_RUN);
        return;
    }
    if (n > WIRE_TENSORS_MAX || !reserve(r, (uint64_t)n * sizeof(struct wire_tensor), 64, &at)) {
        result_broken(r, "%zd outputs are more than the result area holds", n);
        return;
    }
    r->result.outputs_at = (uint32_t)at;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *tensor = PySequence_GetItem(outputs, i);
        bool ok = tensor && put_output(r, tensor, (uint32_t)i);
        if (!tensor) {
            result_raised(r, WIRE_RUN);
        }
        Py_XDECREF(tensor);
        if (!ok) {
            return;
        }
    }
    r->result.n_outputs = (uint32_t)n;
    r->result.status = WIRE_OK;
}

/* NULL: it raised. They are given away. */
void result_outputs(struct run *r, PyObject *outputs)
{
    if (outputs) {
        put_outputs(r, outputs);
    } else {
        result_raised(r, WIRE_RUN);
    }
    Py_XDECREF(outputs);
}

/* What the library wrote to stdout and stderr since the last run. */
void result_log(struct run *r)
{
    char text[WIRE_TEXT_MAX];
    off_t end = lseek(STDERR_FILENO, 0, SEEK_CUR);

    if (end <= 0) {
        return;
    }
    off_t from = end > (off_t)sizeof text ? end - (off_t)sizeof text : 0;
    ssize_t n = pread(STDERR_FILENO, text, sizeof text, from);
    if (n > 0) {
        result_text(r, &r->result.log, text, (size_t)n);
    }
    if (ftruncate(STDERR_FILENO, 0) == 0) {
        lseek(STDERR_FILENO, 0, SEEK_SET);
    }
}
