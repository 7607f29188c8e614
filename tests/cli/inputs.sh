# SPDX-License-Identifier: Apache-2.0
# `opjury bench inputs`: figures, plot, programs kept and measured again; clean tests are the same in every cut and
# without the processor's vector instructions.
. "${0%/*}/harness.sh"

# shares FILE: all of its figures but times.
shares() {
    grep -oE '"(scene|nodes|models|samples|plain_percent|any_percent|search_percent|evaluations|impossible)":[^,]*|"ways":\{[^}]*\}' "$1"
}

run opjury bench inputs --nodes 3 --nodes 6 --models 20 --samples 2 --save kept --plot plot.svg --json
status_is 0 'status: the floor is reached'
cp "$work/out" saved
passes 'two scenes, two sizes' [ "$(grep -o '"scene"' saved | wc -l)" = 4 ]
passes 'a program and its samples' [ -s kept/free-6-19.txt -a -s kept/free-6-19.1.npz ]
passes 'all leaves are inputs' sh -c '! grep -q "= const" kept/*.txt'
passes 'the plot is XML' python3 -c 'import sys, xml.dom.minidom as m; m.parse("plot.svg")'
passes 'the plot has a line a scene and way, in both panels' [ "$(grep -c '<path fill="none"' plot.svg)" = 8 ]

run opjury bench inputs --nodes 3 --nodes 6 --load kept --json
status_is 0 'again: status'
shares saved >first
shares "$work/out" >second
passes 'again: the same shares' cmp -s first second
passes 'again: shares there are' [ "$(wc -l <first)" = 40 ]

run opjury bench inputs --nodes 7 --load kept
status_is 2 'a size that is not there: status'
err_has 'a size that is not there: said' 'kept holds no free program of 7 nodes'
run opjury bench inputs --save kept
status_is 2 'a folder that is there: status'
err_has 'a folder that is there: said' '--save takes a new folder'
run opjury bench judge --models 3
status_is 2 'options of another subject: status'
err_has 'options of another subject: said' 'options of `opjury bench inputs`'

# Searched inputs are the same bytes without the vector instructions that the C library chooses by itself.
printf 'name = free\nclean_percent = 100\nunproven_percent = 100\nundefined_percent = 100\n' >free
echo 'union_percent = 100' >>free
run opjury gen --policy free --nodes 12 --count 30
cp "$work/out" plain
GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-AVX2_Usable,-FMA,-FMA_Usable,-FMA4,-AVX512F run opjury gen --policy free --nodes 12 --count 30
passes 'the same tests without AVX2 and FMA' cmp -s plain "$work/out"
passes 'they are clean' [ "$(grep -c 'inputs clean' plain)" -ge 28 ]
done_testing
