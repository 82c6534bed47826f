/* SPDX-License-Identifier: Apache-2.0 */
/* revision.h - the revisions of a JobDefinition, each kept as an apps/v1 ControllerRevision
 *
 * Each content that a JobDefinition has makes a revision, numbered from 1. A ControllerRevision
 * cannot change, so what a job was accepted with is what it keeps. Its name is made of the
 * definition's name and UID and the number: a second create is a 409, and a definition that is
 * deleted and made again starts anew beside the revisions that live jobs still use.
 *
 * Nobody owns it, on purpose: with an owner reference the garbage collector would take it from
 * under a running job, and a finalizer would keep a namespace from going while no controller runs.
 * The controller deletes what is not needed any more. */
#ifndef BULKHEAD_API_REVISION_H
#define BULKHEAD_API_REVISION_H

#include "bulkhead/api/job.h"

/* The fields of a JobDefinition's spec that are about its revisions, and not part of one. */
#define DEFINITION_DEREGISTERED "deregisteredRevisions"
#define DEFINITION_HISTORY "revisionHistoryLimit"

/* "train:3" into the length of the name and 3; 0 without a number. */
size_t definition_ref_read(const char *text, int64_t *ret_revision);

/* The name of its ControllerRevision; the caller's. */
char *definition_revision_name(const char *definition, const char *uid, int64_t revision);

/* The whole object. content: of the JobDefinition itself, or of a revision that is made again. */
struct json_object *definition_revision_encode(const struct job_definition *content,
                                               int64_t revision);
/* ERR_INVALID also for one that has our label and was not made by us. */
int definition_revision_decode(struct json_object *doc, struct job_definition **ret_revision,
                               struct err *err);

/* What makes a revision of a spec, as text that is equal when the content is; NULL: no spec. */
char *definition_content(struct json_object *spec);
/* What the status says, into latest_revision and told_hash. value: may be NULL. */
void job_definition_status_read(struct json_object *value, struct job_definition *definition);

#endif
