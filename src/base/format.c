/* SPDX-License-Identifier: Apache-2.0 */
/* format.c - vsnprintf, quicker for what is printed most
 *
 * Nearly all that is printed is short texts and integers. libc sets up a stream for each call,
 * which costs more than the printing; here texts, characters and integers are printed straight
 * away. Whatever has something else in it (a real number, a flag, a width that is no run of zeroes)
 * goes to libc as a whole. */
#include "bulkhead/base/format.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct out {
    char *at, *end; /* end: the last byte, which is kept for the NUL; NULL: there is none */
    size_t left_out;
};

/* What one conversion asks for. */
struct wish {
    size_t digits_min; /* of %08x */
    long precision;    /* of a text; -1: all of it */
    unsigned longs;    /* 0: int, 1: long and size_t, 2: long long */
};

static void put(struct out *out, const char *bytes, size_t size)
{
    size_t room = (size_t)(out->end - out->at);
    size_t fits = size < room ? size : room;
    out->left_out += size - fits;
    if (fits == 0)
        return;
    memcpy(out->at, bytes, fits);
    out->at += fits;
}

static void put_character(struct out *out, char character)
{
    if (out->at < out->end)
        *out->at++ = character;
    else
        out->left_out++;
}

/* What stands there up to the next % or the end, where it returns. A few bytes are copied as they
 * are looked at; for more than that two calls of libc are quicker. */
static const char *put_plain(struct out *out, const char *at)
{
    enum { FEW = 8 };
    char *to = out->at;
    const char *soon = at + FEW;
    for (; *at != '\0' && *at != '%' && to < out->end && at < soon; at++)
        *to++ = *at;
    out->at = to;
    if (*at == '\0' || *at == '%')
        return at;
    const char *end = strchrnul(at, '%');
    put(out, at, (size_t)(end - at));
    return end;
}

/* Divided by constants, which costs no division. */
static char *print_decimal(uint64_t number, char *end)
{
    do {
        *--end = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return end;
}

static char *print_hex(uint64_t number, char *end)
{
    do {
        *--end = "0123456789abcdef"[number % 16];
        number /= 16;
    } while (number > 0);
    return end;
}

static void put_number(struct out *out, uint64_t number, bool minus, bool hex, size_t digits_min)
{
    char digits[32], *end = digits + sizeof(digits);
    char *first = hex ? print_hex(number, end) : print_decimal(number, end);
    if (minus)
        put_character(out, '-');
    for (size_t used = (size_t)(end - first) + minus; used < digits_min; used++)
        put_character(out, '0');
    put(out, first, (size_t)(end - first));
}

static void put_text(struct out *out, const char *text, long precision)
{
    put(out, text, precision >= 0 ? strnlen(text, (size_t)precision) : strlen(text));
}

/* The arguments of one call, where a function may take them from. */
struct arguments {
    va_list list;
};

static int64_t take_signed(struct arguments *arguments, unsigned longs)
{
    if (longs == 0)
        return va_arg(arguments->list, int);
    return longs == 1 ? va_arg(arguments->list, long) : va_arg(arguments->list, long long);
}

static uint64_t take_unsigned(struct arguments *arguments, unsigned longs)
{
    if (longs == 0)
        return va_arg(arguments->list, unsigned);
    return longs == 1 ? va_arg(arguments->list, unsigned long)
                      : va_arg(arguments->list, unsigned long long);
}

/* What stands between % and the letter, where it asks for more than nothing. Returns where the
 * letter is. */
static const char *read_wish(const char *at, struct arguments *arguments, struct wish *ret_wish)
{
    if (*at == '0')
        for (at++; *at >= '0' && *at <= '9' && ret_wish->digits_min < 1000; at++)
            ret_wish->digits_min = ret_wish->digits_min * 10 + (size_t)(*at - '0');
    if (at[0] == '.' && at[1] == '*') {
        ret_wish->precision = va_arg(arguments->list, int);
        at += 2;
        return *at == 's' ? at : "";
    }
    if (*at == 'z') {
        ret_wish->longs = 1;
        return at + 1;
    }
    for (; *at == 'l' && ret_wish->longs < 2; at++)
        ret_wish->longs++;
    return at;
}

/* False: not one of those that are known here. */
static bool convert(struct out *out, char letter, const struct wish *wish,
                    struct arguments *arguments)
{
    bool plain = wish->longs == 0 && wish->digits_min == 0;
    switch (letter) {
    case 's': {
        const char *text = plain ? va_arg(arguments->list, const char *) : NULL;
        if (text != NULL)
            put_text(out, text, wish->precision);
        return text != NULL;
    }
    case 'c': {
        char character = plain ? (char)va_arg(arguments->list, int) : '\0';
        put_character(out, character);
        return plain;
    }
    case 'd':
    case 'i': {
        int64_t number = take_signed(arguments, wish->longs);
        put_number(out, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, number < 0, false,
                   wish->digits_min);
        return true;
    }
    case 'u':
    case 'x':
        put_number(out, take_unsigned(arguments, wish->longs), false, letter == 'x',
                   wish->digits_min);
        return true;
    case '%':
        put_character(out, '%');
        return plain;
    default:
        return false;
    }
}

static bool print(struct out *out, const char *format, struct arguments *arguments)
{
    for (const char *at = format; *(at = put_plain(out, at)) != '\0'; at++) {
        struct wish wish = {.precision = -1};
        if (at[1] == 's') /* most are */
            at++;
        else
            at = read_wish(at + 1, arguments, &wish);
        if (!convert(out, *at, &wish, arguments))
            return false;
    }
    return true;
}

int format_va(char *buffer, size_t size, const char *format, va_list args)
{
    struct arguments copy;
    va_copy(copy.list, args);
    struct out out = {.at = buffer, .end = size > 0 ? buffer + size - 1 : buffer};
    bool printed = print(&out, format, &copy);
    va_end(copy.list);
    size_t wanted = (size_t)(out.at - buffer) + out.left_out;
    if (!printed || wanted > INT_MAX)
        return vsnprintf(buffer, size, format, args);
    if (size > 0)
        *out.at = '\0';
    return (int)wanted;
}

int format_to(char *buffer, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int wanted = format_va(buffer, size, format, args);
    va_end(args);
    return wanted;
}
