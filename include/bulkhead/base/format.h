/* SPDX-License-Identifier: Apache-2.0 */
/* format.h - vsnprintf, quicker for what is printed most
 *
 * The same bytes and the same answer as libc's, for every format. */
#ifndef BULKHEAD_BASE_FORMAT_H
#define BULKHEAD_BASE_FORMAT_H

#include "bulkhead/base/macros.h"

#include <stdarg.h>

int format_va(char *buffer, size_t size, const char *format, va_list args) PRINTF_LIKE(3, 0);
int format_to(char *buffer, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
