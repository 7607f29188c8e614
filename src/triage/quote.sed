# SPDX-License-Identifier: Apache-2.0
# A text file as C string literals, one a line.
s/\\/\\\\/g
s/"/\\"/g
s/.*/"&\\n"/
