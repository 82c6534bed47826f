/* SPDX-License-Identifier: Apache-2.0 */
/* file.h - reads a small file whole, and the bytes of a base64 text */
#ifndef BULKHEAD_KUBE_FILE_H
#define BULKHEAD_KUBE_FILE_H

#include "bulkhead/base/err.h"
#include "bulkhead/base/str.h"

/* Appends to out. ERR_INVALID: "<path>: No such file or directory", or larger than size_max. */
int kube_file_read(const char *path, size_t size_max, struct str *out, struct err *err);

/* Appends to out; white space is allowed anywhere. Returns -1 when it is not base64. */
int kube_base64_decode(const char *text, struct str *out);

#endif
