/* SPDX-License-Identifier: Apache-2.0 */
/* quantity.c - Kubernetes resource quantities
 *
 * What is accepted is what apimachinery's ParseQuantity accepts, its oddities included: "+" and "k"
 * are zero, "1." and ".5" are numbers, "1E" is an exa and "1E3" a thousand, exponents are cut to 32
 * bits. What is returned is the exact value rounded away from zero. Two rounding steps in
 * apimachinery disappear in that: rounding to nano first changes nothing, because a ceiling of a
 * ceiling at a coarser unit is the ceiling; and its cap for binary suffixes lies at our own.
 *
 * Where it differs: a value that does not fit an int64 is capped here, where Value() and
 * MilliValue() overflow silently ("10P" is 9223372036854775807 milli here, something else there);
 * and negative numbers beyond its fast path, which MilliValue() gets wrong, are rounded as all
 * others are. Everything else is compared with apimachinery itself by `make differential`.
 *
 * The arithmetic is on decimal digits, as at school: no floating point, nothing that can overflow.
 */
#include "bulkhead/base/quantity.h"

#include "bulkhead/base/format.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    INPUT_MAX = 256,
    DIGITS_MAX = INPUT_MAX + 20, /* a factor of 2^60 adds 19 */
    DIGITS_FAST = 18,            /* apimachinery's maxInt64Factors */
    NANO = -9,
};

/* digits × 2^binary × 10^decimal */
struct parts {
    bool is_negative;
    const char *whole; /* without leading zeros */
    size_t whole_count;
    const char *fraction;
    size_t fraction_count;
    bool has_digit; /* in what apimachinery's slow path would read */
    int binary;
    int32_t decimal;
};

static const struct {
    const char *text;
    int binary, decimal;
} suffixes[] = {
    {"", 0, 0},    {"n", 0, -9},  {"u", 0, -6},  {"m", 0, -3},  {"k", 0, 3},   {"M", 0, 6},
    {"G", 0, 9},   {"T", 0, 12},  {"P", 0, 15},  {"E", 0, 18},  {"Ki", 10, 0}, {"Mi", 20, 0},
    {"Gi", 30, 0}, {"Ti", 40, 0}, {"Pi", 50, 0}, {"Ei", 60, 0},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What follows "e" or "E": a sign and digits, within int64, of which apimachinery keeps 32 bits. */
static int parse_exponent(const char *text, int32_t *ret_exponent)
{
    bool is_negative = *text == '-';
    if (*text == '-' || *text == '+')
        text++;
    if (!is_digit(*text))
        return -1;

    const uint64_t limit = (uint64_t)INT64_MAX + (is_negative ? 1 : 0);
    uint64_t exponent = 0;
    for (; is_digit(*text); text++) {
        uint64_t digit = (uint64_t)(*text - '0');
        if (exponent > (limit - digit) / 10)
            return -1;
        exponent = exponent * 10 + digit;
    }
    if (*text != '\0')
        return -1;

    uint32_t low = (uint32_t)(is_negative ? 0 - exponent : exponent);
    memcpy(ret_exponent, &low, sizeof(low));
    return 0;
}

static int parse_suffix(const char *text, struct parts *parts)
{
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        if (strcmp(suffixes[i].text, text) == 0) {
            parts->binary = suffixes[i].binary;
            parts->decimal = suffixes[i].decimal;
            return 0;
        }
    }
    if (text[0] == 'e' || text[0] == 'E')
        return parse_exponent(text + 1, &parts->decimal);
    return -1;
}

/* Whether apimachinery takes its fast path, where a number may lack digits altogether ("k" is 0).
 */
static bool is_fast(const struct parts *parts)
{
    int whole = parts->whole_count > 0 ? (int)parts->whole_count : 1;
    int fraction = (int)parts->fraction_count;
    if (parts->binary > 0)
        return fraction == 0 && 15 - whole - parts->binary * 3 / 10 - 1 >= 0;
    return whole + fraction <= DIGITS_FAST && (int64_t)parts->decimal - fraction >= NANO;
}

static int parse(const char *text, struct parts *ret_parts, struct err *err)
{
    struct parts parts = {0};
    const char *at = text;

    if (strnlen(text, INPUT_MAX + 1) > INPUT_MAX)
        return err_set(err, ERR_INVALID, "quantity \"%.20s...\": longer than %d bytes", text,
                       INPUT_MAX);
    if (*text == '\0')
        return err_set(err, ERR_INVALID, "quantity \"\": empty");

    parts.is_negative = *at == '-';
    if (*at == '-' || *at == '+')
        at++;

    const char *digits = at;
    while (*at == '0')
        at++;
    bool is_bare = *at == '\0'; /* a sign and zeros at most: a number, even without any digit */

    parts.whole = at;
    while (is_digit(*at))
        at++;
    parts.whole_count = (size_t)(at - parts.whole);
    parts.has_digit = at > digits;

    if (*at == '.') {
        parts.fraction = ++at;
        while (is_digit(*at))
            at++;
        parts.fraction_count = (size_t)(at - parts.fraction);
        parts.has_digit = parts.has_digit || parts.fraction_count > 0;
    }

    if (parse_suffix(at, &parts) < 0)
        return err_set(err, ERR_INVALID, "quantity \"%.40s\": unknown suffix \"%.20s\"", text, at);
    if (!is_bare && !parts.has_digit && !is_fast(&parts))
        return err_set(err, ERR_INVALID, "quantity \"%.40s\": no digits", text);

    *ret_parts = parts;
    return 0;
}

/* The digits of parts, whole and fraction in one number, times 2^binary, most significant first. */
static size_t multiply(const struct parts *parts, unsigned char digits[DIGITS_MAX])
{
    __extension__ typedef unsigned __int128 wide;
    size_t count = parts->whole_count + parts->fraction_count;
    size_t at = DIGITS_MAX;
    wide carry = 0;

    for (size_t i = count; i > 0 || carry > 0;) {
        if (i > 0) {
            i--;
            char c =
                i < parts->whole_count ? parts->whole[i] : parts->fraction[i - parts->whole_count];
            carry += (wide)(unsigned)(c - '0') << parts->binary;
        }
        assert(at > 0);
        digits[--at] = (unsigned char)(carry % 10);
        carry /= 10;
    }
    memmove(digits, digits + at, DIGITS_MAX - at);
    return DIGITS_MAX - at;
}

/* digits × 10^shift, rounded up to a whole number, at most cap. */
static quantity_wide scale(const unsigned char *digits, size_t count, int64_t shift,
                           quantity_wide cap)
{
    quantity_wide value = 0;
    bool is_inexact = false;
    size_t kept = shift >= 0 ? count : (uint64_t)-shift >= count ? 0 : count - (size_t)-shift;

    for (size_t i = 0; i < count; i++) {
        if (i >= kept)
            is_inexact = is_inexact || digits[i] != 0;
        else if (value > (cap - digits[i]) / 10)
            return cap;
        else
            value = value * 10 + digits[i];
    }

    for (; shift > 0 && value > 0; shift--) {
        if (value > cap / 10)
            return cap;
        value *= 10;
    }
    return is_inexact && value < cap ? value + 1 : value;
}

static int parse_scaled(const char *text, int decimals, quantity_wide cap, quantity_wide *ret_value,
                        struct err *err)
{
    struct parts parts;
    if (parse(text, &parts, err) < 0)
        return -1;

    unsigned char digits[DIGITS_MAX];
    size_t count = multiply(&parts, digits);
    int64_t shift = (int64_t)parts.decimal - (int64_t)parts.fraction_count + decimals;
    quantity_wide value = scale(digits, count, shift, cap);
    *ret_value = parts.is_negative ? -value : value;
    return 0;
}

static int parse_i64(const char *text, int decimals, int64_t *ret_value, struct err *err)
{
    quantity_wide value;
    if (parse_scaled(text, decimals, INT64_MAX, &value, err) < 0)
        return -1;
    *ret_value = (int64_t)value;
    return 0;
}

int quantity_value(const char *text, int64_t *ret_value, struct err *err)
{
    return parse_i64(text, 0, ret_value, err);
}

int quantity_milli(const char *text, int64_t *ret_milli, struct err *err)
{
    return parse_i64(text, 3, ret_milli, err);
}

int quantity_nano(const char *text, quantity_wide *ret_nano, struct err *err)
{
    return parse_scaled(text, -NANO, (quantity_wide)INT64_MAX * 1000000000, ret_nano, err);
}

const char *quantity_print_milli(int64_t milli, char text[QUANTITY_TEXT_MAX])
{
    if (milli % 1000 == 0)
        format_to(text, QUANTITY_TEXT_MAX, "%" PRId64, milli / 1000);
    else
        format_to(text, QUANTITY_TEXT_MAX, "%" PRId64 "m", milli);
    return text;
}

const char *quantity_print_bytes(int64_t bytes, char text[QUANTITY_TEXT_MAX])
{
    static const char *const units[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    size_t unit = 0;

    while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < ARRAY_LEN(units)) {
        bytes /= 1024;
        unit++;
    }
    format_to(text, QUANTITY_TEXT_MAX, "%" PRId64 "%s", bytes, units[unit]);
    return text;
}
