/* SPDX-License-Identifier: Apache-2.0 */
/* child_test.c - the state table has no empty cell, and docs/states.md shows it as it is */
#include "check.h"

#include "src/core/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT "docs/states.md"
#define BEGIN "<!-- table of states: begin -->\n"
#define END "<!-- table of states: end -->"

static void print_table(struct str *out)
{
    str_add(out, "| state |");
    for (int event = 0; event < CHILD_EVENT_COUNT; event++)
        str_addf(out, " %s |", child_event_name((enum child_event)event));
    str_add(out, "\n|---|");
    for (int event = 0; event < CHILD_EVENT_COUNT; event++)
        str_add(out, "---|");
    for (int phase = 0; phase < JOB_PHASE_COUNT; phase++) {
        str_addf(out, "\n| %s |", job_phase_name((enum job_phase)phase));
        for (int event = 0; event < CHILD_EVENT_COUNT; event++) {
            const struct child_step *step =
                child_step_at((enum job_phase)phase, (enum child_event)event);
            str_addf(out, " %s |",
                     step->kind == STEP_MOVE   ? job_phase_name(step->to)
                     : step->kind == STEP_STAY ? "–"
                                               : "BUG");
        }
    }
    str_add(out, "\n");
}

TEST(no_cell_is_empty)
{
    for (int phase = 0; phase < JOB_PHASE_COUNT; phase++) {
        for (int event = 0; event < CHILD_EVENT_COUNT; event++) {
            const struct child_step *step =
                child_step_at((enum job_phase)phase, (enum child_event)event);
            CHECK_TRUE(job_phase_name((enum job_phase)phase), step->kind != STEP_BUG);
        }
    }
}

TEST(an_end_is_for_ever)
{
    for (int phase = JOB_SUCCEEDED; phase <= JOB_FAILED; phase++) {
        for (int event = 0; event < CHILD_EVENT_COUNT; event++)
            CHECK_INT(child_event_name((enum child_event)event),
                      child_step_at((enum job_phase)phase, (enum child_event)event)->kind,
                      STEP_STAY);
    }
}

/* Whatever has not ended can end, and nothing that moves stays where it is. */
TEST(everything_can_end)
{
    for (int phase = 0; phase < JOB_SUCCEEDED; phase++) {
        const char *name = job_phase_name((enum job_phase)phase);
        CHECK_INT(name, child_step_at((enum job_phase)phase, ON_SUCCEED)->to, JOB_SUCCEEDED);
        CHECK_INT(name, child_step_at((enum job_phase)phase, ON_FAIL)->to, JOB_FAILED);
        for (int event = 0; event < CHILD_EVENT_COUNT; event++) {
            const struct child_step *step =
                child_step_at((enum job_phase)phase, (enum child_event)event);
            CHECK_TRUE(name, step->kind != STEP_MOVE || (int)step->to != phase);
        }
    }
}

TEST(the_documents_table_is_the_programs)
{
    AUTO_TEXT text = file_text(DOCUMENT);
    REQUIRE(text != NULL); /* tests run at the top of the repository */
    char *begin = strstr(text, BEGIN);
    REQUIRE(begin != NULL);
    if (begin == NULL) /* for the analyzer, which does not see that REQUIRE leaves */
        return;
    begin += strlen(BEGIN);
    char *end = strstr(begin, END);
    REQUIRE(end != NULL);
    if (end == NULL)
        return;
    *end = '\0';
    AUTO_STR want = STR_EMPTY;
    print_table(&want);
    CHECK_TEXT(DOCUMENT, begin, str_text(&want));
    *end = END[0];
}

/* Every reason a job's status can have is explained to users. */
TEST(every_reason_is_documented)
{
    static const char *const ends[] = {
        "Succeeded",       "ContainerFailed", "TimedOut",          "HostTerminated",
        "Cancelled",       "Terminated",      "ArrayChildFailed",  "DependencyFailed",
        "DependencyCycle", "InvalidSpec",     "InvalidDefinition", "UnsupportedTemplate",
        "PodRefused",
    };
    AUTO_TEXT text = file_text(DOCUMENT);
    REQUIRE(text != NULL);
    for (int verdict = 0; verdict < VERDICT_COUNT; verdict++) {
        AUTO_TEXT cell = text_printf("| `%s` |", verdict_reason((enum verdict)verdict));
        CHECK_TRUE(cell, strstr(text, cell) != NULL);
    }
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        AUTO_TEXT cell = text_printf("| `%s` |", ends[i]);
        CHECK_TRUE(cell, strstr(text, cell) != NULL);
    }
}
