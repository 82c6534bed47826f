/* SPDX-License-Identifier: Apache-2.0 */
/* values.h - the small values that JSON documents carry and C lacks
 *
 * Ownership  a list owns its items and their text; _done releases both and leaves it empty.
 * Absence    an absent number is a struct opt_i64 with set == false, an absent text is NULL. */
#ifndef BULKHEAD_JSON_VALUES_H
#define BULKHEAD_JSON_VALUES_H

#include "bulkhead/base/macros.h"

#include <stdbool.h>
#include <stdint.h>

struct opt_i64 {
    bool set;
    int64_t value;
};
#define OPT_I64(v) ((struct opt_i64){true, (v)})

struct text_list { /* ["a","b"] */
    char **items;
    size_t count;
};

struct key_value {
    char *key;
    char *value;
};
struct key_values { /* {"k":"v"}, in the order of the document */
    struct key_value *items;
    size_t count;
};

void text_list_done(struct text_list *list);
void text_list_add(struct text_list *list, const char *text);
void key_values_done(struct key_values *list);
void key_values_set(struct key_values *list, const char *key,
                    const char *value);                                     /* adds or replaces */
const char *key_values_get(const struct key_values *list, const char *key); /* NULL: none */

#endif
