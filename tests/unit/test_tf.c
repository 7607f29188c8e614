/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How TensorFlow says programs, without the library: all ops have a form; what it has in another
 * way is said by calls around it. What the library makes of them is for tests/long/tensorflow.sh.
 */
#include "unit.h"

#include "spell/spell.h"
#include "spell_fixture.h"

static enum err source_of(struct arena *arena, const char *text, struct buffer *source)
{
    struct plan *plan;
    enum err err = calls_plan(&tf_calls, parse(arena, text), arena, &plan);

    if (!err) {
        plan_print_python(plan, source);
    }
    return err;
}

static void every_op_has_a_form(void **state)
{
    for (size_t i = 0; i < op_count; i++) {
        if (!calls_can_spell(&tf_calls, op_table[i])) {
            fail_msg("%s has none", op_table[i]->name);
        }
    }
}

static void calls_around(void **state)
{
    static const struct {
        const char *text, *calls;
    } cases[] = {
        {"x: f32[2] = input\ny: f32[2] = add(x, x)\noutput y\n", "    y = tf.add(x, x)\n"},
        {"x: i32[2] = input\ny: i32[2] = div(x, x)\noutput y\n", "    y = tf.truncatediv(x, x)\n"},
        {"x: i8[2] = input\ny: i8[2] = clip(x, min=-100.0, max=5.0)\noutput y\n",
         "    y = tf.clip_by_value(x, -100, 5)\n"},
        /* Channels last, a filter of its own order; half floats are added to in single precision.
         */
        {"x: f16[1,1,2] = input\nw: f16[1,1,1] = input\n"
         "y: f16[1,1,2] = conv1d(x, w, strides=[1], dilations=[1], pads=[0,0], group=1)\noutput "
         "y\n",
         "    y_wide = tf.cast(x, tf.float32)\n    y_wide_2 = tf.cast(w, tf.float32)\n"
         "    y_last = tf.transpose(y_wide, [0, 2, 1])\n"
         "    y_filter = tf.transpose(y_wide_2, [2, 1, 0])\n"
         "    y_whole = tf.nn.conv1d(y_last, y_filter, stride=1, padding=\"VALID\", dilations=1)\n"
         "    y_wide_3 = tf.transpose(y_whole, [0, 2, 1])\n"
         "    y = tf.cast(y_wide_3, tf.float16)\n"},
        /* Indices count from 0 up: a constant that does needs nothing. */
        {"x: f32[3] = input\ni: i64[1] = const [2]\ny: f32[1] = gather(x, i, axis=0)\noutput y\n",
         "    y = tf.gather(x, i, axis=0)\n"},
        {"x: f32[3] = input\ni: i64[1] = const [-1]\ny: f32[1] = gather(x, i, axis=0)\noutput y\n",
         "    y_below = tf.less(i, 0)\n    y_moved = tf.add(i, 3)\n"
         "    y_index = tf.where(y_below, y_moved, i)\n    y = tf.gather(x, y_index, axis=0)\n"},
        {"x: f32[2] = input\ny: f32[5] = pad(x, mode=\"constant\", pads=[1,2], value=0.0)\noutput "
         "y\n",
         "    y = tf.pad(x, ((1, 2),), mode=\"CONSTANT\", constant_values=0.0)\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arena *arena = arena_new();
        struct buffer source = BUFFER_INIT;
        assert_int_equal(source_of(arena, cases[i].text, &source), ERR_OK);
        const char *calls = strchr(source.data, '\n') + 1;
        const char *end = strstr(calls, "    return");
        assert_string_equal(arena_printf(arena, "%.*s", (int)(end - calls), calls), cases[i].calls);
        buffer_release(&source);
        arena_free(arena);
    }
}

/* What its calls cannot give is refused, and what is near it is not. */
static void refusals(void **state)
{
    static const struct {
        const char *text;
        enum err err;
    } cases[] = {
        {"x: i32[2] = input\nn: i32[2] = const [2, -1]\ny: i32[2] = pow(x, n)\noutput y\n",
         ERR_UNSUPPORTED},
        {"x: i32[2] = input\nn: i32[2] = const [2, 0]\ny: i32[2] = pow(x, n)\noutput y\n", ERR_OK},
        {"x: f32[1,2,1,2,1,2] = input\nz: f32[2,1,2,1,2,1] = input\n"
         "y: f32[2,2,2,2,2,2] = add(x, z)\noutput y\n",
         ERR_UNSUPPORTED},
        {"x: f32[2,2,1,2,1,2] = input\nz: f32[2,1,2,1,2,1] = input\n"
         "y: f32[2,2,2,2,2,2] = add(x, z)\noutput y\n",
         ERR_UNSUPPORTED},
        {"x: f32[2,2,2,2,1,2] = input\nz: f32[2,1,2,1,2,1] = input\n"
         "y: f32[2,2,2,2,2,2] = add(x, z)\noutput y\n",
         ERR_UNSUPPORTED},
        {"x: f32[2,2,2,2,2,2] = input\nz: f32[2,2,2,1,2,1] = input\n"
         "y: f32[2,2,2,2,2,2] = add(x, z)\noutput y\n",
         ERR_OK},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arena *arena = arena_new();
        struct buffer source = BUFFER_INIT;
        assert_int_equal(source_of(arena, cases[i].text, &source), cases[i].err);
        buffer_release(&source);
        arena_free(arena);
    }
}

/* Constants of a graph are in its function. */
static void short_script_of_a_graph(void **state)
{
    struct arena *arena = arena_new();
    const struct program *p =
        parse(arena, "x: f32[1] = input\nw: f32[1] = const [2]\ny: f32[1] = mul(x, w)\noutput y\n");
    struct tensor one = tensor_new(arena, DTYPE_F32, &p->values[program_input(p, 0)].shape);
    struct tensor bound = tensor_new(arena, DTYPE_F64, &one.shape);
    struct buffer source = BUFFER_INIT;
    const struct script script = {.library = "tensorflow",
                                  .setup = "xla,disable=remapping",
                                  .disabled = "remapping",
                                  .program = p,
                                  .inputs = &one,
                                  .expected = &one,
                                  .bound = &bound};
    must(script_write_short(&script, &(struct script_claim){.kind = CLAIM_VALUE}, &source));
    assert_non_null(strstr(source.data, "def program(x):\n    w = tf.constant([2], tf.float32)\n"));
    assert_non_null(strstr(source.data, "jit_compile=True)(program)(x)"));
    assert_non_null(strstr(source.data, "set_experimental_options({\"remapping\": False})"));
    buffer_release(&source);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_op_has_a_form),
        cmocka_unit_test(calls_around),
        cmocka_unit_test(refusals),
        cmocka_unit_test(short_script_of_a_graph),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
