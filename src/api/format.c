/* SPDX-License-Identifier: Apache-2.0 */
/* How texts in our specs must look. Each pattern is repeated in crds/, which lint compares; the
 * functions say the same by hand, since a regular expression engine is not worth having for it. */
#include "bulkhead/api/tables.h"

#include "bulkhead/base/str.h"

#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* Only characters of inner, and one of edge at both ends. */
static bool is_made_of(const char *text, const char *inner, const char *edge)
{
    size_t size = strlen(text);
    return size > 0 && strspn(text, inner) == size && strchr(edge, text[0]) != NULL &&
           strchr(edge, text[size - 1]) != NULL;
}

/* Only characters of set, then at most one star. */
static bool is_glob(const char *text, const char *set)
{
    size_t size = strspn(text, set);
    if (text[size] == '*')
        size++;
    return size > 0 && text[size] == '\0';
}

static bool is_label(const char *text)
{
    return is_made_of(text, LOWER DIGITS "-", LOWER DIGITS);
}

static bool is_name(const char *text)
{
    return is_made_of(text, LOWER DIGITS "-.", LOWER DIGITS);
}

/* name or name:revision */
static bool is_definition(const char *text)
{
    const char *colon = strchr(text, ':');
    AUTO_TEXT name = text_copy_n(text, colon != NULL ? (size_t)(colon - text) : strlen(text));
    if (!is_name(name))
        return false;
    size_t digits = colon != NULL ? strspn(colon + 1, DIGITS) : 0;
    return colon == NULL ||
           (digits > 0 && digits < 10 && colon[1] != '0' && colon[1 + digits] == '\0');
}

/* AWS Batch refuses the same namespaces. */
static bool is_job_namespace(const char *text)
{
    return is_label(text) && strlen(text) <= 63 && strcmp(text, "default") != 0 &&
           !text_starts(text, "kube-");
}

static bool is_reason_glob(const char *text)
{
    return is_glob(text, LOWER UPPER DIGITS ".: \t");
}

static bool is_code_glob(const char *text)
{
    return is_glob(text, DIGITS);
}

/* "0-3,7". That the end of a range is not before its start is for ranges_parse to see. */
static bool is_indexes(const char *text)
{
    for (;;) {
        size_t digits = strspn(text, DIGITS);
        if (digits == 0)
            return false;
        text += digits;
        if (*text == '-') {
            digits = strspn(++text, DIGITS);
            if (digits == 0)
                return false;
            text += digits;
        }
        if (*text == '\0')
            return true;
        if (*text++ != ',')
            return false;
    }
}

/* "3", "3:", ":3" or "0:3". */
static bool is_target_nodes(const char *text)
{
    size_t first = strspn(text, DIGITS);
    const char *rest = text + first;
    if (*rest != ':')
        return first >= 1 && first <= 4 && *rest == '\0';
    size_t last = strspn(rest + 1, DIGITS);
    return first + last > 0 && first <= 4 && last <= 4 && rest[1 + last] == '\0';
}

static bool is_instance_type(const char *text)
{
    return is_made_of(text, LOWER UPPER DIGITS "-._", LOWER UPPER DIGITS);
}

/* It is a label of pods too, so it can be no more than that. */
static bool is_share(const char *text)
{
    return is_made_of(text, LOWER UPPER DIGITS "-._", LOWER UPPER DIGITS);
}

/* One identifier, or the beginning of some with a star behind it. */
static bool is_share_pattern(const char *text)
{
    size_t size = strlen(text);
    if (size == 0 || text[size - 1] != '*')
        return is_share(text);
    return size == 1 || (strspn(text, LOWER UPPER DIGITS "-._") == size - 1 &&
                         strchr(LOWER UPPER DIGITS, text[0]) != NULL);
}

const struct text_format format_label = {"a DNS label (a-z, 0-9 and -)",
                                         "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", is_label};
const struct text_format format_name = {"an object's name (a-z, 0-9, - and .)",
                                        "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", is_name};
const struct text_format format_definition = {"a JobDefinition's name, or name:revision",
                                              "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[1-9][0-9]{0,8})?$",
                                              is_definition};
const struct text_format format_namespace = {"a namespace other than default and kube-*",
                                             "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", is_job_namespace};
const struct text_format format_reason_glob = {
    "letters, digits, '.', ':' and blanks, with at most one '*' at the end",
    "^([A-Za-z0-9.: \\t]+\\*?|\\*)$", is_reason_glob};
const struct text_format format_code_glob = {"digits, with at most one '*' at the end",
                                             "^([0-9]+\\*?|\\*)$", is_code_glob};
const struct text_format format_indexes = {"indexes such as 0-3,7",
                                           "^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$", is_indexes};
const struct text_format format_target_nodes = {
    "nodes as 0:3, :3, 4: or 2", "^([0-9]{1,4}(:[0-9]{0,4})?|:[0-9]{1,4})$", is_target_nodes};
const struct text_format format_program = {"a program's name (a-z, 0-9, - and .), not a path",
                                           "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", is_name};
const struct text_format format_instance_type = {"an instance type such as m5.large",
                                                 "^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$",
                                                 is_instance_type};

const struct text_format format_share = {"a share identifier (letters, digits, -, . and _)",
                                         "^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$", is_share};
const struct text_format format_share_pattern = {
    "a share identifier, or the beginning of some with * behind it",
    "^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9*]$", is_share_pattern};

const char *const state_words[2] = {"DISABLED", "ENABLED"};
