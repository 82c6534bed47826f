/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/api/result.h"

#include <stdlib.h>
#include <string.h>

static const char plain[] = "\n\t\\";
static const char escaped[] = "nt\\";

size_t results_bytes_max(uint32_t array_size)
{
    return array_size > RESULTS_LARGE_ARRAY ? RESULTS_LARGE_ARRAY_BYTES_MAX : RESULTS_BYTES_MAX;
}

void result_line_add(struct str *lines, uint32_t index, const char *text)
{
    str_addf(lines, "%u ", index);
    while (*text != '\0') {
        size_t size = strcspn(text, plain);
        str_add_bytes(lines, text, size);
        text += size;
        if (*text == '\0')
            break;
        str_addf(lines, "\\%c", escaped[strchr(plain, *text) - plain]);
        text++;
    }
    str_add(lines, "\n");
}

size_t result_line_bytes(uint32_t index, const char *text)
{
    size_t bytes = strlen(text) + 3; /* a digit, the space and the newline */
    for (; index >= 10; index /= 10)
        bytes++;
    for (; *(text += strcspn(text, plain)) != '\0'; text++)
        bytes++;
    return bytes;
}

bool result_line_next(const char **cursor, uint32_t *ret_index, char **ret_text)
{
    char *end;
    const char *line = *cursor;
    unsigned long index = strtoul(line, &end, 10);
    const char *newline = strchr(line, '\n');
    if (newline == NULL || end == line || *end != ' ' || index > UINT32_MAX)
        return false;
    AUTO_STR text = STR_EMPTY;
    for (const char *c = end + 1; c < newline; c++) {
        const char *code = *c == '\\' && c + 1 < newline ? strchr(escaped, c[1]) : NULL;
        str_add_bytes(&text, code != NULL ? &plain[code - escaped] : c, 1);
        c += code != NULL;
    }
    *cursor = newline + 1;
    *ret_index = (uint32_t)index;
    *ret_text = str_take(&text);
    return true;
}
