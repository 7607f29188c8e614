/* SPDX-License-Identifier: Apache-2.0 */
/* kinds: the libraries, one file each. */
#ifndef OPJURY_TARGET_KINDS_H
#define OPJURY_TARGET_KINDS_H

#include "target/target.h"

extern const struct target_kind target_onnxruntime;
extern const struct target_kind target_torch;
extern const struct target_kind target_selftest;

#endif
