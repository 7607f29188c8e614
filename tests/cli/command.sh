# SPDX-License-Identifier: Apache-2.0
# The target command: the example of its document, and programs that misbehave. Nothing that they start or write stays.
. "${0%/*}/harness.sh"

python=${OPJURY_PYTHON:-$root/.venv/bin/python}
export TMPDIR="$work/tmp"
mkdir "$TMPDIR"
printf 'x0: f32[3] = input\nv0: f32[3] = relu(x0)\nv1: bf16[3] = cast(v0, to=bf16)\noutput v0\noutput v1\n' >two.txt
printf 'x0: f32[3] = input\nv0: f32[3] = neg(x0)\noutput v0\n' >neg.txt

# ---- the document's own example ----

awk '/^```python/ {is = 1; next} /^```/ {is = 0} is' "$root/docs/command.md" >vendor.py
chmod +x vendor.py
cat >opjury.yaml <<END
commands:
  - name: vendor
    run: [$python, ./vendor.py]
    version: "1.0"
    dtypes: [f32, i64, bool]
  - name: old
    run: [$python, ./vendor.py]
    opset: 13
    ops: [relu]
  - name: some
    run: [./vendor.py, "{model}"]
  - name: future
    run: [$python]
    opset: 99
END
unset OPJURY_CONFIG
if "$python" -c 'import onnxruntime' 2>/dev/null; then
    run opjury fuzz --target command:vendor --nodes 3 --tests 12 --json --out vendor
    passes 'the example: status' [ "$status" -le 1 ]
    passes 'the example: nearly all is judged' python3 -c '
import json, sys
o = json.load(open(sys.argv[1]))
assert o["verdicts"]["pass"] >= 8 and o["verdicts"]["finding"] == 0, o
assert o["library_cpu_share"] > 0.5, o
' "$work/out"
    run opjury run two.txt --target command:vendor
    out_has 'a dtype that it does not take: unsupported' 'takes no such operator or dtype'
    run opjury run neg.txt --target command:old
    out_has 'an operator that it does not take: unsupported' 'takes no such operator or dtype'
    run opjury targets --support command:old
    out_has 'what it takes' 'relu         f32  -> f32'
    out_has 'what it does not' 'neg          not at all'
fi

# ---- programs of one line, each in a shell ----

# program NAME LINES: ./NAME, which gets model, inputs and outputs as $1 to $3; right for a relu of one node.
program() {
    { printf '#!/bin/sh\nif ! grep -q Neg "$1"; then exit 77; fi\n'; cat; } >"$1"
    chmod +x "$1"
}
# ends NAME VERDICT TEXT: what a run of neg.txt comes to.
ends() {
    run opjury run neg.txt --target "command:./$1"
    out_has "$1: verdict" "$2"
    out_has "$1: said" "$3"
}
cat >answer.py <<'END'
import sys
import struct, zipfile
kind, outputs = sys.argv[1:]
def npy(shape, data, descr="<f4"):
    head = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode()
    head += b" " * (117 - len(head)) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data
arrays = {"shape": ("v0", npy((1, 3), bytes(12))), "dtype": ("v0", npy((3,), bytes(24), "<f8")),
          "name": ("v9", npy((3,), bytes(12))), "value": ("v0", npy((3,), b"\0\0\x80?" * 3)),
          "short": ("v0", npy((3,), bytes(4)))}
name, data = arrays[kind]
with zipfile.ZipFile(outputs, "w") as archive:
    archive.writestr(name + ".npy", data)
END
program lacks <<'END'
echo 'no kernel for this' >&2; exit 77
END
ends lacks unsupported 'no kernel for this'
program refuses <<'END'
echo 'pass 7: cannot lower'; echo "error: in $1" >&2; exit 3
END
ends refuses finding 'run refused a valid program: error: in ./model.onnx'
program dies <<'END'
echo 'about to die' >&2; kill -SEGV $$
END
ends dies finding 'SIGSEGV'
program silent <<'END'
exit 0
END
ends silent finding 'wrote no file of outputs'
program garbage <<'END'
head -c 5000 /dev/urandom >"$3"
END
ends garbage finding 'no whole .npz file'
program pipe <<'END'
mkfifo "$3"
END
ends pipe finding 'wrote no file of outputs'
program link <<'END'
ln -s /dev/zero "$3"
END
ends link finding 'wrote no file of outputs'
for kind in shape dtype value; do
    program $kind <<END
exec python3 $work/in/answer.py $kind "\$3"
END
    ends $kind finding "$kind"
done
program short <<END
exec python3 $work/in/answer.py short "\$3"
END
ends short finding 'no whole .npz file'
program name <<END
exec python3 $work/in/answer.py name "\$3"
END
ends name finding "has no array 'v0', but 'v9'"
program chatter <<'END'
yes 'a line that is long enough to make a gigabyte of them in no time at all' | head -c 1000000000 >&2
echo 'the last word' >&2
exit 9
END
ends chatter finding 'the last word'
program fills <<'END'
head -c 3000000 /dev/zero >"$3" && echo 'it could be written'; exit 5
END
cat >limits.yaml <<END
commands:
  - {name: fills, run: [./fills], output: 1}
  - {name: endless, run: [./endless], timeout: 1}
  - {name: bomb, run: [./bomb], memory: 200}
END
run opjury run neg.txt --target command:fills --config limits.yaml
out_lacks 'a file beyond its limit: is not written' 'it could be written'
program bomb <<'END'
exec python3 -c 'x = bytearray(1 << 30)'
END
run opjury run neg.txt --target command:bomb --config limits.yaml
out_has 'memory beyond its limit' 'MemoryError'

# Confined: its own folder and what is named, nothing else; the same program reads all that without.
mkdir named other
echo 'a key' >named/key
cp named/key other/key
program confined <<END
ends() { echo "it ends at \$1" >&2; exit 1; }
cat $PWD/named/key || ends 'what is named'
cat $PWD/other/key && ends 'what is not'
echo x >$PWD/other/new && ends 'a file outside'
python3 -c 'import socket; socket.socket()' && ends 'a socket'
[ -z "\${SOME_TOKEN:-}" ] || ends 'a token'
kill -0 \$PPID && ends 'a signal'
cp "\$2" "\$3" && cp "\$1" "\$HOME/copy" && ends 'the end'
END
cat >confined.yaml <<END
commands:
  - {name: confined, run: [./confined], sandbox: [./named]}
  - {name: free, run: [./confined]}
END
if OPJURY_SANDBOX=require "$OPJURY" targets --python python3 >/dev/null 2>&1; then
    run env SOME_TOKEN=1 "$OPJURY" run neg.txt --target command:confined --config confined.yaml
    out_has 'confined: what it may and no more' 'it ends at the end'
    run env SOME_TOKEN=1 "$OPJURY" run neg.txt --target command:confined --config confined.yaml --sandbox off
    out_has 'confined, with --sandbox=off: it may all' 'it ends at what is not'
fi
run opjury run neg.txt --target command:free --config confined.yaml
out_has 'not confined: it may all' 'it ends at what is not'

# bfloat16 is its bits, both ways.
cat >flip.py <<'END'
import struct, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    data = archive.read("x0.npy")
assert b"'<u2'" in data[:128] and len(data) == 128 + 6, data
bits = [x ^ 0x8000 for x in struct.unpack("<3H", data[128:])]
with zipfile.ZipFile(sys.argv[2], "w") as archive:
    archive.writestr("v0.npy", data[:128] + struct.pack("<3H", *bits))
END
program flip <<END
exec python3 $work/in/flip.py "\$2" "\$3"
END
sed 's/f32/bf16/g' neg.txt >half.txt
run opjury run half.txt --target command:./flip
status_is 0 'bfloat16: status'
out_has 'bfloat16: judged' 'pass'

# One that never ends, and has left its group; nothing of it lives on.
program endless <<'END'
python3 -c 'import os, time
os.setsid()
if os.fork() == 0:
    os.setsid()
open(os.environ["TMPDIR"] + "/../pids", "a").write(f"{os.getpid()}\n")
time.sleep(600)' endless-child &
sleep 600
END
run opjury run neg.txt --target command:endless --config limits.yaml
out_has 'endless: a hang' 'no answer within 1 s'
passes 'endless: it had children' [ "$(wc -l <"$TMPDIR/pids")" -ge 2 ]
alive=0
while read -r pid; do
    [ ! -e "/proc/$pid" ] || alive=$((alive + 1))
done <"$TMPDIR/pids"
passes 'endless: none is left' [ $alive = 0 ]
rm "$TMPDIR/pids"

# The same when opjury is killed, or stopped.
sed 's/timeout: 1/timeout: 100/' limits.yaml >long.yaml
for signal in KILL INT; do
    "$OPJURY" run neg.txt --target command:endless --config long.yaml >/dev/null 2>&1 &
    pid=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        [ "$(cat "$TMPDIR/pids" 2>/dev/null | wc -l)" -ge 2 ] && break
        sleep 0.5
    done
    kill -$signal $pid
    wait $pid 2>/dev/null
    sleep 1
    alive=0
    while read -r child; do
        [ ! -e "/proc/$child" ] || alive=$((alive + 1))
    done <"$TMPDIR/pids"
    passes "SIG$signal: nothing is left" [ $alive = 0 ]
    rm -f "$TMPDIR/pids"
    [ $signal = INT ] || rm -rf "$TMPDIR"/opjury-command-*
done
passes 'no folder is left' [ -z "$(ls "$TMPDIR")" ]

# ---- what is refused before anything runs ----

refused() { # NAME TARGET TEXT
    run opjury run neg.txt --target "$2"
    status_is 2 "$1: status"
    err_has "$1: said" "$3"
}
refused 'no program' command: 'it takes PROGRAM'
refused 'no program at all' command 'command takes a program'
refused 'a program that is not there' command:./nobody "'./nobody' is no executable file"
refused 'a file that is no program' command:./neg.txt "'./neg.txt' is no executable file"
refused 'some of the files' command:some 'but not all'
refused 'an opset of the future' command:future 'opset 99 is not from 13 to 26'
printf '#!/no/such/interpreter\n' >odd && chmod +x odd
refused 'a script of no interpreter' command:./odd 'cannot run'
printf '#!/bin/sh\necho "licence expired" >&2; exit 1\n' >always && chmod +x always
refused 'one that refuses all' command:./always 'does not run a model of one relu: licence expired'

# ---- findings: a folder does not choose what runs ----

printf 'name = neg\nop.* = 0\nop.neg = 1\ndtype.* = 0\ndtype.f32 = 1\n' >neg
run opjury fuzz --policy neg --target command:./refuses --nodes 1 --tests 2 --out found
status_is 1 'a campaign: status'
run opjury reduce 1 --out found
status_is 2 'a program of a finding: not run unasked'
err_has 'a program of a finding: how it may be' "commands: [{name: ./refuses}]"
echo 'commands: [{name: ./refuses}]' >allowed.yaml
run opjury reduce 1 --out found --config allowed.yaml
status_is 0 'a program of a finding: run when it is configured'

done_testing
