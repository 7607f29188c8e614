# SPDX-License-Identifier: Apache-2.0
# A test is a function of seed, index and policy: 1,000 of them, inputs included, in another order, from
# several processes, and on a machine without AVX2 and FMA (glibc takes other kernels for exp, sin, pow there).
. "${0%/*}/harness.sh"
export OPJURY

masked='glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX512F'
printf 'unproven_percent = 100\ndynamic_percent = 20\n' >searched # every clean test goes through the search
# What learns from the tests before it.
for generator in random mutate; do printf 'generator = %s\ndynamic_percent = 20\n' $generator >$generator; done
for policy in default searched random mutate; do
    opjury gen --seed 3 --count 1000 --policy $policy >whole
    passes "$policy: all there" [ "$(grep -c '^# test ' whole)" = 1000 ]
    # Pieces of 50 in a shuffled order, two processes at a time.
    seq 0 50 950 | shuf --random-source=whole | xargs -P 2 -I{} sh -c \
        '"$OPJURY" gen --seed 3 --first {} --count 50 --policy '$policy' >piece.{}'
    for i in $(seq 0 50 950); do cat piece.$i; done >pieces
    passes "$policy: shuffled order, several processes" cmp -s whole pieces
    GLIBC_TUNABLES=$masked opjury gen --seed 3 --count 1000 --policy $policy >plain
    passes "$policy: without AVX2 and FMA" cmp -s whole plain
    rm piece.*
done

# The mask is no idle one where the processor has them: libm gives other bits somewhere.
libm() { python3 -c '
import hashlib, math, random
r, h = random.Random(1), hashlib.md5()
for _ in range(100000):
    x = r.uniform(-50, 50)
    h.update(repr((math.sin(x), math.exp(x), math.tan(x), abs(x) ** 1.7)).encode())
print(h.hexdigest())'; }
if grep -qw fma /proc/cpuinfo; then
    passes 'the mask shows in libm' [ "$(libm)" != "$(GLIBC_TUNABLES=$masked libm)" ]
fi

done_testing
