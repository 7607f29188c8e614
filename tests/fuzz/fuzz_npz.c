/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What npz_parse makes of any bytes; tensors that it gives are read to the last element.
 */
#include <stdlib.h>

#include "spell/spell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct named_tensor *items;
    size_t n;
    uint64_t sum = 0;

    if (npz_parse("input", data, size, arena, &items, &n) == ERR_OK) {
        for (size_t i = 0; i < n; i++) {
            sum = tensor_hash(&items[i].tensor, hash_text(items[i].name, sum));
        }
    }
    arena_free(arena);
    return sum == 1 ? -1 : 0; /* uses the sum; -1 only keeps an input out of the corpus */
}
