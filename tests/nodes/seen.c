/* SPDX-License-Identifier: Apache-2.0 */
#include "seen.h"

#include "check.h"

static void print_instance(const struct instance *instance, struct str *out)
{
    static const char *const states[] = {"pending", "running", "terminating", "terminated"};
    str_addf(out, "%s %s %s %s", instance->id, instance->type != NULL ? instance->type : "-",
             instance->node_name != NULL ? instance->node_name : "-", states[instance->state]);
    if (instance->zone != NULL)
        str_addf(out, " in %s", instance->zone);
    if (instance->signal != SIGNAL_NONE)
        str_addf(out, " %s", instance_signal_name(instance->signal));
    str_add(out, "\n");
}

void on_seen(void *ctx, const struct provider_answer *answer)
{
    static const char *const results[] = {"OK", "CAPACITY", "AGAIN", "INVALID"};
    struct seen *seen = ctx;

    seen->answers++;
    if (seen->loop != NULL)
        uv_stop(seen->loop);
    seen->result = answer->result;
    str_clear(&seen->text);
    str_addf(&seen->text, "%s%s%s\n", results[answer->result], answer->message != NULL ? ": " : "",
             answer->message != NULL ? answer->message : "");
    for (size_t i = 0; i < answer->instances->count; i++)
        print_instance(&answer->instances->items[i], &seen->text);
    for (size_t i = 0; i < answer->type_count; i++) {
        const struct instance_type *type = &answer->types[i];
        AUTO_STR capacity = STR_EMPTY;
        resources_print(&type->capacity, &capacity);
        str_addf(&seen->text, "%s vcpus=%lld price=%g arch=%s pods=%lld (%s)", type->name,
                 (long long)type->vcpus, type->price, type->arch != NULL ? type->arch : "-",
                 (long long)type->capacity.pods, str_text(&capacity));
        if (type->spot_price > 0)
            str_addf(&seen->text, " spot=%g interrupted=%lld%%", type->spot_price,
                     (long long)type->interruption);
        str_add(&seen->text, "\n");
    }
}

/* uv_stop, not UV_RUN_ONCE: an answer that a timer brings would leave ONCE waiting for the next
 * event. */
const char *seen_wait(struct seen *seen, uv_loop_t *loop)
{
    CHECK_INT("never inside the call", seen->answers, 0);
    seen->loop = loop;
    while (seen->answers == 0 && uv_run(loop, UV_RUN_DEFAULT) != 0)
        ;
    seen->loop = NULL;
    CHECK_INT("once", seen->answers, 1);
    seen->answers = 0;
    return str_text(&seen->text);
}

void seen_done(struct seen *seen)
{
    str_done(&seen->text);
}

void loop_done(uv_loop_t *loop)
{
    uv_run(loop, UV_RUN_DEFAULT);
    CHECK_INT("nothing is left on the loop", uv_loop_close(loop), 0);
}
