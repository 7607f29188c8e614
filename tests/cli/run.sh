# SPDX-License-Identifier: Apache-2.0
# `opjury run`: one program, a model, inputs, a folder of anybody's files. Faults are planted in our
# own evaluator, so no library is needed.
. "${0%/*}/harness.sh"

correct=faulty:none
wrong=faulty:negate.relu

cat >relu.txt <<'END'
x: f32[2,3] = input
y: f32[2,3] = relu(x)
output y
END
cat >add.txt <<'END'
x: f32[4] = input
w: f32[4] = const [1, 2, 3, 4]
y: f32[4] = add(x, w)
output y
END

# An ONNX model of one node, f32[2] (or of a symbolic dim) to the same, made byte by byte.
model() {
    python3 - "$@" <<'END'
import sys

def size(n):
    return bytes([n & 127 | 128]) + size(n >> 7) if n > 127 else bytes([n])

def number(field, value):
    return size(field << 3) + size(value)

def part(field, *payload):
    data = b"".join(p.encode() if isinstance(p, str) else p for p in payload)
    return size(field << 3 | 2) + size(len(data)) + data

def tensor(name):
    return part(1, name) + part(2, part(1, number(1, 1), part(2, part(1, dim))))

op, path, *symbol = sys.argv[1:]
dim = part(2, symbol[0]) if symbol else number(1, 2)
node = part(1, "x") + part(2, "y") + part(4, op)
graph = part(1, node) + part(2, "g") + part(11, tensor("x")) + part(12, tensor("y"))
open(path, "wb").write(number(1, 10) + part(7, graph) + part(8, number(2, 21)))
END
}

run opjury run relu.txt --target "$correct"
status_is 0 'a program: status'
out_has 'a program: verdict' 'relu.txt: pass'
out_has 'a program: the table' 'verdict'
run opjury run relu.txt --target "$correct" --target "$wrong" --known none
status_is 1 'a finding: status'
out_has 'a finding: said' 'relu.txt: finding'
out_has 'a finding: the target at fault' 'faulty:negate.relu  finding'
out_has 'a finding: the other one' 'faulty:none'
cat >rules.yaml <<'END'
- id: our-relu
  library: faulty
  ops: [relu]
  oracle: value
  url: https://example.org/1
END
run opjury run relu.txt --target "$wrong" --known rules.yaml
status_is 0 'a known bug: status'
out_has 'a known bug: which' 'known bug our-relu: '
run opjury run add.txt --target faulty:negate.add --known rules.yaml
status_is 1 'another bug: status'
run opjury run relu.txt --target "$wrong" --known relu.txt
status_is 2 'rules that are none: status'
err_has 'rules that are none: where' 'relu.txt:1: '
run opjury run relu.txt --target "$wrong" --domain x=-2:-1 --known none
status_is 0 'a domain where the fault does not show: status'
run opjury run relu.txt --target "$wrong" --domain x=1:2 --known none
status_is 1 'a domain where it shows: status'

model Relu relu.onnx
run opjury run relu.onnx --target "$correct"
status_is 0 'a model: status'
out_has 'a model: verdict' 'relu.onnx: pass'
model Relu symbolic.onnx N
run opjury run symbolic.onnx --dim N=3,5 --target "$correct" --target "$wrong" --known none
status_is 1 'a symbolic dim: status'
out_has 'a symbolic dim: the first size' 'symbolic.onnx at N=3: finding'
out_has 'a symbolic dim: the second size' 'symbolic.onnx at N=5: finding'
run opjury run symbolic.onnx --dim N=3,0x --target "$correct"
status_is 2 'a bad size: status'
out_has 'a bad size: said' 'N=0x'
model Bernoulli bernoulli.onnx
run opjury run bernoulli.onnx --target "$correct"
status_is 2 'an operator we do not know: status'
out_has 'an operator we do not know: named' 'Bernoulli'

# Inputs by name.
npz() { python3 - "$@" <<'END'
import struct, sys, zipfile
path, name, shape, *values = sys.argv[1:]
header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}".ljust(117) + "\n"
with zipfile.ZipFile(path, "w") as z:
    z.writestr(name + ".npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + header.encode() +
               struct.pack(f"<{len(values)}f", *map(float, values)))
END
}
npz below.npz x '2, 3' -1 -2 -3 -4 -5 -6
run opjury run relu.txt --inputs below.npz --target "$wrong" --known none
status_is 0 'given inputs: status where the fault does not show'
npz above.npz x '2, 3' -1 -2 3 -4 -5 -6
run opjury run relu.txt --inputs above.npz --target "$wrong" --known none
status_is 1 'given inputs: status where it shows'
out_has 'given inputs: the value' '3'
npz shape.npz x '6,' 1 2 3 4 5 6
run opjury run relu.txt --inputs shape.npz --target "$correct"
status_is 2 'inputs of another shape: status'
out_has 'inputs of another shape: said' "input 'x' is f32[6], not f32[2,3]"
npz name.npz z '2, 3' 1 2 3 4 5 6
run opjury run relu.txt --inputs name.npz --target "$correct"
status_is 2 'inputs of another name: status'
out_has 'inputs of another name: said' "no input 'x'"
run opjury run relu.txt --inputs relu.txt --target "$correct"
status_is 2 'inputs that are no .npz: status'

# A folder: each file has its line, the bad ones do not stop the others.
mkdir -p zoo/deep
cp relu.txt relu.onnx bernoulli.onnx zoo
cp add.txt zoo/deep
echo 'x: f32[2] = nonsense(' >zoo/broken.txt
head -c 20 relu.onnx >zoo/cut.onnx
: >zoo/empty.onnx
echo 'not ours' >zoo/README.md
run opjury run zoo --target "$correct" --target "$wrong" --known none
status_is 1 'a folder: status'
out_has 'a folder: the finding' 'zoo/relu.txt: finding'
out_has 'a folder: below it' 'zoo/deep/add.txt: pass'
out_has 'a folder: what we do not know' 'zoo/bernoulli.onnx: unsupported op'
out_has 'a folder: a broken program' 'zoo/broken.txt: unreadable'
out_has 'a folder: a broken model' 'zoo/cut.onnx: unreadable'
out_lacks 'a folder: other files are left alone' 'README'
out_has 'a folder: summary' '7 programs: 3 judged, 2 finding, 0 known, 0 flaky, 1 pass, 0 unjudged, 1 unsupported op, 3 unreadable'
run opjury run zoo/deep --target "$wrong" --known none
status_is 0 'a folder without findings: status'
mkdir bad && cp zoo/broken.txt zoo/cut.onnx bad
run opjury run bad --target "$correct"
status_is 2 'a folder of which nothing runs: status'

# What gen prints.
opjury gen --seed 1 --first 0 --count 3 --nodes 2 >three.txt
run opjury run three.txt --target "$correct"
status_is 0 'several programs: status'
out_has 'several programs: the third' 'three.txt#3: '
out_has 'several programs: summary' '3 programs: '
opjury gen --seed 1 --first 0 --count 2 --nodes 2 --format onnx --out made
run opjury run made --target "$correct"
status_is 0 'generated models with their inputs: status'
out_has 'generated models with their inputs: summary' '2 programs: 2 judged'

run opjury run /no/such/file --target "$correct"
status_is 2 'a file that is not there: status'
out_has 'a file that is not there: named' '/no/such/file'
mkdir hollow
run opjury run hollow --target "$correct"
status_is 2 'an empty folder: status'
run opjury run
status_is 2 'no file: status'
for bad in x=1 x=1:0 x=a:b x=0:inf =0:1; do
    run opjury run relu.txt --domain $bad --target "$correct"
    status_is 2 "--domain $bad: status"
done
run opjury run relu.txt --domain q=0:1 --target "$correct"
status_is 2 'a domain of no input: status'
out_has 'a domain of no input: named' "no input 'q'"

done_testing
