/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .npz, numpy's file of named arrays: a zip archive whose members are .npy files. Written members
 * are stored, not compressed, and carry no time, so the same tensors give the same bytes. The
 * reader trusts nothing of a file: every offset and size is checked before use, and a checksum at
 * the end. Formats: PKWARE APPNOTE 6.3 sections 4.3 and 4.4; numpy.lib.format.
 */
#include "spell/spell_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- little-endian fields and the checksum ---- */

static void put_field(struct buffer *b, uint64_t value, size_t size)
{
    buffer_append(b, &value, size);
}

static uint32_t get_field(const uint8_t *at, size_t size)
{
    uint32_t value = 0;
    memcpy(&value, at, size);
    return value;
}

/* CRC-32 of zip (polynomial 0xedb88320, reflected), four bits a step. */
static uint32_t crc32(const void *data, size_t size)
{
    uint32_t table[16], crc = 0xffffffff;
    const uint8_t *bytes = data;

    for (uint32_t i = 0; i < 16; i++) {
        table[i] = i;
        for (int k = 0; k < 4; k++) {
            table[i] = table[i] & 1 ? table[i] >> 1 ^ 0xedb88320 : table[i] >> 1;
        }
    }
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

/* ---- .npy ---- */

/* numpy's code of each dtype, little endian; it has none for bf16, whose bits are written. */
static const char *const descrs[DTYPE_COUNT] = {
    [DTYPE_BOOL] = "|b1", [DTYPE_I8] = "|i1",   [DTYPE_U8] = "|u1",  [DTYPE_I16] = "<i2",
    [DTYPE_U16] = "<u2",  [DTYPE_I32] = "<i4",  [DTYPE_U32] = "<u4", [DTYPE_I64] = "<i8",
    [DTYPE_F16] = "<f2",  [DTYPE_BF16] = "<u2", [DTYPE_F32] = "<f4", [DTYPE_F64] = "<f8",
};

enum { NPY_ALIGN = 64, NPY_PREFIX = 10 }; /* magic, version, header's size */

static void npy_write(const struct tensor *t, struct buffer *b)
{
    struct buffer header = BUFFER_INIT;

    buffer_printf(&header, "{'descr': '%s', 'fortran_order': False, 'shape': (", descrs[t->dtype]);
    for (int d = 0; d < t->shape.rank; d++) {
        bool is_last = d + 1 == t->shape.rank;
        buffer_printf(&header, "%lld%s", (long long)t->shape.dim[d],
                      !is_last ? ", "
                      : d == 0 ? ","
                               : "");
    }
    buffer_puts(&header, "), }");
    while ((NPY_PREFIX + header.size + 1) % NPY_ALIGN != 0) {
        buffer_puts(&header, " ");
    }
    buffer_puts(&header, "\n");
    buffer_append(b, "\x93NUMPY\x01\x00", 8);
    put_field(b, header.size, 2);
    buffer_append(b, header.data, header.size);
    buffer_append(b, t->data, tensor_size(t));
    buffer_release(&header);
}

static bool dtype_of_descr(const char *text, enum dtype *dtype)
{
    if (strncmp(text, "'<V2'", 5) == 0 || strncmp(text, "'|V2'", 5) == 0) {
        *dtype = DTYPE_BF16; /* what numpy writes for ml_dtypes.bfloat16 */
        return true;
    }
    for (enum dtype d = DTYPE_NONE + 1; d < DTYPE_COUNT; d++) {
        bool is_order = text[0] == '\'' && (text[1] == '<' || text[1] == '|' || text[1] == '=');
        if (is_order && d != DTYPE_BF16 && strncmp(text + 2, descrs[d] + 1, 2) == 0 &&
            text[4] == '\'') {
            *dtype = d;
            return true;
        }
    }
    return false;
}

static bool parse_dims(const char *text, struct shape *shape)
{
    char *end;

    *shape = (struct shape){0};
    if (*text++ != '(') {
        return false;
    }
    for (text += strspn(text, " "); *text != ')'; text += strspn(text, " ,")) {
        long long dim = strtoll(text, &end, 10);
        if (end == text || dim < 0 || shape->rank == RANK_MAX) {
            return false;
        }
        shape->dim[shape->rank++] = dim;
        text = end;
    }
    return true;
}

/* What stands behind 'key': in the header; NULL: no such key. */
static const char *header_value(const char *header, const char *key)
{
    const char *at = strstr(header, key);
    return at ? at + strlen(key) + strspn(at + strlen(key), " ") : NULL;
}

struct npy {
    enum dtype dtype;
    struct shape shape;
    bool is_fortran; /* first dim fastest */
    const uint8_t *data;
    size_t size;
};

static enum err npy_parse(const char *what, const uint8_t *bytes, size_t size, struct npy *npy)
{
    char header[512]; /* numpy's has 118 bytes up to rank 6 */
    bool is_npy = size >= NPY_PREFIX && memcmp(bytes, "\x93NUMPY", 6) == 0;
    size_t length_size = is_npy && bytes[6] == 1 ? 2 : 4;
    size_t start = 8 + length_size;

    if (!is_npy || bytes[6] < 1 || bytes[6] > 3 || size < start) {
        return err_set(ERR_INPUT, "%s is no .npy array", what);
    }
    size_t length = get_field(bytes + 8, length_size);
    if (length >= sizeof header || length > size - start) {
        return err_set(ERR_INPUT, "%s: its header of %zu bytes is none numpy writes", what, length);
    }
    memcpy(header, bytes + start, length);
    header[length] = '\0';
    const char *descr = header_value(header, "'descr':");
    const char *order = header_value(header, "'fortran_order':");
    const char *dims = header_value(header, "'shape':");
    if (!descr || !order || !dims || !parse_dims(dims, &npy->shape)) {
        return err_set(ERR_INPUT, "%s: its header is none numpy writes, or its rank is above %d",
                       what, RANK_MAX);
    }
    if (!dtype_of_descr(descr, &npy->dtype)) {
        return err_set(ERR_UNSUPPORTED, "%s: numpy type %.*s has no dtype here", what,
                       (int)strcspn(descr, ","), descr);
    }
    npy->is_fortran = strncmp(order, "True", 4) == 0;
    npy->data = bytes + start + length;
    npy->size = size - start - length;
    size_t n = shape_numel(&npy->shape);
    if (n > npy->size || n * dtype_size(npy->dtype) != npy->size) {
        return err_set(ERR_INPUT, "%s holds %zu bytes of elements, not what its shape needs", what,
                       npy->size);
    }
    return ERR_OK;
}

static struct tensor npy_tensor(const struct npy *npy, struct arena *arena)
{
    struct tensor t = tensor_new(arena, npy->dtype, &npy->shape);
    size_t size = dtype_size(npy->dtype), n = shape_numel(&npy->shape);

    if (!npy->is_fortran) {
        memcpy(t.data, npy->data, npy->size);
    }
    for (size_t i = 0; npy->is_fortran && i < n; i++) {
        size_t at = 0, rest = i, stride = n;
        for (int d = npy->shape.rank - 1; d >= 0; d--) {
            size_t dim = (size_t)npy->shape.dim[d];
            stride /= dim;
            at += rest % dim * stride;
            rest /= dim;
        }
        memcpy((uint8_t *)t.data + i * size, npy->data + at * size, size);
    }
    for (size_t i = 0; npy->dtype == DTYPE_BOOL && i < n; i++) {
        ((uint8_t *)t.data)[i] = ((uint8_t *)t.data)[i] != 0;
    }
    return t;
}

/* ---- zip ---- */

enum {
    LOCAL_SIGNATURE = 0x04034b50,
    CENTRAL_SIGNATURE = 0x02014b50,
    END_SIGNATURE = 0x06054b50,
    LOCAL_SIZE = 30,
    CENTRAL_SIZE = 46,
    END_SIZE = 22,
    COMMENT_MAX = 65535,
    DATE_1980 = 1 << 5 | 1, /* the earliest date zip has: 1 January 1980 */
};

/* The fields that local and central headers share, from "version needed" to "extra length". */
static void put_shared(struct buffer *b, uint32_t crc, size_t size, size_t name_size)
{
    put_field(b, 20, 2); /* version needed */
    put_field(b, 0, 2);  /* flags */
    put_field(b, 0, 2);  /* stored */
    put_field(b, 0, 2);  /* time */
    put_field(b, DATE_1980, 2);
    put_field(b, crc, 4);
    put_field(b, size, 4);
    put_field(b, size, 4);
    put_field(b, name_size, 2);
    put_field(b, 0, 2);
}

static void put_member(const struct named_tensor *item, struct buffer *file,
                       struct buffer *directory)
{
    struct buffer npy = BUFFER_INIT, name = BUFFER_INIT;
    size_t at = file->size;

    npy_write(&item->tensor, &npy);
    buffer_printf(&name, "%s.npy", item->name);
    uint32_t crc = crc32(npy.data, npy.size);
    put_field(file, LOCAL_SIGNATURE, 4);
    put_shared(file, crc, npy.size, name.size);
    buffer_append(file, name.data, name.size);
    buffer_append(file, npy.data, npy.size);

    put_field(directory, CENTRAL_SIGNATURE, 4);
    put_field(directory, 20, 2); /* version made by */
    put_shared(directory, crc, npy.size, name.size);
    put_field(directory, 0, 2); /* comment */
    put_field(directory, 0, 2); /* disk */
    put_field(directory, 0, 2); /* internal attributes */
    put_field(directory, 0, 4); /* external attributes */
    put_field(directory, at, 4);
    buffer_append(directory, name.data, name.size);
    buffer_release(&npy);
    buffer_release(&name);
}

enum err npz_print(const char *path, const struct named_tensor *items, size_t n,
                   struct buffer *file)
{
    struct buffer directory = BUFFER_INIT;
    CHECK(file->size == 0); /* places in it count from its start */

    for (size_t i = 0; i < n; i++) {
        put_member(&items[i], file, &directory);
    }
    size_t at = file->size;
    buffer_append(file, directory.data, directory.size);
    put_field(file, END_SIGNATURE, 4);
    put_field(file, 0, 4); /* disks */
    put_field(file, n, 2);
    put_field(file, n, 2);
    put_field(file, directory.size, 4);
    put_field(file, at, 4);
    put_field(file, 0, 2); /* comment */
    buffer_release(&directory);
    if (n > UINT16_MAX - 1 || file->size >= UINT32_MAX) { /* beyond is another format, zip64 */
        return err_set(ERR_LIMIT, "%s: more than 4 GiB or 65,534 arrays", path);
    }
    return ERR_OK;
}

enum err npz_write(const char *path, const struct named_tensor *items, size_t n)
{
    struct buffer file = BUFFER_INIT;
    enum err err = npz_print(path, items, n, &file);

    if (err == ERR_OK) {
        err = file_write(path, file.data, file.size);
    }
    buffer_release(&file);
    return err;
}

struct archive {
    const char *path;
    const uint8_t *bytes;
    size_t size;
};

static bool inside(const struct archive *a, size_t at, size_t size)
{
    return at <= a->size && size <= a->size - at;
}

static enum err broken(const struct archive *a)
{
    return err_set(ERR_INPUT, "%s is no whole .npz file (zip of .npy arrays)", a->path);
}

/* The bytes of the member that the directory entry at `at` names; NULL: *err says why not. */
static const uint8_t *find_member(const struct archive *a, const uint8_t *entry, const char *name,
                                  size_t *size, enum err *err)
{
    uint32_t method = get_field(entry + 10, 2);
    uint32_t packed = get_field(entry + 20, 4), local = get_field(entry + 42, 4);

    *size = get_field(entry + 24, 4);
    if (method != 0 || (get_field(entry + 8, 2) & 1) != 0) {
        *err = err_set(ERR_UNSUPPORTED, "%s: %s is compressed or encrypted; save with numpy.savez",
                       a->path, name);
        return NULL;
    }
    if (packed == UINT32_MAX || local == UINT32_MAX) {
        *err = err_set(ERR_UNSUPPORTED, "%s: %s is larger than 4 GiB", a->path, name);
        return NULL;
    }
    if (packed == *size && inside(a, local, LOCAL_SIZE) &&
        get_field(a->bytes + local, 4) == LOCAL_SIGNATURE) {
        size_t start = (size_t)local + LOCAL_SIZE + get_field(a->bytes + local + 26, 2) +
                       get_field(a->bytes + local + 28, 2);
        if (inside(a, start, *size)) {
            return a->bytes + start;
        }
    }
    *err = broken(a);
    return NULL;
}

static enum err read_member(const struct archive *a, const uint8_t *entry, const char *name,
                            struct arena *arena, struct named_tensor *item)
{
    size_t size, length = strlen(name);
    enum err err = ERR_OK;
    struct npy npy = {0};
    const uint8_t *bytes = find_member(a, entry, name, &size, &err);

    if (!bytes) {
        return err;
    }
    if (length > 4 && strcmp(name + length - 4, ".npy") == 0) {
        length -= 4;
    }
    item->name = arena_printf(arena, "%.*s", (int)length, name);
    TRY(npy_parse(arena_printf(arena, "%s: %s", a->path, item->name), bytes, size, &npy));
    CHECK(npy.data);
    item->tensor = npy_tensor(&npy, arena);
    if (crc32(bytes, size) != get_field(entry + 16, 4)) {
        return err_set(ERR_INPUT, "%s: the checksum of %s does not match; copy it again", a->path,
                       name);
    }
    return ERR_OK;
}

static const uint8_t *find_end(const struct archive *a)
{
    for (size_t back = END_SIZE; back <= a->size && back <= END_SIZE + COMMENT_MAX; back++) {
        const uint8_t *end = a->bytes + a->size - back;
        if (get_field(end, 4) == END_SIGNATURE && get_field(end + 20, 2) == back - END_SIZE) {
            return end;
        }
    }
    return NULL;
}

enum err npz_parse(const char *path, const void *data, size_t size, struct arena *arena,
                   struct named_tensor **items, size_t *n)
{
    struct archive a = {path, data, size};
    const uint8_t *end = find_end(&a);

    if (!end) {
        return broken(&a);
    }
    size_t count = get_field(end + 10, 2), at = get_field(end + 16, 4);
    if (count > size / CENTRAL_SIZE) {
        return broken(&a);
    }
    struct named_tensor *found = ARENA_ARRAY(arena, struct named_tensor, count);
    for (size_t i = 0; i < count; i++) {
        if (!inside(&a, at, CENTRAL_SIZE) || get_field(a.bytes + at, 4) != CENTRAL_SIGNATURE) {
            return broken(&a);
        }
        const uint8_t *entry = a.bytes + at;
        size_t name_size = get_field(entry + 28, 2);
        if (!inside(&a, at + CENTRAL_SIZE, name_size)) {
            return broken(&a);
        }
        char *name =
            arena_printf(arena, "%.*s", (int)name_size, (const char *)entry + CENTRAL_SIZE);
        TRY(read_member(&a, entry, name, arena, &found[i]));
        at += CENTRAL_SIZE + name_size + get_field(entry + 30, 2) + get_field(entry + 32, 2);
    }
    *items = found;
    *n = count;
    return ERR_OK;
}

enum err npz_read(const char *path, struct arena *arena, struct named_tensor **items, size_t *n)
{
    struct buffer file = BUFFER_INIT;
    enum err err = file_read(path, 0, &file);

    if (err == ERR_OK) {
        err = npz_parse(path, file.data, file.size, arena, items, n);
    }
    buffer_release(&file);
    return err;
}

/* ---- a program's inputs ---- */

static enum err take_input(const char *path, const struct named_tensor *items, size_t n,
                           const struct value *v, struct tensor *input)
{
    for (size_t i = 0; i < n; i++) {
        const struct tensor *t = &items[i].tensor;
        if (strcmp(items[i].name, v->name) != 0) {
            continue;
        }
        bool is_bits = t->dtype == DTYPE_U16 && v->dtype == DTYPE_BF16;
        if ((t->dtype != v->dtype && !is_bits) || !shape_equal(&t->shape, &v->shape)) {
            struct buffer shapes = BUFFER_INIT;
            shape_print(&t->shape, &shapes);
            buffer_printf(&shapes, ", not %s", dtype_name(v->dtype));
            shape_print(&v->shape, &shapes);
            enum err err = err_set(ERR_INPUT, "%s: input '%s' is %s%s", path, v->name,
                                   dtype_name(t->dtype), shapes.data);
            buffer_release(&shapes);
            return err;
        }
        *input = *t;
        input->dtype = v->dtype;
        return ERR_OK;
    }
    return err_set(ERR_INPUT, "%s has no input '%s'", path, v->name);
}

enum err npz_inputs(const char *path, const struct named_tensor *items, size_t n,
                    const struct program *p, struct tensor *inputs)
{
    for (uint32_t k = 0; k < program_n_inputs(p); k++) {
        TRY(take_input(path, items, n, &p->values[program_input(p, k)], &inputs[k]));
    }
    return ERR_OK;
}
