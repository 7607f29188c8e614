/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash: writes the signal and the native frames of a dying worker into the shared page, so that
 * the engine can name the place without a debugger. The handler runs on an alternate stack (a stack
 * overflow is a crash like others) and then lets the signal kill the process as it would have.
 */
#include "opjury/worker.h"

#include <elf.h>
#include <execinfo.h>
#include <link.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>

enum {
    /* dladdr and the unwinder take some 20 KiB. */
    ALTERNATE_STACK = 128 * 1024,
    /* Frames of this handler and of the kernel's trampoline at most. */
    OWN_FRAMES = 4,
    /* A lock held by the crashed code may stop dladdr: the record is then left incomplete. The time
     * runs on while the handler waits for a core. */
    HANDLER_SECONDS = 10,
};

static const int crash_signals[] = {SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGILL, SIGTRAP, SIGSYS};

/* A signal handler has no argument to carry them. */
static struct wire_crash *crash_record;
static struct sigaction previous[NSIG]; /* Python's, which writes where its code is to stderr */
static const struct fence *run_fence;   /* the tensors of the run under way: where they lie, */
static uint32_t run_first, run_inputs;  /* its first place there, and how many are inputs */

static size_t put_text_in(char *to, size_t size, size_t at, const char *text)
{
    for (; *text && at + 1 < size; text++, at++) {
        to[at] = *text;
        to[at + 1] = '\0';
    }
    return at;
}

static size_t put_text(char *to, size_t at, const char *text)
{
    return put_text_in(to, WIRE_FRAME_SIZE, at, text);
}

static size_t put_hex(char *to, size_t at, uintptr_t value)
{
    char digits[2 * sizeof value + 1];
    size_t n = sizeof digits - 1;

    digits[n] = '\0';
    do {
        digits[--n] = "0123456789abcdef"[value & 15];
        value >>= 4;
    } while (value);
    return put_text(to, at, digits + n);
}

static size_t put_number(char *to, size_t at, uint64_t value)
{
    char digits[24];
    size_t n = sizeof digits - 1;

    digits[n] = '\0';
    do {
        digits[--n] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    return put_text(to, at, digits + n);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* "symbol"; where the library exports no name for the place, "module+0xfunction+0xoffset", the
 * function being where the unwind table says that it begins, or "module+0xoffset". The address is
 * that of the fault or behind a call, which may be the last thing in its function. */
static void name_frame(char *to, const void *address, bool is_fault)
{
    struct place place;

    to[0] = '\0';
    if (!symbols_find(address, &place)) {
        put_hex(to, put_text(to, 0, "0x"), (uintptr_t)address);
        return;
    }
    if (place.symbol) {
        put_text(to, 0, place.symbol);
        return;
    }
    size_t at = put_text(to, 0, base_name(place.path));
    at = put_text(to, at, "+0x");
    void *function = _Unwind_FindEnclosingFunction((char *)(uintptr_t)address + is_fault);
    if (function) {
        at = put_hex(to, at, (uintptr_t)function - (uintptr_t)place.base);
        at = put_text(to, at, "+0x");
    }
    put_hex(to, at, (uintptr_t)address - (uintptr_t)(function ? function : place.base));
}

/* Frames of this extension and of what called it are the same for every run. */
static bool is_ours(const void *address)
{
    struct place place, own;

    return symbols_find(address, &place) && symbols_find((void *)&crash_record, &own) &&
           place.base == own.base;
}

/* ---- build ids ---- */

/* Of the note among these that holds a build id: its bytes. NULL: there is none. */
static const uint8_t *find_build_id(const uint8_t *notes, size_t size, size_t *n)
{
    static const char owner[4] = "GNU";

    for (size_t at = 0; at + sizeof(ElfW(Nhdr)) <= size;) {
        const ElfW(Nhdr) *note = (const void *)(notes + at);
        size_t name = at + sizeof *note;
        size_t bytes = name + ((note->n_namesz + 3u) & ~3u);
        if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == sizeof owner &&
            bytes + note->n_descsz <= size && !memcmp(notes + name, owner, sizeof owner)) {
            *n = note->n_descsz;
            return notes + bytes;
        }
        at = bytes + ((note->n_descsz + 3u) & ~3u);
    }
    return NULL;
}

/* "module: 0123abcd..." as it is linked in; an offset into a stripped file says nothing without. */
static size_t put_module(char *to, size_t size, size_t at, const struct place *place)
{
    const uint8_t *base = place->base;
    const ElfW(Ehdr) *file = (const void *)base;
    const ElfW(Phdr) *parts = (const void *)(base + file->e_phoff);

    for (unsigned i = 0; i < file->e_phnum; i++) {
        size_t n = 0;
        const uint8_t *id = parts[i].p_type == PT_NOTE
                                ? find_build_id(base + parts[i].p_vaddr, parts[i].p_memsz, &n)
                                : NULL;
        if (!id || at + strlen(base_name(place->path)) + 2 * n + 4 > size) {
            continue;
        }
        at = put_text_in(to, size, at, base_name(place->path));
        at = put_text_in(to, size, at, ": ");
        for (size_t k = 0; k < n; k++) {
            const char digits[] = {"0123456789abcdef"[id[k] >> 4], "0123456789abcdef"[id[k] & 15],
                                   '\0'};
            at = put_text_in(to, size, at, digits);
        }
        return put_text_in(to, size, at, "\n");
    }
    return at;
}

/* Of the modules whose frames have no names. */
static void record_modules(struct wire_crash *record, void *const *frames, int n)
{
    size_t at = 0;
    const void *seen[4];
    size_t n_seen = 0;

    record->modules[0] = '\0';
    for (int i = 0; i < n && n_seen < sizeof seen / sizeof *seen; i++) {
        struct place place;
        bool is_new = symbols_find(frames[i], &place) && !place.symbol;
        for (size_t k = 0; k < n_seen; k++) {
            is_new = is_new && seen[k] != place.base;
        }
        if (is_new) {
            seen[n_seen++] = place.base;
            at = put_module(record->modules, sizeof record->modules, at, &place);
        }
    }
}

static void record_frames(struct wire_crash *record)
{
    void *frames[WIRE_FRAMES_MAX + OWN_FRAMES];
    int n = backtrace(frames, WIRE_FRAMES_MAX + OWN_FRAMES);
    int first = 0;

    /* Innermost lie this handler's frames, then the kernel's trampoline in libc, then the fault. */
    while (first < n && is_ours(frames[first])) {
        first++;
    }
    for (int i = first + 1; i < n && record->n_frames < WIRE_FRAMES_MAX; i++) {
        if (is_ours(frames[i])) {
            break;
        }
        name_frame(record->frame[record->n_frames], frames[i], i == first + 1);
        record->n_frames++;
    }
    record_modules(record, frames + first + 1, (int)record->n_frames);
}

/* "16 bytes behind the end of input 0", where the address lies beside or in a tensor. */
static void record_place(struct wire_crash *record)
{
    uint32_t index;
    int64_t outside;
    char *to = record->place;

    to[0] = '\0';
    if (!run_fence || !fence_find(run_fence, (const void *)record->address, &index, &outside) ||
        index < run_first) {
        return;
    }
    size_t at = 0;
    if (outside != 0) {
        at = put_number(to, at, (uint64_t)(outside < 0 ? -outside : outside - 1));
        at = put_text(to, at, outside < 0 ? " bytes before " : " bytes behind the end of ");
    } else {
        at = put_text(to, at, "inside ");
    }
    index -= run_first;
    at = put_text(to, at, index < run_inputs ? "input " : "constant ");
    put_number(to, at, index < run_inputs ? index : index - run_inputs);
}

void crash_watch(const struct fence *fence, uint32_t first, uint32_t n_inputs)
{
    run_fence = fence;
    run_first = first;
    run_inputs = n_inputs;
}

static void on_crash(int number, siginfo_t *info, void *context)
{
    struct wire_crash *record = crash_record;

    signal(number, SIG_DFL);
    signal(SIGALRM, SIG_DFL);
    alarm(HANDLER_SECONDS);
    if (__atomic_exchange_n(&record->valid, 1, __ATOMIC_SEQ_CST) == 0) {
        record->signal = number;
        record->code = info->si_code;
        record->address = (uintptr_t)info->si_addr;
        record->n_frames = 0;
        record_place(record);
        record_frames(record);
        __atomic_store_n(&record->valid, 2, __ATOMIC_SEQ_CST);
    }
    /* A fault comes again when we return; what was sent (abort, kill) must be sent again. */
    sigaction(number, &previous[number], NULL);
    raise(number);
}

bool crash_install(struct wire_crash *record)
{
    void *prime[2];
    stack_t stack = {.ss_size = ALTERNATE_STACK};
    struct sigaction action = {.sa_sigaction = on_crash,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

    crash_record = record;
    backtrace(prime, 2); /* loads the unwinder now, not in the handler */
    stack.ss_sp =
        mmap(NULL, ALTERNATE_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack.ss_sp == MAP_FAILED || sigaltstack(&stack, NULL)) {
        return false;
    }
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof crash_signals / sizeof crash_signals[0]; i++) {
        if (sigaction(crash_signals[i], &action, &previous[crash_signals[i]])) {
            return false;
        }
    }
    return true;
}
