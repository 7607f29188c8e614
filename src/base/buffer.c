/* SPDX-License-Identifier: Apache-2.0 */
/* Growing bytes: capacity at least doubles, and the byte behind `size` is always NUL, so that the
 * data of a non-empty buffer is a C string too. */
#include "base/base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_release(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer)BUFFER_INIT;
}

void buffer_clear(struct buffer *buffer)
{
    buffer->size = 0;
    if (buffer->data) {
        buffer->data[0] = '\0';
    }
}

void buffer_reserve(struct buffer *buffer, size_t more)
{
    CHECK(more < SIZE_MAX / 4 && buffer->size < SIZE_MAX / 4);
    size_t need = buffer->size + more + 1;
    if (need <= buffer->capacity) {
        return;
    }
    size_t capacity = buffer->capacity * 2;
    if (capacity < 256) {
        capacity = 256;
    }
    if (capacity < need) {
        capacity = need;
    }
    buffer->data = xrealloc(buffer->data, capacity);
    buffer->capacity = capacity;
}

void buffer_append(struct buffer *buffer, const void *data, size_t size)
{
    buffer_reserve(buffer, size);
    if (size) {
        memcpy(buffer->data + buffer->size, data, size);
    }
    buffer->size += size;
    buffer->data[buffer->size] = '\0';
}

void buffer_puts(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    int cause = errno;
    buffer_reserve(buffer, 64);
    for (;;) {
        size_t room = buffer->capacity - buffer->size;
        va_list args;
        va_start(args, format);
        errno = cause;
        int n = vsnprintf(buffer->data + buffer->size, room, format, args);
        va_end(args);
        CHECK(n >= 0);
        if ((size_t)n < room) {
            buffer->size += (size_t)n;
            return;
        }
        buffer_reserve(buffer, (size_t)n);
    }
}

char *buffer_detach(struct buffer *buffer, size_t *size)
{
    buffer_reserve(buffer, 0);
    char *data = buffer->data;
    data[buffer->size] = '\0';
    if (size) {
        *size = buffer->size;
    }
    *buffer = (struct buffer)BUFFER_INIT;
    return data;
}
