/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h - what every fuzz target uses
 *
 * A file tests/<module>/<name>_fuzz.c is one target: FUZZ(data, size) { ... return 0; }. Built with
 * clang's libFuzzer by `make fuzz`, and with tests/fuzz/replay.c by `make check`, which plays the
 * inputs under tests/<module>/corpus/<name>/. A target must not keep anything between two inputs.
 */
#ifndef BULKHEAD_TESTS_FUZZ_H
#define BULKHEAD_TESTS_FUZZ_H

#include "bulkhead/base/str.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
#define FUZZ(data, size) int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)

/* What must hold for every input; says what did not, and where. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #condition);             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* The bytes up to the first NUL as a text of its own, freed by the caller. */
static inline char *fuzz_text(const void *data, size_t size)
{
    return text_printf("%.*s", (int)size, size > 0 ? (const char *)data : "");
}

#endif
