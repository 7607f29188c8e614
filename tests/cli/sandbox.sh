# SPDX-License-Identifier: Apache-2.0
# The sandbox of workers as users meet it: what is said of it, on systems that have all of it and on
# others, and for other users than root. tests/unit/test_target_sandbox.c holds what it refuses.
. "${0%/*}/harness.sh"
unset OPJURY_SANDBOX
without=$root/${OPJURY_BUILD:-build}/tests/fault/without

cat >echo.txt <<'EOF2'
x: f32[2,3] = input
output x
EOF2
: >key
export OPJURY_SELFTEST="$PWD" OPJURY_SELFTEST_ENGINE=$$

if ! OPJURY_SANDBOX=require "$OPJURY" targets --python python3 >/dev/null 2>&1; then
    echo "1..0 # SKIP this system has no sandbox: $("$OPJURY" targets 2>&1 | grep -F sandbox)"
    exit 0
fi

python3 -m venv --without-pip bare
run opjury targets --python bare
out_has 'targets: the sandbox' 'workers are confined: Landlock '
run opjury targets --python bare --json
out_has 'targets --json: the sandbox' '"sandbox":"workers are confined: Landlock '
run opjury targets --python bare --sandbox off
out_has 'targets: none' 'workers are not confined: --sandbox=off'

run opjury run echo.txt --target selftest:echo --sandbox require
status_is 0 'required, and there: status'
err_is 'required, and there: nothing to say' </dev/null
run opjury run echo.txt --target selftest:echo --sandbox maybe
status_is 2 'an unknown mode: status'
err_has 'an unknown mode: what there is' "is require, on or off, not 'maybe'"
OPJURY_SANDBOX=maybe run opjury run echo.txt --target selftest:echo
status_is 2 'an unknown mode in the environment: status'
run opjury show --sandbox on
status_is 2 'a command that runs no library has no such option'

# Systems that lack it: one line, and all goes on; or nothing does.
for part in landlock seccomp landlock,seccomp; do
    run "$without" "$part" "$OPJURY" run echo.txt --target selftest:echo
    status_is 0 "without $part: status"
    err_has "without $part: said" 'workers are not fully confined: this system has n'
    passes "without $part: one line" [ "$(wc -l <"$work/err")" = 1 ]
    run "$without" "$part" "$OPJURY" run echo.txt --target selftest:echo --sandbox require
    status_is 2 "without $part, required: status"
    err_has "without $part, required: said" '--sandbox=require: this system has n'
    run "$without" "$part" "$OPJURY" run echo.txt --target selftest:echo --sandbox off
    err_is "without $part, off: nothing to say" </dev/null
    run "$without" "$part" "$OPJURY" targets --python bare
    out_has "without $part: targets" 'workers are not fully confined: this system has n'
done

# Without Landlock a worker of root is still another user.
mkdir theirs
if [ "$(id -u)" = 0 ]; then
    for mode in on off; do
        run env OPJURY_SELFTEST="$PWD/theirs" "$without" landlock "$OPJURY" run echo.txt \
            --target selftest:write-outside --sandbox $mode
        [ $mode = off ] || out_has 'without landlock, root: files of others' 'Permission denied'
    done
    passes 'without any, root: files of others' [ -e theirs/new ]
fi

# Nothing stays behind, whatever ends first; what does anyhow goes with the next start.
mkdir tmp
export TMPDIR="$PWD/tmp"
run opjury run echo.txt --target selftest:segv
passes 'the scratch folder goes' [ -z "$(ls tmp)" ]
"$OPJURY" run echo.txt --target selftest:sleep >/dev/null 2>&1 &
engine=$!
for _ in $(seq 50); do
    [ -z "$(ls tmp)" ] || [ ! -d tmp/opjury-workers-*/worker-0 ] || break
    sleep 0.1
done
passes 'the scratch folder is there' [ -d tmp/opjury-workers-*/worker-0 ]
kill -9 $engine
wait $engine 2>/dev/null
for _ in $(seq 50); do
    [ -n "$(ls tmp)" ] || break
    sleep 0.1
done
passes 'the scratch folder goes when the engine is killed' [ -z "$(ls tmp)" ]
mkdir tmp/opjury-workers-123456 tmp/opjury-other
run opjury run echo.txt --target selftest:echo
passes 'leftovers go, and nothing else' [ "$(ls tmp)" = opjury-other ]
TMPDIR=$PWD/nowhere run opjury run echo.txt --target selftest:echo
status_is 2 'no place for scratch folders: status'
err_has 'no place for scratch folders: named' "$PWD/nowhere"
unset TMPDIR

# Another user than root, who owns less but is confined alike. Their environment is in their home, which
# is on Python's path as a whole; so is what must not be read.
as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
tests=$root/${OPJURY_BUILD:-build}/tests/unit/test_target_sandbox
theirs=/usr/bin/python3
if [ "$(id -u)" = 0 ] && [ -x "$tests" ] &&
    as_nobody "$theirs" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    own=$(mktemp -d)
    mkdir "$own/home"
    cp -r "${OPJURY%/*}/python" "$tests" "$own"
    chown 65534:65534 "$own/home"
    chmod 755 "$own"
    as_nobody "$theirs" -m venv --without-pip "$own/home/env"
    run as_nobody env HOME="$own/home" TMPDIR="$own/home" OPJURY_CACHE="$own/home/cache" \
        PYTHONPATH="$own/home" OPJURY_PYTHON="$own/home/env" "$own/test_target_sandbox"
    status_is 0 'as nobody: all is refused and all is there'
    rm -rf "$own"
fi

done_testing
