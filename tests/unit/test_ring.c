/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target: the memory shared with a worker. What a worker wrote is taken only where it holds
 * together, and a job that has no room there is refused before it is sent.
 */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "target/target_internal.h"

enum { SEQ = 3, RUNS = 2 };

struct fixture {
    struct arena *arena;
    struct ring ring;
};

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){.arena = arena_new(), .ring = RING_NONE};
    assert_int_equal(ring_open(&f.ring, WIRE_SLOTS_MAX), ERR_OK);
    ring_begin(&f.ring, SEQ, SEQ + 1, 0, 1, 0);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    ring_close(&f->ring);
    arena_free(f->arena);
    return 0;
}

/* ---- results ---- */

/* The area of the second run, behind those of all jobs. */
static uint8_t *result_area(const struct fixture *f)
{
    const struct wire_ring *h = ring_header(&f->ring);
    return f->ring.map + WIRE_HEADER_SIZE + WIRE_SLOTS_MAX * h->job_size + SEQ * h->result_size +
           h->result_size / RUNS / 64 * 64;
}

static uint64_t share(const struct fixture *f)
{
    return ring_header(&f->ring)->result_size / RUNS / 64 * 64;
}

enum { TABLE_AT = 256, TEXT_AT = 512, DATA_AT = 1024 };

/* A worker's answer: one output f32[2,3] and a message. */
static struct wire_tensor *answer(const struct fixture *f, struct wire_result **result)
{
    static const float elements[] = {1, 2, 3, 4, 5, 6};
    static const uint8_t text[] = {'a', 1, 0xff, 'b', '\n'};
    uint8_t *area = result_area(f);
    struct wire_tensor *t = (void *)(area + TABLE_AT);
    *result = (void *)area;
    **result = (struct wire_result){.seq = SEQ + 1,
                                    .status = WIRE_OK,
                                    .phase = WIRE_RUN,
                                    .n_outputs = 1,
                                    .outputs_at = TABLE_AT,
                                    .cpu_ns = 1500000000,
                                    .message = {TEXT_AT, 5}};
    *t = (struct wire_tensor){
        .dtype = WIRE_F32, .rank = 2, .dim = {2, 3}, .at = DATA_AT, .size = sizeof elements};
    memcpy(area + TEXT_AT, text, sizeof text);
    memcpy(area + DATA_AT, elements, sizeof elements);
    return t;
}

static bool read_answer(const struct fixture *f, struct outcome *o, const char **why)
{
    *o = (struct outcome){0};
    return ring_read_result(&f->ring, SEQ, 1, RUNS, f->arena, o, why);
}

static void test_an_answer_is_read(void **state)
{
    const struct fixture *f = *state;
    struct wire_result *result;
    struct outcome o;
    const char *why = NULL;
    answer(f, &result);
    assert_true(read_answer(f, &o, &why));
    memset(result_area(f), 0xA5, DATA_AT + 64); /* it is a copy */
    assert_int_equal(o.kind, OUTCOME_OK);
    assert_true(o.cpu == 1.5);
    assert_int_equal(o.n_outputs, 1);
    assert_int_equal(o.outputs[0].dtype, DTYPE_F32);
    assert_int_equal(o.outputs[0].shape.rank, 2);
    assert_int_equal(o.outputs[0].shape.dim[1], 3);
    assert_true(((const float *)o.outputs[0].data)[5] == 6);
    assert_string_equal(o.message, "a??b\n"); /* what is no text is not passed on */

    struct wire_tensor *t = answer(f, &result);
    t->dim[0] = 0; /* of a tensor without elements the other dims may be anything */
    t->dim[1] = INT64_MAX;
    t->size = 0;
    assert_true(read_answer(f, &o, &why));
    assert_int_equal(o.outputs[0].shape.dim[1], INT64_MAX);

    answer(f, &result);
    result->status = WIRE_RAISED;
    result->phase = WIRE_LOAD;
    result->n_outputs = UINT32_MAX; /* nobody looks */
    assert_true(read_answer(f, &o, &why));
    assert_int_equal(o.kind, OUTCOME_ERROR);
    assert_string_equal(o.phase, "load");
    assert_int_equal(o.n_outputs, 0);
}

/* Headers that all name the same elements would have them copied as often. */
static void test_outputs_do_not_overlap(void **state)
{
    enum { MANY = 3 };
    const struct fixture *f = *state;
    struct wire_result *result;
    struct outcome o;
    const char *why = NULL;
    uint64_t half = share(f) / 2 / sizeof(float);
    struct wire_tensor *t = answer(f, &result);
    for (int i = 0; i < MANY; i++) {
        t[i] = (struct wire_tensor){.dtype = WIRE_F32,
                                    .rank = 1,
                                    .dim = {(int64_t)half},
                                    .at = 0,
                                    .size = half * sizeof(float)};
    }
    result->n_outputs = 2;
    assert_true(read_answer(f, &o, &why));
    result->n_outputs = MANY;
    assert_false(read_answer(f, &o, &why));
}

/* One field of an answer that is right, and what it says instead. */
struct wrong {
    size_t at, size;
    uint64_t value;
};
#define RESULT(field, value)                                                                       \
    {offsetof(struct wire_result, field), sizeof(((struct wire_result *)0)->field), value}
#define TENSOR(field, value)                                                                       \
    {TABLE_AT + offsetof(struct wire_tensor, field), sizeof(((struct wire_tensor *)0)->field),     \
     value}

static void test_nonsense_is_refused(void **state)
{
    const struct fixture *f = *state;
    const uint64_t end = share(f);
    const struct wrong wrong[] = {
        RESULT(status, 0),
        RESULT(status, WIRE_BROKEN + 1),
        RESULT(n_outputs, WIRE_TENSORS_MAX + 1),
        RESULT(outputs_at, end - 8),
        RESULT(outputs_at, UINT32_MAX),
        RESULT(message.size, WIRE_TEXT_MAX + 1),
        RESULT(message.at, end - 4),
        RESULT(log.at, UINT32_MAX),
        TENSOR(dtype, WIRE_DTYPE_NONE),
        TENSOR(dtype, WIRE_DTYPE_COUNT),
        TENSOR(rank, WIRE_RANK_MAX + 1),
        TENSOR(dim[0], (uint64_t)-2),
        TENSOR(size, 23),
        TENSOR(at, end - 23),
        TENSOR(at, UINT64_MAX - 8),
    };
    struct wire_result *result;
    struct outcome o;
    const char *why = NULL;
    for (size_t k = 0; k < ARRAY_SIZE(wrong); k++) {
        answer(f, &result);
        memcpy(result_area(f) + wrong[k].at, &wrong[k].value, wrong[k].size);
        if (read_answer(f, &o, &why)) {
            fail_msg("answer %zu is taken", k);
        }
        assert_non_null(strstr(why, "do not hold together"));
    }
    answer(f, &result);
    result->status = WIRE_RAISED;
    result->phase = WIRE_IDLE;
    assert_false(read_answer(f, &o, &why));
    /* 2^62 elements of 4 bytes are 0 bytes in 64 bits */
    struct wire_tensor *t = answer(f, &result);
    t->dim[0] = t->dim[1] = INT64_C(1) << 31;
    t->size = 0;
    assert_false(read_answer(f, &o, &why));
    answer(f, &result);
    result->seq = SEQ; /* of an older job */
    assert_false(read_answer(f, &o, &why));
    assert_string_equal(why, "the worker passed over a run");
}

static void test_the_last_byte_may_be_used(void **state)
{
    const struct fixture *f = *state;
    struct wire_result *result;
    struct outcome o;
    const char *why;
    struct wire_tensor *t = answer(f, &result);
    t->at = share(f) - t->size;
    assert_true(read_answer(f, &o, &why));
    result->message = (struct wire_text){(uint32_t)share(f) - 5, 5};
    assert_true(read_answer(f, &o, &why));
}

/* A worker that still had the file could not take the memory away. */
static void test_the_size_is_sealed(void **state)
{
    const struct fixture *f = *state;
    assert_int_equal(ftruncate(f->ring.fd[WIRE_FD_MEMORY], WIRE_HEADER_SIZE), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(f->ring.fd[WIRE_FD_MEMORY], (off_t)f->ring.size + 1), -1);
}

/* ---- the crash record ---- */

static void test_crash_records(void **state)
{
    const struct fixture *f = *state;
    struct wire_crash *crash = &ring_header(&f->ring)->crash;
    struct outcome o = {0};
    crash->valid = 2;
    crash->n_frames = 2;
    memset(crash->frame[0], 'f', WIRE_FRAME_SIZE); /* no end */
    strcpy(crash->frame[1], "main");
    memset(crash->modules, 'm', WIRE_MODULES_SIZE);
    ring_read_crash(&f->ring, f->arena, &o);
    assert_int_equal(o.n_frames, 2);
    assert_int_equal(strlen(o.frames[0]), WIRE_FRAME_SIZE);
    assert_string_equal(o.frames[1], "main");
    assert_int_equal(strlen(o.modules), WIRE_MODULES_SIZE);

    static const struct {
        uint32_t valid, n_frames;
    } wrong[] = {{0, 2}, {3, 2}, {2, WIRE_FRAMES_MAX + 1}};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        o = (struct outcome){0};
        crash->valid = wrong[i].valid;
        crash->n_frames = wrong[i].n_frames;
        ring_read_crash(&f->ring, f->arena, &o);
        assert_int_equal(o.n_frames, 0);
        assert_null(o.modules);
    }
}

/* ---- jobs ---- */

static struct test *make_test(struct arena *arena, uint32_t n_inputs, int64_t each)
{
    struct test *test = ARENA_ZARRAY(arena, struct test, 1);
    const struct shape shape = {.rank = 1, .dim = {each}};
    struct program *p = program_new(arena);
    for (uint32_t i = 0; i < n_inputs; i++) {
        program_add_input(p, NULL, DTYPE_U8, &shape);
    }
    test->program = p;
    test->n_inputs = n_inputs;
    test->inputs = ARENA_ARRAY(arena, struct tensor, n_inputs);
    for (uint32_t i = 0; i < n_inputs; i++) {
        test->inputs[i] = tensor_new(arena, DTYPE_U8, &shape);
    }
    return test;
}

static enum err put(const struct fixture *f, const struct test *test, size_t program_size)
{
    struct buffer program = BUFFER_INIT;
    buffer_reserve(&program, program_size);
    memset(program.data, 'p', program_size);
    program.size = program_size;
    const struct job job = {.test = test, .program = &program, .n_runs = 1, .options = {"option"}};
    enum err err = ring_put_job(&f->ring, SEQ, &job);
    buffer_release(&program);
    return err;
}

static void test_jobs_beyond_the_ring(void **state)
{
    const struct fixture *f = *state;
    const size_t room = ring_header(&f->ring)->job_size;
    assert_int_equal(put(f, make_test(f->arena, WIRE_TENSORS_MAX, 4), 100), ERR_OK);
    assert_int_equal(put(f, make_test(f->arena, WIRE_TENSORS_MAX + 1, 4), 100), ERR_LIMIT);
    assert_non_null(strstr(err_text(), "4097 inputs and constants; a worker takes 4096"));

    const struct test *one = make_test(f->arena, 1, 16);
    assert_int_equal(put(f, one, room / 2), ERR_OK);
    assert_int_equal(put(f, one, room), ERR_LIMIT);
    assert_non_null(strstr(err_text(), "the program has"));

    assert_int_equal(put(f, make_test(f->arena, 1, (int64_t)(room / 2)), room / 4), ERR_OK);
    assert_int_equal(put(f, make_test(f->arena, 2, (int64_t)(room / 2)), room / 4), ERR_LIMIT);
    assert_non_null(strstr(err_text(), "tensors are larger than"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_an_answer_is_read),   TEST(test_outputs_do_not_overlap),
        TEST(test_nonsense_is_refused), TEST(test_the_last_byte_may_be_used),
        TEST(test_crash_records),       TEST(test_jobs_beyond_the_ring),
        TEST(test_the_size_is_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
