/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which way each element moves in a sample. All of a value at a time, in loops that hold no more
 * than they need: this is most of what a bound costs beside the evaluations.
 */
#include "oracle/sampler.h"

#include <math.h>

/* Elements of the node's largest input or output. */
static size_t most_elements(const struct program *p, const struct node *node)
{
    size_t most = 0;
    for (uint32_t i = 0; i < node->n_in + node->n_out; i++) {
        uint32_t id = i < node->n_in ? node->in[i] : node->out[i - node->n_in];
        size_t n = id == VALUE_ABSENT ? 0 : shape_numel(&p->values[id].shape);
        most = n > most ? n : most;
    }
    return most;
}

/* Of any two elements less than CODES apart some way differs, and of others nearly always; no
 * period, for rows of any length come. */
static void shuffle_codes(struct sampler *s, uint32_t all[1 << CODE_BITS])
{
    for (uint32_t i = 0; i < 1 << CODE_BITS; i++) {
        all[i] = i;
    }
    rng_shuffle(&s->rng, all, 1 << CODE_BITS);
    s->node_seed = rng_next(&s->rng);
}

void skip_codes(struct sampler *s)
{
    uint32_t all[1 << CODE_BITS];
    shuffle_codes(s, all);
}

void draw_codes(struct sampler *s, const struct node *node)
{
    size_t n = most_elements(s->p, node);
    uint32_t all[1 << CODE_BITS];
    shuffle_codes(s, all);
    s->code = arena_alloc(s->scratch, n);
    for (size_t start = 0; start < n; start += CODES) {
        uint32_t turned = (uint32_t)(hash_mix(start / CODES, s->node_seed) >> (64 - CODE_BITS));
        for (size_t i = 0; i < CODES && start + i < n; i++) {
            s->code[start + i] = (uint8_t)(all[i] ^ turned);
        }
    }
}

/* Which way it has moved so far; 0: not, or to infinity. */
static inline float way_gone(real v, real declared)
{
    real away = v - declared;
    return away > 0 && away < INFINITY ? 1 : away < 0 && away > -INFINITY ? -1 : 0;
}

static void go_on(const struct array *a, const real *declared, float first, float *way)
{
    for (size_t i = 0; i < a->n; i++) {
        float gone = declared ? way_gone(a->v[i], declared[i]) : 0;
        way[i] = gone != 0 ? gone : first;
    }
}

static void turn_back(const struct array *a, const real *declared, uint64_t seed, float *way)
{
    for (size_t i = 0; i < a->n; i++) {
        float gone = declared ? way_gone(a->v[i], declared[i]) : 0;
        way[i] = gone != 0 ? -gone : hash_mix(i, seed) >> 63 ? 1 : -1;
    }
}

/* Without a jump, which would be mispredicted. */
static void go_by_code(const struct array *a, const uint8_t *code, unsigned bit, float *way)
{
    for (size_t i = 0; i < a->n; i++) {
        way[i] = (float)((code[i] >> bit & 1) * 2 - 1);
    }
}

static void go_by_value(const struct array *a, const real *size, uint64_t seed, float *way)
{
    static const float ways[4] = {-0.5F, -1, 0.5F, 1};
    for (size_t i = 0; i < a->n; i++) {
        const double value = (double)a->v[i];
        way[i] = size[i] != 0 ? ways[hash_bytes(&value, sizeof(value), seed) >> 62] : 0;
    }
}

const float *draw_ways(struct sampler *s, unsigned k, const struct array *a, const real *declared,
                       const real *size)
{
    unsigned sample = k - s->first_sample;
    float *way = ARENA_ARRAY(s->scratch, float, a->n);
    if (sample < 2) {
        go_on(a, declared, sample == 0 ? 1 : -1, way);
    } else if (sample < 2 + CODE_BITS) {
        go_by_code(a, s->code, sample - 2, way);
    } else if (sample < 4 + CODE_BITS) {
        turn_back(a, declared, s->node_seed + sample - 2 - CODE_BITS, way);
    } else {
        go_by_value(a, size, s->node_seed + sample - 2 - CODE_BITS, way);
    }
    return way;
}

/* v and its error, and one step of the smallest subnormals, where roundings are absolute; those do
 * not cross zero. Far from them a real does not hold the step. */
static inline real perturbed(real v, real way, real noise, real tiny)
{
    real w = v + way * noise;
    if (fabsl(w) > tiny * 0x1p66L) {
        return w;
    }
    real t = w + way * tiny;
    return (t < 0) != (w < 0) ? 0 : t;
}

void move_results(struct sampler *s, unsigned k, const struct array *out, const real *declared,
                  const real *noise, real *moved)
{
    const float *way = draw_ways(s, k, out, declared, noise);
    real tiny = dtype_tiny(out->dtype);
    for (size_t i = 0; i < out->n; i++) {
        real v = out->v[i];
        moved[i] = noise[i] == 0 ? v : perturbed(v, way[i], noise[i], tiny);
    }
}
