/* SPDX-License-Identifier: Apache-2.0 */
/* Paths as errors show them: kubectl's own form, spec.containers[0].image. */
#include "bulkhead/base/str.h"
#include "bulkhead/json/table.h"

#include <stdarg.h>
#include <stdio.h>

static void at_print(const struct json_at *at, struct str *out)
{
    if (at == NULL)
        return;
    at_print(at->up, out);
    if (at->key == NULL)
        str_addf(out, "[%zu]", at->index);
    else
        str_addf(out, "%s%s", out->size > 0 ? "." : "", at->key);
}

PRINTF_LIKE(4, 0)
static int fail(const struct json_at *at, const char *value, struct err *err, const char *format,
                va_list args)
{
    char text[400];
    AUTO_STR path = STR_EMPTY;
    at_print(at, &path);
    (void)vsnprintf(text, sizeof(text), format, args);
    return err_set(err, ERR_INVALID, "%s: %s%s%s", str_text(&path), value,
                   value[0] != '\0' ? ", " : "", text);
}

int json_fail(const struct json_at *at, struct err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int result = fail(at, "", err, format, args);
    va_end(args);
    return result;
}

int json_fail_value(const struct json_at *at, struct json_object *value, struct err *err,
                    const char *format, ...)
{
    char shown[JSON_SHOWN_MAX + 4];
    va_list args;
    va_start(args, format);
    int result = fail(at, json_show(value, shown), err, format, args);
    va_end(args);
    return result;
}

size_t utf8_count(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}
