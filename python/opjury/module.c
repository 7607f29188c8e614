/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module: opjury._worker, the extension as Python sees it. serve(socket, adapter, version, scratch,
 * settle, places) turns the interpreter into a zygote and never returns; plan(bytes, resolve,
 * dtypes) makes a function of a call plan, for adapters that hand it to a compiler.
 */
#include "opjury/sandbox.h"
#include "opjury/worker.h"

/* An attribute of the adapter or NULL; None counts as absent. A new reference that is kept. */
static PyObject *offered(PyObject *module, const char *name)
{
    PyObject *object = PyObject_GetAttrString(module, name);

    if (!object) {
        PyErr_Clear();
        return NULL;
    }
    if (object == Py_None) {
        Py_DECREF(object);
        return NULL;
    }
    return object;
}

/* What the system has and these places, which may be read and started from. */
static bool allow_places(struct sandbox *s, PyObject *places)
{
    sandbox_init(s);
    bool done = sandbox_allow_system(s);
    for (Py_ssize_t i = 0; done && i < PyList_Size(places); i++) {
        PyObject *path = NULL;
        if (!PyUnicode_FSConverter(PyList_GetItem(places, i), (void *)&path)) {
            return false;
        }
        done = sandbox_allow(s, PyBytes_AsString(path), SANDBOX_READ | SANDBOX_EXECUTE);
        Py_DECREF(path);
    }
    if (!done) {
        PyErr_Format(PyExc_OSError,
                     "sys.path and what is imported lie in more than %d places: use --sandbox=off",
                     SANDBOX_PLACES_MAX);
    }
    return done;
}

static PyObject *serve(PyObject *self, PyObject *args)
{
    static struct adapter a; /* these live as long as the process */
    static struct sandbox sandbox;
    static struct confinement confinement;
    PyObject *module, *capsule, *places;
    const char *version;
    int socket;

    if (!PyArg_ParseTuple(args, "iOssOO", &socket, &module, &version, &confinement.scratch,
                          &confinement.settle, &places)) {
        return NULL;
    }
    if (places != Py_None) {
        if (!allow_places(&sandbox, places)) {
            return NULL;
        }
        confinement.sandbox = &sandbox;
    }
    a.load = offered(module, "load");
    a.run = offered(module, "run");
    a.prepare = offered(module, "prepare");
    a.build = offered(module, "build");
    a.dtypes = offered(module, "dtypes");
    a.resolve = offered(module, "resolve");
    a.configure = offered(module, "configure");
    a.from_dlpack = offered(module, "from_dlpack");
    a.from_memory = offered(module, "from_memory");
    a.random_state = offered(module, "random_state");
    a.state = offered(module, "state");
    a.reset = offered(module, "reset");
    a.close = offered(module, "close");
    PyObject *starts = offered(module, "starts_processes");
    a.starts_processes = starts && PyObject_IsTrue(starts) == 1;
    a.callables = PyDict_New();
    capsule = offered(module, "exchange");
    a.exchange = capsule ? exchange_from_capsule(capsule) : NULL;
    if (!a.callables || (!(a.load && a.run) && !(a.dtypes && a.resolve))) {
        PyErr_SetString(PyExc_TypeError,
                        "the adapter has neither load and run nor dtypes and resolve");
        return NULL;
    }
    if (!a.exchange && !a.from_dlpack && !a.from_memory) {
        PyErr_SetString(PyExc_TypeError, "the adapter has no way to make a tensor");
        return NULL;
    }
    zygote_serve(socket, &a, version, &confinement);
}

/* ---- plans as functions ---- */

static const char plan_name[] = "opjury.plan";

struct owned_plan {
    struct call_plan *plan;
    PyObject *bytes; /* which the plan reads */
};

static void drop_plan(PyObject *capsule)
{
    struct owned_plan *p = PyCapsule_GetPointer(capsule, plan_name);

    plan_free(p->plan);
    Py_DECREF(p->bytes);
    PyMem_Free(p);
}

static PyObject *call_plan(PyObject *self, PyObject *tensors)
{
    const struct owned_plan *p = PyCapsule_GetPointer(self, plan_name);

    return p ? plan_run(p->plan, tensors) : NULL;
}

static PyMethodDef calls_method = {"calls", call_plan, METH_O,
                                   "calls(list of inputs, then constants) -> list of outputs"};

static PyObject *own_plan(struct call_plan *plan, PyObject *bytes)
{
    struct owned_plan *p = PyMem_Malloc(sizeof *p);
    PyObject *capsule = p ? PyCapsule_New(p, plan_name, drop_plan) : PyErr_NoMemory();

    if (!capsule) {
        PyMem_Free(p);
        plan_free(plan);
        return NULL;
    }
    *p = (struct owned_plan){plan, bytes};
    Py_INCREF(bytes);
    return capsule;
}

static PyObject *plan(PyObject *self, PyObject *args)
{
    static struct adapter names; /* what resolve has found is kept */
    PyObject *bytes;

    if (!PyArg_ParseTuple(args, "SOO", &bytes, &names.resolve, &names.dtypes)) {
        return NULL;
    }
    names.callables = names.callables ? names.callables : PyDict_New();
    const void *data = PyBytes_AsString(bytes);
    size_t size = (size_t)PyBytes_Size(bytes);
    struct call_plan *loaded = names.callables ? plan_load(&names, data, size) : NULL;
    PyObject *capsule = loaded ? own_plan(loaded, bytes) : NULL;
    PyObject *function = capsule ? PyCFunction_New(&calls_method, capsule) : NULL;

    Py_XDECREF(capsule);
    if (!function) {
        return NULL;
    }
    return Py_BuildValue("(kN)", (unsigned long)plan_inputs(loaded), function);
}

static PyMethodDef methods[] = {
    {"serve", serve, METH_VARARGS,
     "serve(socket, adapter, version, scratch, settle, places): fork workers until the end."},
    {"plan", plan, METH_VARARGS,
     "plan(bytes, resolve, dtypes) -> (number of inputs, function of inputs and constants)."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_worker", NULL, -1, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__worker(void);
PyMODINIT_FUNC PyInit__worker(void)
{
    return PyModule_Create(&definition);
}
