/* SPDX-License-Identifier: Apache-2.0 */
/*
 * environment: what a worker has of whoever calls us. Of the variables those by which programs find
 * what they need and libraries choose; tokens and keys stay here, whatever their names begin with.
 * And the sandbox, which is asked for by a variable too, so that all that a command starts has it.
 */
#include "target/target_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "opjury/sandbox.h"

/* One core a worker: thread pools would be lost by fork and only slow small programs down. The
 * hash seed is fixed so that two workers iterate over sets alike. ONNX Runtime's telemetry (1.31
 * has it in the Linux wheel) starts a thread at import and would report our sessions. Fresh memory
 * is filled (glibc, mallopt(3) M_PERTURB; the byte makes -0.37 of f32, -1.7 of f16, -66 of i8), or
 * an output that no kernel writes would be zeros here and something else there: ONNX Runtime's
 * MatMul by a vector with K = 0 was right in every fresh process. Costs 7 % of a campaign's CPU.
 */
static const char *const fixed[][2] = {
    {"OMP_NUM_THREADS", "1"},  {"MKL_NUM_THREADS", "1"},  {"OPENBLAS_NUM_THREADS", "1"},
    {"PYTHONHASHSEED", "0"},   {"PYTHONUNBUFFERED", "1"}, {"ORT_DISABLE_TELEMETRY", "1"},
    {"MALLOC_PERTURB_", "65"},
};

/* With a '*' it is how names begin. Of oneDNN both its names, of OpenMP those of GNU and LLVM.
 * Where a library has variables that say what is loaded too, they are no choices. */
static const char *const choices[] = {
    "ATEN_CPU_CAPABILITY",
    "DNNL_*",
    "GOMP_*",
    "KMP_*",
    "MALLOC_PERTURB_",
    "MKL_*",
    "OMP_*",
    "ONEDNN_*",
    "ORT_*",
    "OPENBLAS_*",
    "TORCH_*",
    "TORCHDYNAMO_*",
    "XLA_*",
    "JAX_*",
    "TORCHINDUCTOR_*",
};
static const char *const needed[] = {
    /* people, places, the loader, compilers, Python */
    "PATH",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TZ",
    "USER",
    "LOGNAME",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "LIBRARY_PATH",
    "CPATH",
    "C_INCLUDE_PATH",
    "CPLUS_INCLUDE_PATH",
    "COMPILER_PATH",
    "GCC_EXEC_PREFIX",
    "CC",
    "CXX",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONUSERBASE",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "GLIBC_TUNABLES",
    "MALLOC_*",
    "ASAN_OPTIONS",
    "LSAN_OPTIONS",
    "UBSAN_OPTIONS",
    "MSAN_OPTIONS",
    "TSAN_OPTIONS",
    "OPJURY_*",
    /* libraries and accelerators */
    "ATEN_*",
    "PYTORCH_*",
    "TF_*",
    "TVM_*",
    "OPENVINO_*",
    "OV_*",
    "TBB_*",
    "CUDA_*",
    "CUDNN_*",
    "CUBLAS_*",
    "NVIDIA_*",
    "NCCL_*",
    "HIP_*",
    "HSA_*",
    "ROCR_*",
    "ROCM_*",
    "MIOPEN_*",
    "OCL_*",
    "IREE_*",
    "NCNN_*",
};
/* Whose variable it is does not tell what somebody keeps in it. */
static const char *const secrets[] = {"KEY", "PASSWORD", "PASSWD", "SECRET", "TOKEN", "CREDENTIAL"};

const char *worker_variable(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
        if (strcmp(fixed[i][0], name) == 0) {
            return fixed[i][1];
        }
    }
    return NULL;
}

static bool is_in(const char *name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t size = strcspn(list[i], "*");
        bool is_beginning = list[i][size] == '*';
        if (strncmp(name, list[i], size) == 0 && (name[size] != '\0') == is_beginning) {
            return true;
        }
    }
    return false;
}

enum variable_use variable_use(const char *name)
{
    if (name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] != '\0') {
        return VARIABLE_OTHER;
    }
    for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
        if (strstr(name, secrets[i]) != NULL) {
            return VARIABLE_OTHER;
        }
    }
    if (is_in(name, choices, ARRAY_SIZE(choices))) {
        return VARIABLE_CHOICE;
    }
    return is_in(name, needed, ARRAY_SIZE(needed)) ? VARIABLE_WORKER : VARIABLE_OTHER;
}

char **worker_environment(const char *cache, const char *scratch, struct arena *arena)
{
    const char *home = getenv("HOME");
    size_t n = ARRAY_SIZE(fixed) + 5, used = 0;

    for (char **v = environ; v && *v; v++) {
        n++;
    }
    char **list = ARENA_ZARRAY(arena, char *, n);
    for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
        list[used++] = arena_printf(arena, "%s=%s", fixed[i][0], fixed[i][1]);
    }
    list[used++] = arena_printf(arena, "OPJURY_SCRATCH=%s", scratch);
    if (cache) { /* as found: an adapter need not look for it */
        list[used++] = arena_printf(arena, "OPJURY_CACHE=%s", cache);
    }
    if (home) { /* theirs is a scratch folder; what Python has below ours it finds so */
        list[used++] = arena_printf(arena, "OPJURY_HOME=%s", home);
    }
    if (home && !getenv("PYTHONUSERBASE")) {
        list[used++] = arena_printf(arena, "PYTHONUSERBASE=%s/.local", home);
    }
    for (char **v = environ; v && *v; v++) {
        const char *name = arena_printf(arena, "%.*s", (int)strcspn(*v, "="), *v);
        bool is_ours = worker_variable(name) || strcmp(name, "OPJURY_SCRATCH") == 0 ||
                       (cache && strcmp(name, "OPJURY_CACHE") == 0) ||
                       strcmp(name, "OPJURY_HOME") == 0;
        if (!is_ours && variable_use(name) != VARIABLE_OTHER) {
            list[used++] = *v;
        }
    }
    return list;
}

/* ---- the sandbox ---- */

static const char not_confined[] = "workers are not fully confined: ";

enum err sandbox_check(void)
{
    const char *wanted = getenv("OPJURY_SANDBOX");
    struct sandbox s;

    if (!wanted || !*wanted) {
        wanted = "on";
    }
    bool is_required = strcmp(wanted, "require") == 0;
    if (strcmp(wanted, "off") == 0) {
        return ERR_OK;
    }
    if (!is_required && strcmp(wanted, "on") != 0) {
        return err_set(ERR_USAGE, "--sandbox (or $OPJURY_SANDBOX) is require, on or off, not '%s'",
                       wanted);
    }
    sandbox_init(&s);
    const char *lacks = sandbox_lacks(&s);
    if (lacks && is_required) {
        return err_set(ERR_MISSING, "--sandbox=require: %s", lacks);
    }
    if (lacks) {
        log_warn("%s%s", not_confined, lacks);
    }
    return ERR_OK;
}

const char *sandbox_text(struct arena *arena)
{
    const char *wanted = getenv("OPJURY_SANDBOX");
    struct sandbox s;

    if (wanted && strcmp(wanted, "off") == 0) {
        return "workers are not confined: --sandbox=off";
    }
    sandbox_init(&s);
    const char *lacks = sandbox_lacks(&s);
    return lacks ? arena_printf(arena, "%s%s", not_confined, lacks)
                 : arena_printf(arena, "workers are confined: Landlock %d, seccomp", s.landlock);
}
