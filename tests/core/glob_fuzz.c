/* SPDX-License-Identifier: Apache-2.0 */
/* glob_fuzz.c - evaluateOnExit's patterns beside a slow reference */
#include "fuzz/fuzz.h"

#include "bulkhead/base/str.h"
#include "src/core/internal.h"

#include <string.h>

/* Letter by letter: a '*' at the very end stands for anything, everywhere else for itself. */
static bool reference(const char *pattern, const char *text)
{
    if (pattern[0] == '*' && pattern[1] == '\0')
        return true;
    if (pattern[0] == '\0' || text[0] == '\0')
        return pattern[0] == text[0];
    return pattern[0] == text[0] && reference(pattern + 1, text + 1);
}

FUZZ(data, size)
{
    if (size > 2000)
        return 0;
    const uint8_t *cut = memchr(data, '\n', size);
    size_t pattern_size = cut != NULL ? (size_t)(cut - data) : size;
    AUTO_TEXT pattern = fuzz_text(data, pattern_size);
    AUTO_TEXT text = fuzz_text(cut != NULL ? (const char *)cut + 1 : "",
                               cut != NULL ? size - pattern_size - 1 : 0);
    MUST(glob_matches(pattern, text) == reference(pattern, text));
    MUST(glob_matches(NULL, text));
    MUST(glob_matches(pattern, NULL) == reference(pattern, ""));
    return 0;
}
