/* SPDX-License-Identifier: Apache-2.0 */
/* command.c - node groups behind a program of the admin's, one run a call
 *
 * A program that cannot be run is the admin's to mend (PROVIDER_INVALID). One that fails, hangs or
 * prints what cannot be read leaves us knowing nothing (PROVIDER_AGAIN): a launch may have
 * happened, and the same token asked again finds out. */
#include "command_answer.h"
#include "program.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct command_call {
    struct node_group *group;
    enum group_verb verb;
    struct program *program;
    char *instance_type; /* launch: what was asked for */
    int64_t count;
};

struct command { /* the group's state */
    struct command_call *calls[GROUP_VERB_COUNT];
};

static void call_free(struct command_call *call)
{
    free(call->instance_type);
    free(call);
}

/* Fewer instances than asked for are a lack of capacity, whether the program says so or not. */
static void judge_launch(const struct command_call *call, const struct command_answer *answer,
                         struct provider_answer *ret_answer, char text[512])
{
    int64_t launched = (int64_t)answer->instances.count;
    if (ret_answer->result != PROVIDER_OK || launched >= call->count)
        return;
    snprintf(text, 512, "%lld of %lld %s launched", (long long)launched, (long long)call->count,
             call->instance_type);
    ret_answer->result = PROVIDER_CAPACITY;
    ret_answer->message = text;
}

static void answer_well(struct command_call *call, struct command_answer *answer)
{
    char text[512];
    struct provider_answer out = {
        .result = answer->has_error ? answer->error : PROVIDER_OK,
        .message = answer->error_message,
        .instances = &answer->instances,
        .types = answer->types,
        .type_count = answer->type_count,
    };
    for (size_t i = 0; call->instance_type != NULL && i < answer->instances.count; i++) {
        if (answer->instances.items[i].type == NULL)
            answer->instances.items[i].type = text_copy(call->instance_type);
    }
    if (call->verb == GROUP_LAUNCH)
        judge_launch(call, answer, &out, text);
    group_answer(call->group, call->verb, &out);
}

static void on_program_done(void *ctx, const struct str *output, const struct err *program_err)
{
    struct command_call *call = ctx;
    struct command *command = call->group->state;
    struct command_answer answer = {.types = NULL};
    struct err err = {.kind = ERR_NONE};

    command->calls[call->verb] = NULL;
    if (output == NULL) {
        err = *program_err;
    } else if (command_answer_parse(call->verb, str_text(output), output->size, &answer, &err) <
               0) {
        err_wrap(&err, "%s %s", call->group->program, command_verb_name(call->verb));
    }
    if (err.kind == ERR_NONE)
        answer_well(call, &answer);
    else
        group_answer(call->group, call->verb,
                     &(struct provider_answer){.result = PROVIDER_AGAIN, .message = err.text});
    command_answer_done(&answer);
    call_free(call);
}

static void run(struct node_group *group, const struct command_request *given)
{
    AUTO_TEXT path = NULL;
    struct err err = {.kind = ERR_NONE};
    if (group->programs_dir == NULL || group->program == NULL) {
        group_refuse(group, given->verb, PROVIDER_INVALID,
                     "compute environment %s asks for a node program, but the controller was "
                     "started without "
                     "--node-programs-dir",
                     group->name);
        return;
    }
    if (program_find(group->programs_dir, group->program, &path, &err) < 0) {
        group_refuse(group, given->verb, PROVIDER_INVALID, "%s", err.text);
        return;
    }

    if (group->state == NULL)
        group->state = mem_new(sizeof(struct command));
    struct command_call *call = mem_new(sizeof(*call));
    *call = (struct command_call){.group = group, .verb = given->verb, .count = given->count};
    call->instance_type = text_copy(given->instance_type);

    struct command_request request = *given;
    request.environment = group->name;
    request.parameters = &group->parameters;
    char *input = command_request_text(&request);
    struct program_options options = {.loop = group->host.loop,
                                      .path = path,
                                      .verb = command_verb_name(given->verb),
                                      .ms_max = group->host.program_ms_max,
                                      .on_done = on_program_done,
                                      .ctx = call};
    call->program = program_run(&options, &input);
    ((struct command *)group->state)->calls[given->verb] = call;
}

static void command_types(struct node_group *group, provider_callback done, void *ctx)
{
    group_begin(group, GROUP_TYPES, done, ctx);
    run(group, &(struct command_request){.verb = GROUP_TYPES});
}

static void command_observe(struct node_group *group, provider_callback done, void *ctx)
{
    group_begin(group, GROUP_OBSERVE, done, ctx);
    run(group, &(struct command_request){.verb = GROUP_OBSERVE});
}

static void command_launch(struct node_group *group, const char *instance_type, const char *zone,
                           int64_t count, const char *token, provider_callback done, void *ctx)
{
    group_begin(group, GROUP_LAUNCH, done, ctx);
    run(group, &(struct command_request){.verb = GROUP_LAUNCH,
                                         .instance_type = instance_type,
                                         .zone = zone,
                                         .count = count,
                                         .token = token});
}

static void command_terminate(struct node_group *group, const char *const *ids, size_t count,
                              provider_callback done, void *ctx)
{
    group_begin(group, GROUP_TERMINATE, done, ctx);
    run(group, &(struct command_request){.verb = GROUP_TERMINATE, .ids = ids, .id_count = count});
}

static void command_free(struct node_group *group)
{
    struct command *command = group->state;
    for (size_t i = 0; command != NULL && i < GROUP_VERB_COUNT; i++) {
        if (command->calls[i] == NULL)
            continue;
        program_cancel(command->calls[i]->program);
        call_free(command->calls[i]);
    }
    free(command);
    group->state = NULL;
}

const struct provider provider_command = {
    .name = "command",
    .types = command_types,
    .observe = command_observe,
    .launch = command_launch,
    .terminate = command_terminate,
    .free_state = command_free,
};
