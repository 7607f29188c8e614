# SPDX-License-Identifier: Apache-2.0
# The live line of `opjury fuzz` and `opjury reduce` on a terminal: written over, never wider than the terminal, gone at the end.
. "${0%/*}/harness.sh"

exact_policy 'nodes = 5' >exact.policy
cat >on-terminal.py <<'END'
import fcntl, os, pty, struct, subprocess, sys, termios
columns, *command = sys.argv[1:]
ours, theirs = pty.openpty()
fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, int(columns), 0, 0))
with open("stdout", "wb") as out:
    run = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=theirs)
os.close(theirs)
seen = b""
while True:
    try:
        part = os.read(ours, 65536)
    except OSError:  # the other end is closed
        break
    if not part:
        break
    seen += part
sys.stdout.buffer.write(seen)
sys.exit(run.wait())
END
watch() { run python3 on-terminal.py "$1" "$OPJURY" fuzz --policy exact.policy --target faulty:none --time 3s --out "$2"; }
# live_lines TEST: a Python expression over the texts of the live line, in the order of time.
live_lines() {
    python3 - "$work/out" "$1" <<'END'
import re, sys
text = open(sys.argv[1], newline="").read()
lines = [part for part in text.split("\r\033[K")[1:]]
sys.exit(0 if eval(sys.argv[2]) else f"{sys.argv[2]} is false for {lines}")
END
}

watch 30 narrow
status_is 0 'narrow: status'
passes 'narrow: there is a live line' live_lines 'len(lines) >= 2 and " tests" in lines[0]'
passes 'narrow: it fits' live_lines 'all(len(line) < 30 for line in lines[:-1])'
passes 'narrow: it is wiped' live_lines '"workers restarted" not in lines[-1]'
watch 300 wide
passes 'wide: all of it' live_lines '"workers restarted" in lines[0] and "pass " in lines[0]'
passes 'the summary is not on the terminal' grep -q 'tests' stdout
run opjury fuzz --policy exact.policy --target faulty:none --time 3s --out plain
err_lacks 'no terminal: nothing is written over' "$(printf '\033')"

# A reduction shows how far it is.
opjury fuzz --policy exact.policy --target faulty:negate.relu --tests 60 --known none --out found >/dev/null 2>&1
id=$(opjury show --out found | awk '$2 == "new" {print $1; exit}')
folder=$(echo found/findings/"$id"-*)
cp "$folder/original.txt" "$folder/program.txt" && cp "$folder/original.npz" "$folder/inputs.npz"
run python3 on-terminal.py 80 "$OPJURY" reduce "$id" --out found
status_is 0 'reduce: status'
passes 'reduce: ops, elements and runs so far' live_lines 'len(lines) >= 2 and all(
    re.fullmatch(r"(1 op|\d+ ops), \d+ elements, \d+ runs", line) for line in lines[:-1])'
passes 'reduce: it is wiped' live_lines '" runs" not in lines[-1]'
done_testing
