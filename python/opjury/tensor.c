/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tensor: library tensors from memory and back, without a copy on the way in and with one on the
 * way out. Three roads in, the first that the library offers: its C exchange table
 * (__dlpack_c_exchange_api__), a DLPack capsule, a memoryview. Three roads out: the table, the
 * buffer protocol (also of bits whose dtype is named), __dlpack__. The DLPack structures follow
 * dlpack.h 1.x, whose layout is its ABI.
 */
#include "opjury/worker.h"

#include <stdlib.h>
#include <string.h>

/* ---- DLPack's ABI ---- */

enum { DL_CPU = 1, DL_VERSION_MAJOR = 1 };

struct dl_tensor {
    void *data;
    struct {
        int32_t type, id;
    } device;
    int32_t rank;
    struct {
        uint8_t code, bits;
        uint16_t lanes;
    } dtype;
    int64_t *shape;
    int64_t *strides; /* in elements; NULL: dense */
    uint64_t byte_offset;
};

struct dl_managed {
    struct dl_tensor tensor;
    void *context;
    void (*deleter)(struct dl_managed *self);
};

struct dl_version {
    uint32_t major, minor;
};

struct dl_managed_versioned {
    struct dl_version version;
    void *context;
    void (*deleter)(struct dl_managed_versioned *self);
    uint64_t flags;
    struct dl_tensor tensor;
};

struct dl_exchange {
    struct dl_version version;
    const struct dl_exchange *previous;
    int (*allocate)(struct dl_tensor *prototype, struct dl_managed_versioned **out, void *context,
                    void (*error)(void *context, const char *kind, const char *message));
    int (*from_object)(void *object, struct dl_managed_versioned **out);
    int (*to_object)(struct dl_managed_versioned *tensor, void **object);
    int (*borrow)(void *object, struct dl_tensor *out);
    int (*stream)(int32_t device_type, int32_t device_id, void **out);
};

/* ---- dtypes ---- */

struct dtype_entry {
    const char *name;
    uint8_t code, bytes;
};

static const struct dtype_entry dtypes[WIRE_DTYPE_COUNT] = {
#define DTYPE_ENTRY(name, number, code, bytes) [WIRE_##name] = {#name, code, bytes},
    WIRE_DTYPE_MAP(DTYPE_ENTRY)
#undef DTYPE_ENTRY
};

static enum wire_dtype dtype_find(unsigned code, unsigned bytes)
{
    for (int d = 1; d < WIRE_DTYPE_COUNT; d++) {
        if (dtypes[d].code == code && dtypes[d].bytes == bytes) {
            return (enum wire_dtype)d;
        }
    }
    return WIRE_DTYPE_NONE;
}

/* ---- in ---- */

const struct dl_exchange *exchange_from_capsule(PyObject *capsule)
{
    const struct dl_exchange *table = PyCapsule_GetPointer(capsule, "dlpack_exchange_api");

    while (table && table->version.major != DL_VERSION_MAJOR) {
        table = table->previous;
    }
    PyErr_Clear();
    return table;
}

/* The structure a library holds while its tensor lives, with the shape behind it. */
struct import_versioned {
    struct dl_managed_versioned managed;
    int64_t shape[WIRE_RANK_MAX], strides[WIRE_RANK_MAX];
};
struct import_legacy {
    struct dl_managed managed;
    int64_t shape[WIRE_RANK_MAX], strides[WIRE_RANK_MAX];
};

static void free_versioned(struct dl_managed_versioned *self)
{
    free(self);
}

static void free_legacy(struct dl_managed *self)
{
    free(self);
}

static void describe(struct dl_tensor *t, void *data, const struct wire_tensor *form,
                     int64_t *shape, int64_t *strides)
{
    int64_t step = 1;

    for (uint32_t i = form->rank; i-- > 0;) {
        shape[i] = form->dim[i];
        strides[i] = step;
        step *= form->dim[i] > 0 ? form->dim[i] : 1;
    }
    *t = (struct dl_tensor){.data = data, .device = {.type = DL_CPU}, .shape = shape};
    t->rank = (int32_t)form->rank;
    t->strides = strides;
    t->dtype.code = dtypes[form->dtype].code;
    t->dtype.bits = (uint8_t)(8 * dtypes[form->dtype].bytes);
    t->dtype.lanes = 1;
}

static PyObject *import_by_table(const struct dl_exchange *table, void *data,
                                 const struct wire_tensor *form)
{
    struct import_versioned *import = calloc(1, sizeof *import);
    void *object = NULL;

    if (!import) {
        return PyErr_NoMemory();
    }
    import->managed.version = (struct dl_version){DL_VERSION_MAJOR, 0};
    import->managed.deleter = free_versioned;
    describe(&import->managed.tensor, data, form, import->shape, import->strides);
    if (table->to_object(&import->managed, &object)) {
        return NULL; /* the table's function owns the structure by then */
    }
    return object;
}

/* A capsule that nobody consumed still owns its tensor. */
static void drop_capsule(PyObject *capsule)
{
    if (PyCapsule_IsValid(capsule, "dltensor")) {
        struct dl_managed *managed = PyCapsule_GetPointer(capsule, "dltensor");
        managed->deleter(managed);
    }
}

static PyObject *import_by_capsule(PyObject *from_dlpack, void *data,
                                   const struct wire_tensor *form)
{
    struct import_legacy *import = calloc(1, sizeof *import);

    if (!import) {
        return PyErr_NoMemory();
    }
    import->managed.deleter = free_legacy;
    describe(&import->managed.tensor, data, form, import->shape, import->strides);
    PyObject *capsule = PyCapsule_New(&import->managed, "dltensor", drop_capsule);
    if (!capsule) {
        free(import);
        return NULL;
    }
    PyObject *tensor = PyObject_CallFunctionObjArgs(from_dlpack, capsule, NULL);
    Py_DECREF(capsule);
    return tensor;
}

static PyObject *import_by_memory(PyObject *from_memory, void *data, const struct wire_tensor *form)
{
    PyObject *view = PyMemoryView_FromMemory(data, (Py_ssize_t)form->size, PyBUF_WRITE);
    PyObject *shape = PyTuple_New((Py_ssize_t)form->rank);
    PyObject *tensor = NULL;

    for (uint32_t i = 0; shape && i < form->rank; i++) {
        PyTuple_SetItem(shape, (Py_ssize_t)i, PyLong_FromLongLong(form->dim[i]));
    }
    if (view && shape) {
        tensor = PyObject_CallFunction(from_memory, "OsO", view, dtypes[form->dtype].name, shape);
    }
    Py_XDECREF(view);
    Py_XDECREF(shape);
    return tensor;
}

PyObject *tensor_import(const struct adapter *a, void *data, const struct wire_tensor *form)
{
    if (a->exchange) {
        return import_by_table(a->exchange, data, form);
    }
    if (a->from_dlpack) {
        return import_by_capsule(a->from_dlpack, data, form);
    }
    return import_by_memory(a->from_memory, data, form);
}

/* ---- out ---- */

static int refuse(const char *format, long value)
{
    PyErr_Format(PyExc_TypeError, format, value);
    return -1;
}

/* Strides (in units of `unit` bytes; NULL: dense) and sizes into the export's own form. */
static int shape_export(struct export *e, int rank, const int64_t *dim, const int64_t *stride,
                        size_t unit)
{
    size_t bytes = dtypes[e->form.dtype].bytes;
    int64_t step = (int64_t)bytes;
    uint64_t total = bytes;

    if (rank < 0 || rank > WIRE_RANK_MAX) {
        return refuse(WIRE_OUTPUT_HAS "rank %ld", rank);
    }
    e->form.rank = (uint32_t)rank;
    for (int i = rank - 1; i >= 0; i--) {
        e->form.dim[i] = dim[i];
        e->stride[i] = stride ? stride[i] * (int64_t)unit : step;
        step *= dim[i];
        if (dim[i] < 0 || __builtin_mul_overflow(total, (uint64_t)dim[i], &total)) {
            return refuse(WIRE_OUTPUT_HAS "a dim of %ld", (long)dim[i]);
        }
    }
    e->form.size = total;
    return 0;
}

static int export_dl(struct export *e, const struct dl_tensor *t)
{
    if (t->device.type != DL_CPU) {
        return refuse("an output lies on device type %ld", t->device.type);
    }
    e->form.dtype = t->dtype.lanes == 1 ? dtype_find(t->dtype.code, t->dtype.bits / 8u) : 0;
    if (e->form.dtype == WIRE_DTYPE_NONE) {
        return refuse(WIRE_OUTPUT_HAS "DLPack dtype %ld (code * 1000 + bits)",
                      t->dtype.code * 1000L + t->dtype.bits);
    }
    e->data = (const uint8_t *)t->data + t->byte_offset;
    return shape_export(e, t->rank, t->shape, t->strides, dtypes[e->form.dtype].bytes);
}

static unsigned class_of_format(const char *format)
{
    const char *letter = format && strchr("@=<", *format) ? format + 1 : format;

    if (!letter || !letter[0] || letter[1]) {
        return 255;
    }
    return strchr("bhilq", *letter)   ? 0u
           : strchr("BHILQ", *letter) ? 1u
           : strchr("efd", *letter)   ? 2u
           : *letter == '?'           ? 6u
                                      : 255u;
}

static int export_buffer(struct export *e, PyObject *tensor)
{
    Py_buffer *b = &e->buffer;
    int64_t dim[WIRE_RANK_MAX], stride[WIRE_RANK_MAX];

    if (PyObject_GetBuffer(tensor, b, PyBUF_STRIDES | PyBUF_FORMAT)) {
        return -1;
    }
    e->has_buffer = true;
    e->form.dtype = dtype_find(class_of_format(b->format), (unsigned)b->itemsize);
    if (e->form.dtype == WIRE_DTYPE_NONE) {
        PyErr_Format(PyExc_TypeError, WIRE_OUTPUT_HAS "buffer format '%s'", b->format);
        return -1;
    }
    for (int i = 0; i < b->ndim && i < WIRE_RANK_MAX; i++) {
        dim[i] = b->shape[i];
        stride[i] = b->strides[i];
    }
    e->data = b->buf;
    return shape_export(e, b->ndim, dim, stride, 1);
}

/* (memory of its bits, "BF16"): of a dtype that buffers have no format for. */
static int export_named(struct export *e, PyObject *pair)
{
    PyObject *bits = NULL;
    const char *name;

    if (!PyArg_ParseTuple(pair, "Os", &bits, &name) || export_buffer(e, bits)) {
        return -1;
    }
    size_t bytes = dtypes[e->form.dtype].bytes;
    for (int d = 1; d < WIRE_DTYPE_COUNT; d++) {
        if (strcmp(dtypes[d].name, name) == 0 && dtypes[d].bytes == bytes) {
            e->form.dtype = (enum wire_dtype)d;
            return 0;
        }
    }
    PyErr_Format(PyExc_TypeError, "%s has not %zu bytes", name, bytes);
    return -1;
}

static int export_capsule(struct export *e, PyObject *tensor)
{
    e->capsule = PyObject_CallMethod(tensor, "__dlpack__", NULL);
    if (!e->capsule) {
        return -1;
    }
    if (PyCapsule_IsValid(e->capsule, "dltensor_versioned")) {
        struct dl_managed_versioned *m = PyCapsule_GetPointer(e->capsule, "dltensor_versioned");
        return export_dl(e, &m->tensor);
    }
    struct dl_managed *m = PyCapsule_GetPointer(e->capsule, "dltensor");
    return m ? export_dl(e, &m->tensor) : -1;
}

int tensor_export(const struct adapter *a, PyObject *tensor, struct export *e)
{
    memset(e, 0, sizeof *e);
    if (a->exchange) {
        struct dl_tensor t;
        if (a->exchange->borrow(tensor, &t) == 0) {
            return export_dl(e, &t);
        }
        return -1;
    }
    if (PyTuple_Check(tensor)) {
        return export_named(e, tensor);
    }
    if (PyObject_CheckBuffer(tensor) && export_buffer(e, tensor) == 0) {
        return 0;
    }
    /* The buffer protocol knows no bfloat16. */
    if (e->has_buffer || (PyErr_Occurred() && !PyObject_HasAttrString(tensor, "__dlpack__"))) {
        return -1;
    }
    PyErr_Clear();
    return export_capsule(e, tensor);
}

void export_release(struct export *e)
{
    if (e->has_buffer) {
        PyBuffer_Release(&e->buffer);
    }
    Py_XDECREF(e->capsule); /* its destructor frees what nobody consumed */
    e->has_buffer = false;
    e->capsule = NULL;
}

static uint8_t *copy_dim(const struct export *e, uint32_t dim, const uint8_t *from, uint8_t *to)
{
    size_t bytes = dtypes[e->form.dtype].bytes;

    if (dim == e->form.rank) {
        memcpy(to, from, bytes);
        return to + bytes;
    }
    if (dim + 1 == e->form.rank && e->stride[dim] == (int64_t)bytes) {
        memcpy(to, from, bytes * (size_t)e->form.dim[dim]);
        return to + bytes * (size_t)e->form.dim[dim];
    }
    for (int64_t i = 0; i < e->form.dim[dim]; i++) {
        to = copy_dim(e, dim + 1, from + i * e->stride[dim], to);
    }
    return to;
}

static bool is_dense(const struct export *e)
{
    int64_t step = dtypes[e->form.dtype].bytes;

    for (uint32_t i = e->form.rank; i-- > 0;) {
        if (e->form.dim[i] != 1 && e->stride[i] != step) {
            return false;
        }
        step *= e->form.dim[i];
    }
    return true;
}

void export_copy(const struct export *e, uint8_t *to)
{
    if (e->form.size == 0) {
        return;
    }
    if (is_dense(e)) {
        memcpy(to, e->data, e->form.size);
        return;
    }
    copy_dim(e, 0, e->data, to);
}
