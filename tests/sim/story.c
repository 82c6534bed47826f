/* SPDX-License-Identifier: Apache-2.0 */
/* story.c - what happened, told only when somebody will read it
 *
 * Runs are silent and fast; a run that went wrong is played again from its seed with the story on.
 * The last lines are kept, or, when verbose, all are printed as they happen. */
#include "sim/world.h"

#include "bulkhead/base/str.h"

#include <stdarg.h>
#include <stdio.h>

static void print_line(const struct str *line)
{
    printf("  %s\n", str_text(line));
}

void story_tell(struct world *world, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    struct str *line = &world->story[world->story_count++ % STORY_LINES];
    int64_t us = (world->now_ns - world->start_ns) / 1000;
    str_clear(line);
    str_addf(line, "%8lld.%06lld %s", (long long)(us / 1000000), (long long)(us % 1000000), text);
    if (world->verbose)
        print_line(line);
}

void story_print(const struct world *world)
{
    if (world->verbose)
        return;
    size_t first = world->story_count > STORY_LINES ? world->story_count - STORY_LINES : 0;
    for (size_t i = first; i < world->story_count; i++)
        print_line(&world->story[i % STORY_LINES]);
}

void story_done(struct world *world)
{
    for (size_t i = 0; i < STORY_LINES; i++)
        str_done(&world->story[i]);
}
