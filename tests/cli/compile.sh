# SPDX-License-Identifier: Apache-2.0
# torch:compile: two defects of inductor that stand as examples, one backend beside another, whom
# blame names, what is said without a C++ compiler. Two starts of a warm inductor, about 30 s of CPU.
. "${0%/*}/harness.sh"

python=${OPJURY_PYTHON:-$root/.venv/bin/python}
if ! "$python" -c 'import torch' 2>/dev/null || ! command -v g++ >/dev/null; then
    echo '1..0 # SKIP torch or g++ is not installed'
    exit 0
fi
version=$("$python" -c 'import torch; print(torch.__version__.partition("+")[0])')

# int8 amin of a difference: elements behind the last full vector count as 0 (inductor's mistake).
cat >amin.txt <<'END'
a: i8[1,37,1] = const [3, 4, 5, 6, 3, 4, 5, 6, 3, 4, 5, 6, 3, 4, 5, 6, 3, 4, 5, 6, 3, 4, 5, 6, 3, 4, 5, 6, 3, 4, 5, 6, 3, 4, 5, 6, 3]
b: i8[14,1,36] = input
s: i8[14,37,36] = sub(a, b)
y: i8[14,36] = reduce_min(s, axes=[1], keepdims=false)
output y
END
# int16 min: no such function in the C++ that inductor writes.
cat >min.txt <<'END'
a: i16[9,40] = input
b: i16[9,40] = input
c: i16[9,40] = input
d: i16[9,40] = abs(c)
e: i16[9,40] = add(a, b)
y: i16[9,40] = min(d, e)
output y
END
mkdir programs
cp amin.txt min.txt programs/

run opjury run programs --domain a=3:6 --domain b=3:6 --domain c=3:6 --target torch:compile --target torch:compile,backend=aot_eager --target torch
status_is 1 'two programs: status'
if [ "$version" = 2.13.0 ]; then
    out_has 'int8 amin is wrong' 'amin.txt: finding'
    out_has 'int16 min does not compile' 'min.txt: finding'
fi
done_testing
