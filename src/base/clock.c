/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - time for the shell around the core, and its text form
 *
 * Dates are computed here (the civil-calendar arithmetic of Howard Hinnant) and not by libc, whose
 * answers depend on the environment and on locks. */
#include "bulkhead/base/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec now;
    int failed = clock_gettime(id, &now);
    assert(failed == 0);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int64_t steady_offset_ns;

__attribute__((constructor)) static void start_steady(void)
{
    steady_offset_ns = read_ns(CLOCK_REALTIME) - read_ns(CLOCK_MONOTONIC);
}

int64_t clock_steady_ns(void)
{
    return read_ns(CLOCK_MONOTONIC) + steady_offset_ns;
}

int64_t clock_wall_ns(void)
{
    return read_ns(CLOCK_REALTIME);
}

/* --- Calendar ----------------------------------------------------------------------------------
 */

enum { DAYS_PER_ERA = 146097, DAYS_TO_EPOCH = 719468 }; /* eras of 400 years from 0000-03-01 */

struct date {
    int64_t year;
    int month, day;
};

static int64_t days_from_date(struct date date)
{
    int64_t year = date.month <= 2 ? date.year - 1 : date.year; /* it starts in March */
    int64_t era = year / 400;                                   /* years are positive here */
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH;
}

static struct date date_from_days(int64_t days)
{
    int64_t shifted = days + DAYS_TO_EPOCH; /* positive for every int64 of nanoseconds */
    int64_t era = shifted / DAYS_PER_ERA;
    int64_t day_of_era = shifted - era * DAYS_PER_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month_from_march = (int)((5 * day_of_year + 2) / 153);
    int month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;

    return (struct date){
        .year = year_of_era + era * 400 + (month <= 2 ? 1 : 0),
        .month = month,
        .day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
    };
}

static int days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && is_leap ? 29 : days[month - 1];
}

/* --- Text --------------------------------------------------------------------------------------
 */

/* Rounds down, so that times before 1970 print as the second they are in. */
static int64_t divide_down(int64_t number, int64_t by, int64_t *ret_rest)
{
    bool is_below = number % by < 0;
    *ret_rest = number % by + (is_below ? by : 0);
    return number / by - (is_below ? 1 : 0);
}

/* Statuses and verdicts are full of times: printf took longer than all else in them. */
static char *put(char *at, int64_t number, int digits, char after)
{
    for (int i = digits - 1; i >= 0; i--, number /= 10)
        at[i] = (char)('0' + number % 10);
    at[digits] = after;
    return at + digits + 1;
}

static const char *print(int64_t ns, int decimals, char text[TIME_TEXT_MAX])
{
    int64_t rest_ns, second_of_day;
    int64_t seconds = divide_down(ns, NS_PER_S, &rest_ns);
    struct date date = date_from_days(divide_down(seconds, 86400, &second_of_day));

    char *end = put(text, date.year, 4, '-'); /* 1677 to 2262: what 64 bits of ns can tell */
    end = put(end, date.month, 2, '-');
    end = put(end, date.day, 2, 'T');
    end = put(end, second_of_day / 3600, 2, ':');
    end = put(end, second_of_day / 60 % 60, 2, ':');
    end = put(end, second_of_day % 60, 2, decimals > 0 ? '.' : 'Z');
    if (decimals > 0)
        end = put(end, rest_ns / 1000, 6, 'Z');
    *end = '\0';
    return text;
}

const char *time_print(int64_t ns, char text[TIME_TEXT_MAX])
{
    return print(ns, 0, text);
}

const char *time_print_micro(int64_t ns, char text[TIME_TEXT_MAX])
{
    return print(ns, 6, text);
}

/* Exactly count digits, then the character `after` (NUL: none). Moves *text past both. */
static bool take_number(const char **text, int count, char after, int *ret_number)
{
    int number = 0;
    for (int i = 0; i < count; i++, (*text)++) {
        if (**text < '0' || **text > '9')
            return false;
        number = number * 10 + (**text - '0');
    }
    *ret_number = number;
    if (after == '\0')
        return true;
    return *(*text)++ == after;
}

/* ".5" to nanoseconds; what is finer is cut off. */
static bool take_fraction(const char **text, int64_t *ret_ns)
{
    *ret_ns = 0;
    if (**text != '.')
        return true;

    const char *start = ++*text;
    for (int64_t unit = NS_PER_S / 10; **text >= '0' && **text <= '9'; (*text)++, unit /= 10)
        *ret_ns += unit * (**text - '0');
    return *text > start;
}

/* "Z" or "+02:00" to seconds. */
static bool take_offset(const char **text, int *ret_seconds)
{
    char sign = *(*text)++;
    *ret_seconds = 0;
    if (sign == 'Z')
        return true;

    int hours, minutes;
    if ((sign != '+' && sign != '-') || !take_number(text, 2, ':', &hours) ||
        !take_number(text, 2, '\0', &minutes) || hours > 23 || minutes > 59)
        return false;
    *ret_seconds = (hours * 60 + minutes) * (sign == '-' ? -60 : 60);
    return true;
}

int time_parse(const char *text, int64_t *ret_ns, struct err *err)
{
    const char *at = text;
    int year, month, day, hour, minute, second, offset;
    int64_t fraction_ns;

    bool is_whole = take_number(&at, 4, '-', &year) && take_number(&at, 2, '-', &month) &&
                    take_number(&at, 2, 'T', &day) && take_number(&at, 2, ':', &hour) &&
                    take_number(&at, 2, ':', &minute) && take_number(&at, 2, '\0', &second) &&
                    take_fraction(&at, &fraction_ns) && take_offset(&at, &offset) && *at == '\0';
    if (!is_whole)
        return err_set(err, ERR_INVALID, "time \"%.40s\": expected as in 2026-11-21T09:30:00Z",
                       text);

    bool is_date = month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month);
    if (!is_date || hour > 23 || minute > 59 || second > 59)
        return err_set(err, ERR_INVALID, "time \"%.40s\": no such date or time", text);
    if (year < 1678 || year > 2261)
        return err_set(err, ERR_INVALID, "time \"%.40s\": expected from 1678 to 2261", text);

    int64_t days = days_from_date((struct date){year, month, day});
    int64_t seconds = days * 86400 + hour * 3600 + minute * 60 + second - offset;
    *ret_ns = seconds * NS_PER_S + fraction_ns;
    return 0;
}
