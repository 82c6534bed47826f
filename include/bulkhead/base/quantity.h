/* SPDX-License-Identifier: Apache-2.0 */
/* quantity.h - Kubernetes resource quantities ("1.5Gi", "250m", "1e3")
 *
 * The grammar and the rounding are those of k8s.io/apimachinery/pkg/api/resource: a sign, digits
 * with an optional fraction, then a binary suffix (Ki..Ei), a decimal suffix (n u m "" k M G T P E)
 * or a decimal exponent (e3, E-3). Values round up (away from zero) to the unit asked for. */
#ifndef BULKHEAD_BASE_QUANTITY_H
#define BULKHEAD_BASE_QUANTITY_H

#include "bulkhead/base/err.h"

#include <stdint.h>

/* Value in units of 1 or of 1/1000, rounded up as apimachinery's Value() and MilliValue() do. A
 * value beyond what int64 holds is capped at INT64_MAX or -INT64_MAX. A text that is not a
 * quantity, or is longer than 256 bytes: -1, ERR_INVALID. */
int quantity_value(const char *text, int64_t *ret_value, struct err *err);
int quantity_milli(const char *text, int64_t *ret_milli, struct err *err);

/* The value in billionths, exact but for what apimachinery itself rounds away; beyond INT64_MAX
 * whole units it is capped there. For sums of fractions, which round once at their end. */
__extension__ typedef __int128 quantity_wide;
int quantity_nano(const char *text, quantity_wide *ret_nano, struct err *err);

enum { QUANTITY_TEXT_MAX = 32 };
/* The shortest usual form: 1500 milli -> "1500m", 2000 milli -> "2". */
const char *quantity_print_milli(int64_t milli, char text[QUANTITY_TEXT_MAX]);
/* Bytes in the largest binary unit that divides them: 1073741824 -> "1Gi". */
const char *quantity_print_bytes(int64_t bytes, char text[QUANTITY_TEXT_MAX]);

#endif
