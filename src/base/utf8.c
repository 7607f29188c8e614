/* SPDX-License-Identifier: Apache-2.0 */
/* Text that others wrote: which of its bytes are characters. */
#include "base/base.h"

size_t utf8_length(const void *bytes, size_t n)
{
    const uint8_t *s = bytes;
    size_t length = s[0] < 0x80 ? 1 : s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    if (length == 0 || length > n || s[0] > 0xF4) {
        return 0;
    }
    uint32_t code = length == 1 ? s[0] : s[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
        code = code << 6 | (s[i] & 0x3F);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    return code >= least[length] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF) ? length
                                                                                         : 0;
}
