/* SPDX-License-Identifier: Apache-2.0 */
/* explain_print.c - an explanation as text for a person */
#include "bulkhead/base/clock.h"
#include "bulkhead/core/explain.h"

static void print_table(const struct explain_table *table, const char *what, struct str *out)
{
    if (table->all == 0)
        return;
    str_addf(out, "    %s: %lld of %lld fit\n", what, (long long)table->fit, (long long)table->all);
    for (size_t i = 0; i < table->line_count; i++) {
        const struct explain_line *line = &table->lines[i];
        str_addf(out, "      %s rules out %lld", line->what, (long long)line->rules_out);
        if (line->never > 0)
            str_addf(out, " (%lld even when empty)", (long long)line->never);
        if (line->alone < line->rules_out && line->alone > 0)
            str_addf(out, ", %lld by itself", (long long)line->alone);
        if (line->change != NULL)
            str_addf(out, ": %s", line->change);
        str_add(out, "\n");
    }
}

static void print_line(const struct explanation *explanation, struct str *out)
{
    if (explanation->position == 0) {
        str_addf(out, "  in no line\n");
        return;
    }
    str_addf(out, "  place in line: %s%lld of %lld", explanation->more_ahead ? "after " : "",
             (long long)explanation->position, (long long)explanation->in_line);
    if (explanation->position > 1)
        str_addf(out, ", %lld pod%s before it; first is %s (%s)",
                 (long long)explanation->tasks_ahead, explanation->tasks_ahead == 1 ? "" : "s",
                 explanation->head, explanation->head_reason);
    str_add(out, "\n");
    char start[TIME_TEXT_MAX];
    if (explanation->start_why != NULL)
        str_addf(out, "  earliest start: %s: %s\n",
                 explanation->start_ns != 0 ? time_print(explanation->start_ns, start)
                                            : "not known",
                 explanation->start_why);
}

static void print_cost(const struct explanation *explanation, struct str *out)
{
    if (explanation->cost_why == NULL)
        return;
    AUTO_TEXT amount =
        explanation->cost_known ? money_text(explanation->cost_amount) : text_copy("not known");
    str_addf(out, "  cost to come: %s: %s\n", amount, explanation->cost_why);
}

void explanation_print(const struct explanation *explanation, struct str *out)
{
    str_addf(out, "%s in JobQueue %s: %s %s%s%s\n", explanation->key, explanation->queue,
             explanation->phase, explanation->reason, explanation->message[0] != '\0' ? ": " : "",
             explanation->message);
    if (explanation->waiting == 0) {
        print_cost(explanation, out);
        return;
    }
    if (explanation->needs != NULL)
        str_addf(out, "  needs %s\n", explanation->needs);
    print_line(explanation, out);
    print_cost(explanation, out);
    for (size_t i = 0; i < explanation->environment_count; i++) {
        const struct explain_environment *environment = &explanation->environments[i];
        str_addf(out, "  %s: %s%s%s\n", environment->name,
                 environment->reason != NULL  ? environment->reason
                 : environment->nodes.fit > 0 ? "could take it"
                                              : "could take it, with more room",
                 environment->words[0] != '\0' ? ": " : "", environment->words);
        print_table(&environment->nodes, "nodes", out);
        print_table(&environment->types, "instance types", out);
        for (size_t k = 0; k < environment->launching_count; k++) {
            const struct launching *step = &environment->launching[k];
            char since[TIME_TEXT_MAX];
            str_addf(out, "    on its way: %lld %s since %s: %s\n", (long long)step->count,
                     launch_step_name(step->step), time_print(step->since_ns, since), step->hint);
        }
    }
}
