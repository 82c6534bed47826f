/* SPDX-License-Identifier: Apache-2.0 */
/* array.h - one very large array, for what size costs */
#ifndef BULKHEAD_TESTS_SIM_ARRAY_H
#define BULKHEAD_TESTS_SIM_ARRAY_H

/* Prints what it measured and "N passed, M failed"; pattern_name NULL: all patterns. Returns the
 * exit status. */
int array_main(const char *size_text, const char *pattern_name);

#endif
