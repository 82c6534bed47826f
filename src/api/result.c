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

static void add_escaped(struct str *out, const char *text)
{
    while (*text != '\0') {
        size_t size = strcspn(text, plain);
        str_add_bytes(out, text, size);
        text += size;
        if (*text == '\0')
            break;
        str_addf(out, "\\%c", escaped[strchr(plain, *text) - plain]);
        text++;
    }
}

static char *unescaped(const char *from, const char *end)
{
    AUTO_STR text = STR_EMPTY;
    for (const char *c = from; c < end; c++) {
        const char *code = *c == '\\' && c + 1 < end ? strchr(escaped, c[1]) : NULL;
        str_add_bytes(&text, code != NULL ? &plain[code - escaped] : c, 1);
        c += code != NULL;
    }
    return str_take(&text);
}

/* Behind the index and what separates it, up to the newline. NULL: no such line is at the cursor,
 * which moves on behind it otherwise. */
static const char *line_at(const char **cursor, char separator, uint32_t *ret_index,
                           const char **ret_end)
{
    char *end;
    unsigned long index = strtoul(*cursor, &end, 10);
    const char *newline = strchr(*cursor, '\n');
    if (newline == NULL || end == *cursor || *end != separator || index > UINT32_MAX)
        return NULL;
    *cursor = newline + 1;
    *ret_index = (uint32_t)index;
    *ret_end = newline;
    return end + 1;
}

void result_line_add(struct str *lines, uint32_t index, const char *text)
{
    str_addf(lines, "%u ", index);
    add_escaped(lines, text);
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
    const char *end;
    const char *text = line_at(cursor, ' ', ret_index, &end);
    if (text != NULL)
        *ret_text = unescaped(text, end);
    return text != NULL;
}

/* ---- inputs ---- */

size_t inputs_bytes_max(uint32_t array_size)
{
    return array_size > RESULTS_LARGE_ARRAY ? INPUTS_LARGE_ARRAY_BYTES_MAX : INPUTS_BYTES_MAX;
}

void input_add(struct str *values, const char *value)
{
    str_add(values, "\t");
    add_escaped(values, value);
}

char *input_value(const char *values, size_t number)
{
    const char *value = values;
    for (size_t i = 0; *value == '\t'; i++) {
        const char *end = value + 1 + strcspn(value + 1, "\t");
        if (i == number)
            return unescaped(value + 1, end);
        value = end;
    }
    return NULL;
}

void input_line_add(struct str *lines, uint32_t index, const char *values)
{
    str_addf(lines, "%u%s\n", index, values);
}

bool input_line_next(const char **cursor, uint32_t *ret_index, char **ret_values)
{
    const char *end;
    const char *values = line_at(cursor, '\t', ret_index, &end);
    if (values != NULL)
        *ret_values = text_copy_n(values - 1, (size_t)(end - values) + 1);
    return values != NULL;
}
