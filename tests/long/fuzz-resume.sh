# SPDX-License-Identifier: Apache-2.0
# 50 kills at random moments.
ROUNDS=50 exec sh "${0%/*}/../cli/fuzz-resume.sh"
