/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: executes a call plan (plan_wire.h). Loading looks everything up that does not depend on
 * values: callables, dtypes, numbers, lists of them. Running fills in registers and calls. The same
 * plan printed as source gives the same bits: nothing is converted on the way.
 */
#include "opjury/worker.h"

#include <stdlib.h>

#include "opjury/plan_wire.h"

struct call_plan {
    const struct plan_wire *wire;
    PyObject **callables; /* one a call */
    PyObject **fixed;     /* one an argument; NULL: depends on registers */
};

static const void *at(const struct call_plan *p, uint32_t offset)
{
    return (const uint8_t *)p->wire + offset;
}

/* ---- load ---- */

static PyObject *find_callable(const struct adapter *a, const char *path)
{
    PyObject *name = PyUnicode_InternFromString(path);
    PyObject *found = name ? PyDict_GetItemWithError(a->callables, name) : NULL;

    Py_XINCREF(found);
    if (name && !found && !PyErr_Occurred()) {
        found = PyObject_CallFunctionObjArgs(a->resolve, name, NULL);
        if (found && PyDict_SetItem(a->callables, name, found)) {
            Py_CLEAR(found);
        }
    }
    Py_XDECREF(name);
    return found;
}

static PyObject *int_list(const int64_t *values, uint32_t n)
{
    PyObject *list = PyList_New((Py_ssize_t)n);

    for (uint32_t i = 0; list && i < n; i++) {
        PyObject *value = PyLong_FromLongLong(values[i]);
        if (!value) {
            Py_CLEAR(list);
        } else {
            PyList_SetItem(list, (Py_ssize_t)i, value); /* steals */
        }
    }
    return list;
}

static PyObject *int_tuple(const int64_t *values, uint32_t n)
{
    PyObject *list = int_list(values, n);
    PyObject *tuple = list ? PyList_AsTuple(list) : NULL;

    Py_XDECREF(list);
    return tuple;
}

static PyObject *tuple_of_tuples(const int64_t *values, uint32_t n, uint32_t width)
{
    PyObject *tuple = PyTuple_New((Py_ssize_t)n);

    for (uint32_t i = 0; tuple && i < n; i++) {
        PyObject *row = int_tuple(values + (size_t)i * width, width);
        if (!row) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SetItem(tuple, (Py_ssize_t)i, row); /* steals */
        }
    }
    return tuple;
}

static PyObject *find_dtype(const struct adapter *a, uint64_t dtype)
{
    static const char *const names[WIRE_DTYPE_COUNT] = {
#define DTYPE_NAME(name, number, code, bytes) [WIRE_##name] = #name,
        WIRE_DTYPE_MAP(DTYPE_NAME)
#undef DTYPE_NAME
    };
    PyObject *found = PyMapping_GetItemString(a->dtypes, names[dtype]);

    if (!found) {
        PyErr_Clear();
        PyErr_Format(PyExc_TypeError, "the library has no dtype %s", names[dtype]);
    }
    return found;
}

/* A new reference, or NULL: without an exception when the argument depends on registers. */
static PyObject *fixed_argument(const struct adapter *a, const struct call_plan *p,
                                const struct plan_wire_arg *arg)
{
    switch ((enum plan_wire_kind)arg->kind) {
    case PLAN_WIRE_NONE:
        Py_INCREF(Py_None);
        return Py_None;
    case PLAN_WIRE_INT:
        return PyLong_FromLongLong(arg->i);
    case PLAN_WIRE_INTS:
        return int_list(at(p, arg->at), arg->n);
    case PLAN_WIRE_REAL:
        return PyFloat_FromDouble(arg->f);
    case PLAN_WIRE_BOOL:
        return PyBool_FromLong((long)arg->i);
    case PLAN_WIRE_DTYPE:
        return find_dtype(a, arg->u);
    case PLAN_WIRE_TEXT:
        return PyUnicode_FromString(at(p, arg->at));
    case PLAN_WIRE_OBJECT:
        return find_callable(a, at(p, arg->at));
    case PLAN_WIRE_TUPLE:
        return arg->u ? tuple_of_tuples(at(p, arg->at), arg->n, (uint32_t)arg->u)
                      : int_tuple(at(p, arg->at), arg->n);
    case PLAN_WIRE_VALUE:
    case PLAN_WIRE_VALUES:
    case PLAN_WIRE_KINDS:
        return NULL;
    }
    return NULL;
}

static int look_up(const struct adapter *a, struct call_plan *p)
{
    const struct plan_wire_call *calls = at(p, p->wire->calls_at);
    const struct plan_wire_arg *args = at(p, p->wire->args_at);

    for (uint32_t i = 0; i < p->wire->n_calls; i++) {
        p->callables[i] = find_callable(a, at(p, calls[i].callable));
        if (!p->callables[i]) {
            return -1;
        }
    }
    for (uint32_t i = 0; i < p->wire->n_args; i++) {
        p->fixed[i] = fixed_argument(a, p, &args[i]);
        if (!p->fixed[i] && PyErr_Occurred()) {
            return -1;
        }
    }
    return 0;
}

struct call_plan *plan_load(const struct adapter *a, const uint8_t *bytes, size_t size)
{
    struct call_plan *p = calloc(1, sizeof *p);

    if (!p || !plan_wire_valid(bytes, size)) {
        PyErr_SetString(PyExc_ValueError, "the plan is malformed");
        free(p);
        return NULL;
    }
    p->wire = (const void *)bytes;
    p->callables = calloc(p->wire->n_calls + 1u, sizeof(PyObject *));
    p->fixed = calloc(p->wire->n_args + 1u, sizeof(PyObject *));
    if (!p->callables || !p->fixed) {
        PyErr_NoMemory();
        plan_free(p);
        return NULL;
    }
    if (look_up(a, p)) {
        plan_free(p);
        return NULL;
    }
    return p;
}

uint32_t plan_inputs(const struct call_plan *p)
{
    return p->wire->n_inputs;
}

void plan_free(struct call_plan *p)
{
    if (!p) {
        return;
    }
    for (uint32_t i = 0; p->callables && i < p->wire->n_calls; i++) {
        Py_XDECREF(p->callables[i]);
    }
    for (uint32_t i = 0; p->fixed && i < p->wire->n_args; i++) {
        Py_XDECREF(p->fixed[i]);
    }
    free(p->callables);
    free(p->fixed);
    free(p);
}

/* ---- run ---- */

static PyObject *read_register(PyObject *const *registers, uint32_t index)
{
    PyObject *value = registers[index];

    if (!value) {
        PyErr_Format(PyExc_ValueError, "the plan reads register %lu before it is written",
                     (unsigned long)index);
        return NULL;
    }
    Py_INCREF(value);
    return value;
}

static PyObject *register_list(PyObject *const *registers, const uint32_t *indices, uint32_t n)
{
    PyObject *list = PyList_New((Py_ssize_t)n);

    for (uint32_t i = 0; list && i < n; i++) {
        PyObject *value = read_register(registers, indices[i]);
        if (!value) {
            Py_CLEAR(list);
        } else {
            PyList_SetItem(list, (Py_ssize_t)i, value);
        }
    }
    return list;
}

static PyObject *argument(const struct call_plan *p, uint32_t index, PyObject *const *registers)
{
    const struct plan_wire_arg *arg = (const struct plan_wire_arg *)at(p, p->wire->args_at) + index;
    PyObject *fixed = p->fixed[index];

    if (fixed) {
        Py_INCREF(fixed);
        return fixed;
    }
    if (arg->kind == PLAN_WIRE_VALUE) {
        return read_register(registers, (uint32_t)arg->u);
    }
    return register_list(registers, at(p, arg->at), arg->n);
}

static uint32_t count_positional(const struct call_plan *p, const struct plan_wire_call *call)
{
    const struct plan_wire_arg *args = at(p, p->wire->args_at);
    uint32_t n = 0;

    while (n < call->n_args && args[call->first_arg + n].keyword == 0) {
        n++;
    }
    return n;
}

static PyObject *call(const struct call_plan *p, uint32_t index, PyObject *const *registers)
{
    const struct plan_wire_call *c =
        (const struct plan_wire_call *)at(p, p->wire->calls_at) + index;
    const struct plan_wire_arg *args = at(p, p->wire->args_at);
    uint32_t n_positional = count_positional(p, c);
    PyObject *positional = PyTuple_New((Py_ssize_t)n_positional);
    PyObject *named = n_positional < c->n_args ? PyDict_New() : NULL;
    PyObject *result = NULL;

    for (uint32_t i = 0; positional && i < c->n_args; i++) {
        PyObject *value = argument(p, c->first_arg + i, registers);
        if (!value) {
            goto out;
        }
        if (i < n_positional) {
            PyTuple_SetItem(positional, (Py_ssize_t)i, value);
            continue;
        }
        int failed =
            !named || PyDict_SetItemString(named, at(p, args[c->first_arg + i].keyword), value);
        Py_DECREF(value);
        if (failed) {
            goto out;
        }
    }
    if (positional) {
        result = PyObject_Call(p->callables[index], positional, named);
    }
out:
    Py_XDECREF(positional);
    Py_XDECREF(named);
    return result;
}

static int keep_results(const struct call_plan *p, const struct plan_wire_call *c, PyObject *result,
                        PyObject **registers)
{
    const uint32_t *indices = at(p, c->results_at);

    for (uint32_t i = 0; i < c->n_results; i++) {
        PyObject *value = result;
        if (c->n_results > 1) {
            value = PySequence_GetItem(result, (Py_ssize_t)i);
            if (!value) {
                return -1;
            }
        } else {
            Py_INCREF(value);
        }
        Py_XDECREF(registers[indices[i]]);
        registers[indices[i]] = value;
    }
    return 0;
}

static int run_calls(const struct call_plan *p, PyObject **registers)
{
    const struct plan_wire_call *calls = at(p, p->wire->calls_at);

    for (uint32_t i = 0; i < p->wire->n_calls; i++) {
        PyObject *result = call(p, i, registers);
        if (!result) {
            return -1;
        }
        int failed = keep_results(p, &calls[i], result, registers);
        Py_DECREF(result);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

PyObject *plan_run(const struct call_plan *p, PyObject *tensors)
{
    uint32_t n = p->wire->n_registers;
    Py_ssize_t given = PyList_Size(tensors);
    PyObject *outputs = NULL;

    if (given != (Py_ssize_t)p->wire->n_inputs + (Py_ssize_t)p->wire->n_consts) {
        return PyErr_Format(PyExc_ValueError, "the plan takes %lu tensors, the job has %zd",
                            (unsigned long)p->wire->n_inputs + p->wire->n_consts, given);
    }
    PyObject **registers = calloc(n + 1u, sizeof *registers);
    if (!registers) {
        return PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; i < given; i++) {
        registers[i] = PyList_GetItem(tensors, i);
        Py_XINCREF(registers[i]);
    }
    if (run_calls(p, registers) == 0) {
        outputs = register_list(registers, at(p, p->wire->outputs_at), p->wire->n_outputs);
    }
    for (uint32_t i = 0; i < n; i++) {
        Py_XDECREF(registers[i]);
    }
    free(registers);
    return outputs;
}
