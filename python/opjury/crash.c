/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash: writes the signal and the native frames of a dying worker into the shared page, so that
 * the engine can name the place without a debugger. The handler runs on an alternate stack (a stack
 * overflow is a crash like others) and then lets the signal kill the process as it would have.
 */
#include "opjury/worker.h"

#include <dlfcn.h>
#include <execinfo.h>
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

/* A signal handler has no argument to carry it. */
static struct wire_crash *crash_record;

static const int crash_signals[] = {SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGILL, SIGTRAP, SIGSYS};

static size_t put_text(char *to, size_t at, const char *text)
{
    while (*text && at + 1 < WIRE_FRAME_SIZE) {
        to[at++] = *text++;
    }
    to[at] = '\0';
    return at;
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

/* "symbol"; where the library exports no name for the place, "module+0xfunction+0xoffset", the
 * function being where the unwind table says that it begins, or "module+0xoffset". The address is
 * that of the fault or behind a call, which may be the last thing in its function. */
static void name_frame(char *to, void *address, bool is_fault)
{
    Dl_info info;

    if (!dladdr(address, &info) || !info.dli_fname) {
        put_hex(to, put_text(to, 0, "0x"), (uintptr_t)address);
        return;
    }
    if (info.dli_sname) {
        put_text(to, 0, info.dli_sname);
        return;
    }
    const char *slash = strrchr(info.dli_fname, '/');
    size_t at = put_text(to, 0, slash ? slash + 1 : info.dli_fname);
    at = put_text(to, at, "+0x");
    void *function = _Unwind_FindEnclosingFunction((char *)address + is_fault);
    if (function) {
        at = put_hex(to, at, (uintptr_t)function - (uintptr_t)info.dli_fbase);
        at = put_text(to, at, "+0x");
    }
    put_hex(to, at, (uintptr_t)address - (uintptr_t)(function ? function : info.dli_fbase));
}

/* Frames of this extension and of what called it are the same for every run. */
static bool is_ours(void *address)
{
    Dl_info info, own;

    return dladdr(address, &info) && dladdr((void *)&crash_record, &own) &&
           info.dli_fbase == own.dli_fbase;
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
        record_frames(record);
        __atomic_store_n(&record->valid, 2, __ATOMIC_SEQ_CST);
    }
    /* A fault comes again when we return; what was sent (abort, kill) must be sent again. */
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
        if (sigaction(crash_signals[i], &action, NULL)) {
            return false;
        }
    }
    return true;
}
