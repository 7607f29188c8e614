# SPDX-License-Identifier: Apache-2.0
# Workers as users meet them: nothing outlives a killed engine, and a process that cannot be had is
# one clear line. Only an interpreter is needed, no library.
. "${0%/*}/harness.sh"

cat >echo.txt <<'EOF'
x: f32[2,3] = input
output x
EOF

# Does a process live whose environment has the tag?
alive() { grep -qszx "OPJURY_TAG=$1" /proc/[0-9]*/environ; }

# all_gone TAG: within 2 seconds.
all_gone() {
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        alive "$1" || return 0
        sleep 0.2
    done
    false
}

# Engines killed at many moments: while the interpreter starts, while workers run, sleep or spin.
i=0
for delay in 0.01 0.03 0.06 0.1 0.2 0.4 0.8; do
    for action in spin sleep; do
        i=$((i + 1))
        tag=$$.$i
        OPJURY_TAG=$tag "$OPJURY" run echo.txt --target selftest:child --target "selftest:$action" \
            >/dev/null 2>&1 &
        engine=$!
        sleep "$delay"
        kill -9 "$engine"
        wait "$engine" 2>/dev/null
        passes "engine killed after $delay s, worker at $action: nothing is left" all_gone "$tag"
    done
done

# While a worker starts processes that start processes.
tag=$$.bomb
OPJURY_TAG=$tag "$OPJURY" run echo.txt --target selftest:fork-bomb >/dev/null 2>&1 &
engine=$!
sleep 1.5
kill -9 "$engine"
wait "$engine" 2>/dev/null
passes 'engine killed under a fork bomb: nothing is left' all_gone "$tag"

# Crashes and limits as the command tells them.
run opjury run echo.txt --target selftest:segv
status_is 1 'a crash is a finding'
out_has 'a crash: the signal by name' 'SIGSEGV'
run opjury run echo.txt --target selftest:exit
status_is 1 'an exit inside a run is a finding'
out_has 'an exit: its status' 'ended with status 0'
run opjury run echo.txt --target selftest:echo
status_is 0 'an innocent library passes'

# What the system refuses inside the interpreter: fork in the zygote, memory and sends anywhere.
nth=$root/${OPJURY_BUILD:-build}/tests/fault/nth.so
for fault in fork:1+ mmap:1+ mmap:9+ open:1+ read:1+ write:1+ write:2 write:2+; do
    run env OPJURY_TAG="$$.$fault" LD_PRELOAD="$nth" OPJURY_FAULT="$fault" \
        OPJURY_FAULT_PROGRAM=python "$OPJURY" run echo.txt --target selftest:echo
    passes "$fault fails in the worker: status 0 or 2" [ $((status % 2)) = 0 ]
    passes "$fault fails in the worker: one line at most" [ "$(wc -l <"$work/err")" -le 1 ]
    passes "$fault fails in the worker: nothing is left" all_gone "$$.$fault"
done

done_testing
