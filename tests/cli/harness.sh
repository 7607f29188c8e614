# SPDX-License-Identifier: Apache-2.0
# For tests of the program as people run it; sourced by tests/cli/*.sh. Speaks TAP.
#
#   . "${0%/*}/harness.sh"
#   run opjury frob           standard output and error to files, status to $status
#   status_is 2 'a name'      each assertion is a test
#   err_is 'a name' <<'EOF'   exact text; out_is likewise
#   out_has 'a name' 'part'   err_has likewise; out_lacks, err_lacks
#   done_testing              the plan, and clean-up
#
# The working directory is an empty one that is removed at the end. opjury is the built program.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
OPJURY=${OPJURY:-$root/build/opjury}
[ -x "$OPJURY" ] || { echo "Bail out! $OPJURY is not built"; exit 2; }
unset NO_COLOR
export LC_ALL=C.UTF-8
export OPJURY_CONFIG=none # whatever this machine has beside the usual libraries
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/in" && cd "$work/in" || exit 2
n=0
n_failed=0
status=0

opjury() { "$OPJURY" "$@"; }

run() {
    "$@" >"$work/out" 2>"$work/err"
    status=$?
}

# exact_policy LINE...: a policy of ops whose results are exact: fast, and no rounding to judge.
exact_policy() {
    printf 'name = exact\nop.* = 0\n'
    for op in neg relu floor less where clip reduce_max arg_max transpose reshape concat gather; do
        echo "op.$op = 10"
    done
    printf '%s\n' "$@"
}

# verdict OK NAME: one TAP line; what the last run printed goes along with a failure.
verdict() {
    n=$((n + 1))
    if [ "$1" = 0 ]; then
        echo "ok $n - $2"
        return
    fi
    n_failed=$((n_failed + 1))
    sed -n '1,15s/^/# stdout: /p' "$work/out"
    sed -n '1,15s/^/# stderr: /p' "$work/err"
    echo "# status: $status"
    echo "not ok $n - $2"
}

status_is() {
    [ "$status" = "$1" ]
    verdict $? "$2"
}

same() {
    cat >"$work/expected"
    if diff -u "$work/expected" "$work/$1" >"$work/diff"; then
        verdict 0 "$2"
    else
        sed 's/^/# /' "$work/diff"
        verdict 1 "$2"
    fi
}
out_is() { same out "$1"; }
err_is() { same err "$1"; }

has() {
    grep -qF -e "$3" "$work/$1"
    verdict $? "$2"
}
out_has() { has out "$1" "$2"; }
err_has() { has err "$1" "$2"; }

lacks() {
    ! grep -qF -e "$3" "$work/$1"
    verdict $? "$2"
}
out_lacks() { lacks out "$1" "$2"; }
err_lacks() { lacks err "$1" "$2"; }

# passes NAME COMMAND...: any other condition.
passes() {
    name=$1
    shift
    "$@"
    verdict $? "$name"
}

done_testing() {
    echo "1..$n"
    [ $n_failed = 0 ]
    exit $?
}
