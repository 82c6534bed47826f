/* SPDX-License-Identifier: Apache-2.0 */
/* command_answer.h - what a node program is asked and what it may answer; see hack/README.md
 *
 * Fields that are not in the protocol are passed over. One that is missing or of another type, or
 * two instances of one id, make the whole answer count for nothing. */
#ifndef BULKHEAD_SRC_NODES_COMMAND_ANSWER_H
#define BULKHEAD_SRC_NODES_COMMAND_ANSWER_H

#include "group.h"

struct command_request {
    enum group_verb verb;
    const char *environment;
    const struct key_values *parameters;
    const char *instance_type, *zone, *token; /* launch; zone NULL: any */
    int64_t count;                            /* launch */
    const char *const *ids;                   /* terminate */
    size_t id_count;
};
const char *command_verb_name(enum group_verb verb); /* "list" */
char *
command_request_text(const struct command_request *request); /* JSON and a newline; caller frees */

/* Part of the group's memory: zero it, and command_answer_done it. */
struct command_answer {
    struct instances instances;
    struct instance_type *types;
    size_t type_count;
    bool has_error;
    enum provider_result error; /* with has_error */
    char *error_message;
};
void command_answer_done(struct command_answer *answer);
/* ERR_AGAIN with the path of what is wrong: "answer.instances[0].id: ...". */
int command_answer_parse(enum group_verb verb, const char *text, size_t size,
                         struct command_answer *ret_answer, struct err *err);

#endif
