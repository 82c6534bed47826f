/* SPDX-License-Identifier: Apache-2.0 */
/* packing.h - bytes as text inside of an object */
#ifndef BULKHEAD_API_PACKING_H
#define BULKHEAD_API_PACKING_H

#include "bulkhead/base/str.h"

void base64_add(struct str *out, const uint8_t *bytes, size_t size);
/* Heap bytes, or NULL when the text is damaged or longer than text_max. */
uint8_t *base64_bytes(const char *text, size_t text_max, size_t *ret_size);

#endif
