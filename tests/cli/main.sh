# SPDX-License-Identifier: Apache-2.0
# The program without any command's work: help, unknown words, output that cannot be written.
. "${0%/*}/harness.sh"

run opjury --version
status_is 0 'version: status'
out_is 'version: text' <<'END'
opjury 0.1.0
END

run opjury --help
status_is 0 'help: status'
out_has 'help: what it is' 'finds bugs in deep-learning libraries'
out_has 'help: examples' 'opjury fuzz --time 60s'
out_has 'help: exit status' 'Exit status: 0 nothing found, 1 new findings, 2 wrong use'
cp "$work/out" help
passes 'help: fits 80 columns' sh -c '! grep -q "^.\{81\}" help'
run opjury -h
passes 'help: -h says the same' cmp -s help "$work/out"
run opjury help
passes 'help: and so does help' cmp -s help "$work/out"

run opjury
status_is 2 'no command: status'
passes 'no command: the help, on stderr' cmp -s help "$work/err"

# well_wrapped FILE: no line is beyond 79 columns, and in a paragraph none ends, far from the margin,
# before a word that it has room for; and no item of a list goes on at the margin.
well_wrapped() {
    awk '
        length($0) > 79 { bad = 1; print "too long: " $0 }
        NR > 3 && last ~ /^[^ ]/ && /^[^ ]/ && length(last) + 1 + length($1) < 76 {
            bad = 1
            print "broken early: " last
        }
        NR > 3 && last ~ /^ / && /^[a-z-]/ {
            bad = 1
            print "broken out of a list: " $0
        }
        { last = $0 }
        END { exit bad }' "$1"
}
printf '%s\n' Usage Summary '' 'A test is a function of seed, index and policy: with the same three' \
    'runs' 'it. In text each begins with a line.' >broken
ill_wrapped() { ! well_wrapped "$1" >"$work/out"; }
passes 'a line broken early is seen' ill_wrapped broken
printf '%s\n' Usage Summary '' '  wontfix   it will stay, as those say who' 'maintain it' >broken
passes 'an item of a list that goes on at the margin is seen' ill_wrapped broken

# Every command of the list explains itself.
for command in $(sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' help); do
    run opjury "$command" --help
    status_is 0 "$command --help: status"
    out_has "$command --help: usage" "Usage: opjury $command"
    cp "$work/out" one
    passes "$command --help: is well wrapped" well_wrapped one
    run opjury help "$command"
    passes "help $command says the same" cmp -s one "$work/out"
    run opjury "$command" --no-such-option
    status_is 2 "$command with a wrong option: status"
    err_has "$command with a wrong option: says it" "opjury $command: unrecognized option '--no-such-option'"
    run opjury "$command" --hel
    status_is 0 "$command: options may be cut short"
done

run opjury fuz
status_is 2 'near miss: status'
err_is 'near miss: suggests' <<'END'
opjury: there is no command 'fuz'; did you mean 'fuzz'?
END
run opjury make-coffee
status_is 2 'unknown command: status'
err_is 'unknown command: points to the help' <<'END'
opjury: there is no command 'make-coffee'; `opjury --help` lists them
END
run opjury help make-coffee
status_is 2 'help for an unknown command: status'

run sh -c '"$1" --help >/dev/full' sh "$OPJURY"
status_is 2 'full disk: status'
err_is 'full disk: says it' <<'END'
opjury: cannot write to standard output: No space left on device
END
run sh -c '"$1" --version >&-' sh "$OPJURY"
passes 'closed output: ends by itself' [ "$status" -le 2 ]
# gone STATUS COMMAND...: its reader takes nothing and goes; then that status, and not a word.
gone() {
    "$root/.venv/bin/python" - "$work/err" "$OPJURY" "$@" <<'END' >"$work/out"
import os, subprocess, sys
ends = os.pipe()
os.close(ends[0])
print(subprocess.run(sys.argv[2:3] + sys.argv[4:], stdout=ends[1], stderr=open(sys.argv[1], "w")).returncode)
END
    out_is "its reader is gone: $2: status" <<END
$1
END
    passes "its reader is gone: $2: nothing is said" [ ! -s "$work/err" ]
}
gone 0 --help
gone 0 known
run sh -c '"$1" known >/dev/full' sh "$OPJURY"
status_is 2 'full disk, a command: status'
err_is 'full disk, a command: says it once' <<'END'
opjury: cannot write to standard output: No space left on device
END

done_testing
