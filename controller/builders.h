/* SPDX-License-Identifier: Apache-2.0 */
/* builders.h - the pod builders of the jobs that start pods now
 *
 * Owns       a builder for each job and template in use, least recently used out first.
 * Bounds     BUILDERS_MAX of them, and BUILDERS_BYTES_MAX of text in all; a template is 256 KiB at
 *            most, so one always fits.
 * Why        a pod from a builder takes a hundredth of the time of one from a template's text, and
 *            the pods of one job come in runs.
 * Promise    a builder is never stale: what it is made of (the job's spec, and a template that is
 *            named by its hash) does not change as long as the job's UID lives. */
#ifndef BULKHEAD_CONTROLLER_BUILDERS_H
#define BULKHEAD_CONTROLLER_BUILDERS_H

#include "bulkhead/api/template.h"

enum { BUILDERS_MAX = 1024, BUILDERS_BYTES_MAX = 32 * 1024 * 1024 };

struct builders;
struct builders *builders_new(size_t count_max, size_t bytes_max);
struct builders *builders_free(struct builders *builders);
DEFINE_AUTO(builders, builders_free)
/* Borrowed, valid until the next call. NULL with ERR_INVALID: no pod can be made of the order. */
const struct pod_builder *builders_get(struct builders *builders, const struct pod_order *order,
                                       struct err *err);
size_t builders_count(const struct builders *builders);

#endif
