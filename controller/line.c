/* SPDX-License-Identifier: Apache-2.0 */
#include "line.h"

void line_add(struct line *line, struct line_item *item, enum line_class class)
{
    item->next = NULL;
    if (line->first[class] == NULL)
        line->first[class] = item;
    else
        line->last[class]->next = item;
    line->last[class] = item;
    line->count++;
}

static enum line_class next_class(const struct line *line)
{
    if (line->first[LINE_FIRST] != NULL)
        return LINE_FIRST;
    if (line->first[LINE_NEW] == NULL)
        return LINE_ENDING;
    if (line->first[LINE_ENDING] == NULL)
        return LINE_NEW;
    return line->ended < ENDING_PER_NEW ? LINE_ENDING : LINE_NEW;
}

struct line_item *line_take(struct line *line)
{
    enum line_class class = next_class(line);
    struct line_item *item = line->first[class];
    if (item == NULL)
        return NULL;
    line->first[class] = item->next;
    line->count--;
    if (class == LINE_ENDING && line->ended < ENDING_PER_NEW)
        line->ended++;
    else if (class == LINE_NEW)
        line->ended = 0;
    return item;
}
