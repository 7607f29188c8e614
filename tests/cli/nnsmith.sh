# SPDX-License-Identifier: Apache-2.0
# The generator `nnsmith`, which asks another program for its models: here that is a fake, which behaves
# as $FAKE says. tests/long/nnsmith.sh has the real one.
. "${0%/*}/harness.sh"

cat >fake <<'END'
#!/usr/bin/env python3
import os, signal, sys, time
fake = os.environ.get("FAKE", "")
ADD = "x0: f32[2,3] = input\nw1: f32[3] = const ?\nv2: f32[2,3] = add(x0, w1)\nv3: f32[2,3] = relu(v2)\noutput v3\n"
NEG = "x0: f32[4] = input\nv1: f32[4] = neg(x0)\nv2: f32[4] = relu(v1)\noutput v2\n"
WRONG = "x0: f32[2,3] = input\nv1: f32[2,4] = relu(x0)\noutput v1\n"
LARGE = "x0: f32[64,65] = input\nv1: f32[64,65] = relu(x0)\noutput v1\n"
BROKEN = "x0: f32[2,3] = input\nv1: f32[2,3] = brew(x0, nothing)\n"
def say(text):
    sys.stdout.write(text)
    sys.stdout.flush()
def program(text, limited=0):
    say(f"program {len(text)} {limited}\n{text}")
with open("limits", "w") as limits:
    while (line := sys.stdin.readline()) not in ("go\n", ""):
        limits.write(line)
if fake == "unready":
    say("error ModuleNotFoundError No module named 'nnsmith'\n")
    sys.exit()
say("ready a fake\n")
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
n = 0
for line in sys.stdin:
    n += 1
    word, seed = line.split()
    assert word == "model"
    seed = int(seed)
    if fake == "burns":
        end = time.process_time() + 0.02
        while time.process_time() < end:
            pass
    if fake == "dies" and n == 5 and not os.path.exists("died twice"):
        os.mkdir("died twice" if os.path.exists("died") else "died")
        os.kill(os.getpid(), signal.SIGSEGV)
    elif fake == "ends":
        sys.exit(7)
    elif fake == "none":
        say("left Coffee is no operator of ours\n")
    elif fake == "some" and seed % 3 == 0:
        say("left Coffee is no operator of ours\n")
    elif fake == "wrong" and seed % 2 == 0:
        program(WRONG)
    elif fake == "large" and seed % 2 == 0:
        program(LARGE)
    elif fake == "broken":
        program(BROKEN)
    elif fake == "nonsense":
        say("model, please\n")
    elif fake == "fault":
        say("error KeyError 'Coffee'\n")
    elif fake == "huge":
        say("program 99999999999 0\n")
    elif fake == "endless":
        while True:
            say("x" * 65536)
    else:
        program(ADD if seed % 2 else NEG, int(fake == "limited" and seed % 2 == 0))
END
chmod +x fake
export OPJURY_NNSMITH="$PWD/fake"
gen() { FAKE=$1; shift; export FAKE; run opjury gen --generator nnsmith "$@"; }
models_are() { # NAME N: so many of the 40 tests, each one of the two programs
    passes "$1" [ "$(grep -c '^output v[23]$' "$work/out")" = "$2" ]
}

# What it says becomes tests; the policy says what it may use.
gen good --count 40 --policy nnsmith39 --nodes 7
status_is 0 'models: status'
models_are 'models: a test each' 40
cp "$work/out" good
passes 'models: their weights have data' grep -qE '^w1: f32\[3\] = const \[' good
passes 'limits: numbers' [ "$(head -n 3 limits | tr '\n' ' ')" = 'nodes 7 numel 65536 ranks 0 1 2 3 4 5 ' ]
passes 'limits: ops and dtypes of the policy' [ "$(grep -c '^op ' limits) $(grep -c '^op relu f32>f32$' limits)" = '38 1' ]
for i in 7 3; do opjury gen --generator nnsmith --policy nnsmith39 --nodes 7 --first $i; done >two 2>"$work/err"
grep -A 8 '^# test [37],' good | awk '/^# test/ {on = $3 ~ /^[37],/} on' >same
passes 'one by one, in another order: the same bytes' \
    [ "$(sort two | cksum)" = "$(sort same | cksum)" ]
gen good --seed 2 --count 40 --policy nnsmith39 --nodes 7
passes 'another seed gives others' sh -c "! cmp -s good '$work/out'"

# What is no test is counted, with its reason, and another model takes its place.
gen some --count 40
models_are 'left out: as many tests' 40
passes 'left out: counted and said' grep -qE \
    '^opjury: nnsmith: [1-9][0-9]* of [0-9]+ models are left out: [0-9]+ Coffee is no operator of ours$' "$work/err"
gen wrong --count 40
models_are 'against the relations: as many tests' 40
err_has 'against the relations: said' 'does not hold: v1'
gen large --count 40
models_are 'too large: as many tests' 40
err_has 'too large: said' "does not hold: x0 has more than the policy's 4096 elements"
gen limited --count 40
models_are 'limits of time: as many tests' 40
err_has 'limits of time: said' 'models met one of its limits of time, so another run may make other ones'
gen dies --count 40
status_is 0 'a process that dies now and then: status'
models_are 'a process that dies now and then: as many tests' 40
err_has 'a process that dies now and then: said' 'nnsmith_models.py was killed by signal 11; it is started again'
err_has 'a process that dies now and then: left out' 'nnsmith: 2 of 42 models are left out: 2 nnsmith_models.py was killed'

# What is broken ends it, with one line.
says() { # NAME FAKE TEXT
    gen "$2" --count 3
    status_is 2 "$1: status"
    passes "$1: one line says why" [ "$(grep -vc -e 'starting nnsmith' -e 'models are left out:' -e 'started again' "$work/err")" = 1 ]
    err_has "$1: said" "$3"
}
says 'not installed after all' unready "cannot make models with $OPJURY_NNSMITH: error ModuleNotFoundError"
says 'always at its end' ends 'nnsmith_models.py ended early, with status 7'
says 'no model at all' none '1000 models one after the other are left out; the last: Coffee is no operator of ours'
says 'text that is no program' broken ":2: unknown value 'nothing'"
says 'no answer' nonsense "says 'model, please', which is no answer"
says 'a fault of the script' fault "nnsmith_models.py: KeyError 'Coffee'"
says 'a size beyond all bounds' huge "says 'program 99999999999 0', which is no answer"
says 'a line without an end' endless 'says a line without an end'
OPJURY_NNSMITH=$PWD/nowhere run opjury gen --generator nnsmith
status_is 2 'no such interpreter: status'
err_is 'no such interpreter: said' <<END
opjury: \$OPJURY_NNSMITH: '$PWD/nowhere' is no interpreter
END

# A campaign, and generators side by side: its CPU time counts.
export FAKE=burns
run opjury compare nnsmith --target faulty:negate.relu --known none --time 2s --json --out side
status_is 1 'compare: the planted fault is found'
passes 'compare: CPU time of the other program counts' python3 -c '
import json, sys
row = json.load(open(sys.argv[1]))["generators"][0]
sys.exit(not (2 <= row["cpu"] < 4 and 10 <= row["tests"] <= 100 and row["ops"] == 3))' "$work/out"

# Four generators: each number of the Venn stands inside just the ovals of its set.
exact_policy 'nodes = 5' >exact.policy
mkdir models
opjury gen --policy exact.policy >models/0.txt
cat >inside.py <<'END'
import math, re, sys
text = open(sys.argv[1]).read()
ovals = [[float(x) for x in o] for o in re.findall(
    r'<ellipse cx="(\S+)" cy="(\S+)" rx="(\S+)" ry="(\S+)" transform="rotate\((\S+) ', text)]
numbers = [(float(x), float(y) - 4) for x, y in re.findall(r'<text x="(\S+)" y="(\S+)"[^>]*>\d+</text>', text)]
assert len(ovals) == int(sys.argv[2]) and len(numbers) == 2 ** len(ovals) - 1, (ovals, numbers)
def is_inside(p, o):
    x, y, turn = p[0] - o[0], p[1] - o[1], math.radians(o[4])
    u, v = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
    return (u / o[2]) ** 2 + (v / o[3]) ** 2 < 1
for members, number in enumerate(numbers, 1):
    for dx, dy in (0, 0), (-10, 0), (10, 0), (0, -8), (0, 8):
        at = (number[0] + dx, number[1] + dy)
        assert members == sum(is_inside(at, o) << k for k, o in enumerate(ovals)), (members, at)
END
export FAKE=good
for others in 'random' 'random nnsmith' 'random nnsmith mutate'; do
    # shellcheck disable=SC2086 # a list of words
    run opjury compare opjury $others --policy exact.policy --seeds models --target faulty:negate.relu --known none \
        --time 0.3s --out "venn $others"
    n_sets=$(($(echo "$others" | wc -w) + 1))
    passes "venn of $n_sets: each number in its set" python3 inside.py "venn $others/venn.svg" $n_sets
done
if command -v gnuplot >/dev/null; then
    passes 'venn of 4: by gnuplot too' [ -s "venn $others/venn.png" ]
fi

export FAKE=some
run opjury compare nnsmith --target faulty:none --known none --time 0.5s --json --out some
passes 'compare: models that are left out' python3 -c '
import json, sys
row = json.load(open(sys.argv[1]))["generators"][0]
sys.exit(not row["tests"] / 5 < row["left_out"] < row["tests"])' "$work/out"
FAKE=broken run opjury fuzz --generator nnsmith --target faulty:none --tests 20 --out broken
status_is 2 'fuzz, broken: status'
err_has 'fuzz, broken: said' ":2: unknown value 'nothing'"
done_testing
