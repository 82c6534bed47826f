/* SPDX-License-Identifier: Apache-2.0 */
/* line.h - who is next when the client's window has room
 *
 * One plan can hold hundreds of creates. First come, first served would put the status that sets
 * five hundred ended pods free behind all of them, and ended pods would pile up in the API server.
 *
 *   LINE_FIRST  statuses and finalizers, and whatever they read: few, and much waits for them
 *   LINE_ENDING releases and deletes: they make room
 *   LINE_NEW    creates: one for every ENDING_PER_NEW that end, so that neither starves
 *
 * Within a class first come, first served. Items are borrowed until they are taken. */
#ifndef BULKHEAD_CONTROLLER_LINE_H
#define BULKHEAD_CONTROLLER_LINE_H

#include <stddef.h>

enum line_class { LINE_FIRST, LINE_ENDING, LINE_NEW, LINE_CLASS_COUNT };
enum { ENDING_PER_NEW = 2 };

struct line_item { /* embed it */
    struct line_item *next;
};

struct line { /* zeroed is empty */
    struct line_item *first[LINE_CLASS_COUNT], *last[LINE_CLASS_COUNT];
    size_t count;
    int ended; /* ENDING taken since the last NEW */
};

void line_add(struct line *line, struct line_item *item, enum line_class class);
struct line_item *line_take(struct line *line); /* NULL: nobody waits */

#endif
