/* SPDX-License-Identifier: Apache-2.0 */
/* A campaign as tables for spreadsheets and scripts. */
#ifndef OPJURY_REPORT_CSV_H
#define OPJURY_REPORT_CSV_H

#include "base/base.h"

/*
 * Writes into `folder` (made when missing), as RFC 4180 says, each with a line of heads:
 *   findings.csv  every finding, in the order of its id
 *   buckets.csv   every bucket, the most interesting first (report/record.h, rank); offered: 1
 *                 for new ones that are to be looked at by max_open (buckets_offer)
 *   runs.csv      the verdicts of all runs by target; the last line is their sum
 */
MUST_USE enum err report_csv(const char *dir, const char *folder, uint64_t max_open,
                             struct arena *arena);

#endif
