# SPDX-License-Identifier: Apache-2.0
# torch:compile: two defects of inductor that stand as examples, one backend beside another, strict casts, what is
# said without a C++ compiler. Campaigns are in tests/long/compile.sh.
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
# The sum is 2049 or more and no half float in single precision: with strict casts it must be rounded.
cat >halves.txt <<'END'
h: f16[64] = input
w: f16[64] = input
s: f16[64] = add(h, w)
y: f32[64] = cast(s, to=f32)
output y
END
mkdir programs
cp amin.txt min.txt halves.txt programs/

run opjury run programs --domain a=3:6 --domain b=3:6 --domain c=3:6 --domain h=2048:4000 --domain w=0.5:1.5 \
    --target torch:compile --target torch:compile,casts=strict --target torch:compile,backend=aot_eager --target torch
out_lacks 'halves: strict casts round' 'halves.txt: finding'
if [ "$version" = 2.13.0 ]; then
    status_is 1 'defects: status'
    out_has 'int8 amin is wrong' 'amin.txt: finding'
    out_has 'int16 min does not compile' 'min.txt: finding'
    out_has 'and why' 'no matching function for call to'
fi

run env CXX=no-such-compiler "$OPJURY" run min.txt --domain a=3:6 --domain b=3:6 --domain c=3:6 \
    --target torch:compile --target torch:compile,backend=aot_eager
out_has 'without a compiler: not exercised' 'not_exercised'
out_has 'without a compiler: what to install' 'scripts/setup compile'
done_testing
