/* SPDX-License-Identifier: Apache-2.0 */
/* revisions.c: what of a definition is stored, and which revision a job has and keeps */
#include "core/world.h"

#define HERE                                                                                       \
    "environment e static\n"                                                                       \
    "node n env=e cpu=2\n"                                                                         \
    "queue q envs=e\n"

/* clang-format off */
static const struct world_row rows[] = {
    {"a definition is stored before a job of it starts",
     HERE
     "definition d cpu=1\n"
     "job a queue=q definition=d\n",
     "0s store d-u1-d-1: cpu=1\n"
     "0s start a on n try 1 attempt 1\n"
     "0s   of d:1: cpu=1\n"
     "0s definition d ACTIVE latest=1 active=1\n"},
    {"an edit makes a revision, and what was accepted before keeps its own through all attempts",
     HERE
     "definition d cpu=1 retry=3\n"
     "job a queue=q definition=d\n"
     "at 1s\n"
     "definition d cpu=2\n"
     "at 2s\n"
     "pod a failed exit=1\n"
     "at 3s\n"
     "pod a ok\n"
     "at 4s\n"
     "job b queue=q definition=d\n",
     "0s store d-u1-d-1: cpu=1 retry=3\n"
     "0s start a on n try 1 attempt 1\n"
     "0s   of d:1: cpu=1 retry=3\n"
     "0s definition d ACTIVE latest=1 active=1\n"
     "1s store d-u1-d-2: retry=3 cpu=2\n"
     "1s definition d ACTIVE latest=2 active=2,1\n"
     "2s start a on n try 2 attempt 2\n"
     "2s   of d:1: cpu=1 retry=3\n"
     "3s told a SUCCEEDED Succeeded\n"
     "4s start b on n try 1 attempt 1\n"
     "4s   of d:2: retry=3 cpu=2\n"},
    {"the same content again is no revision",
     HERE
     "definition d cpu=1\n"
     "at 1s\n"
     "definition d cpu=1\n"
     "at 2s\n"
     "definition d cpu=2\n"
     "at 3s\n"
     "definition d cpu=1\n",
     "0s store d-u1-d-1: cpu=1\n"
     "0s definition d ACTIVE latest=1 active=1\n"
     "1s definition d ACTIVE latest=1 active=1\n"
     "2s store d-u1-d-2: cpu=2\n"
     "2s definition d ACTIVE latest=2 active=2,1\n"
     "3s store d-u1-d-3: cpu=1\n"
     "3s definition d ACTIVE latest=3 active=3,2,1\n"},
    {"a job may name a revision, also one that is yet to come",
     HERE
     "definition d cpu=1\n"
     "at 1s\n"
     "definition d cpu=2\n"
     "at 2s\n"
     "job a queue=q definition=d:1\n"
     "job b queue=q definition=d:3\n"
     "at 3s\n"
     "pod a ok\n"
     "why b\n"
     "at 4s\n"
     "definition d cpu=500m\n",
     "0s store d-u1-d-1: cpu=1\n"
     "0s definition d ACTIVE latest=1 active=1\n"
     "1s store d-u1-d-2: cpu=2\n"
     "1s definition d ACTIVE latest=2 active=2,1\n"
     "2s start a on n try 1 attempt 1\n"
     "2s   of d:1: cpu=1\n"
     "3s told a SUCCEEDED Succeeded\n"
     "3s b SUBMITTED JobDefinitionMissing: JobDefinition d:3 does not exist yet: the newest revision is 2\n"
     "4s store d-u1-d-3: cpu=500m\n"
     "4s start b on n try 1 attempt 1\n"
     "4s   of d:3: cpu=500m\n"
     "4s definition d ACTIVE latest=3 active=3,2,1\n"},
    {"a deregistered revision is not for new jobs",
     HERE
     "definition d cpu=1\n"
     "job a queue=q definition=d\n"
     "at 1s\n"
     "definition d cpu=500m\n"
     "at 2s\n"
     "definition d deregistered=2\n"
     "at 3s\n"
     "job b queue=q definition=d\n"
     "job c queue=q definition=d:2\n"
     "why c\n"
     "at 4s\n"
     "definition d deregistered=1,2\n"
     "job f queue=q definition=d\n"
     "why f\n"
     "at 5s\n"
     "pod a failed exit=1\n"
     "definition d deregistered=9\n"
     "job g queue=q definition=d\n",
     "0s store d-u1-d-1: cpu=1\n"
     "0s start a on n try 1 attempt 1\n"
     "0s   of d:1: cpu=1\n"
     "0s definition d ACTIVE latest=1 active=1\n"
     "1s store d-u1-d-2: cpu=500m\n"
     "1s definition d ACTIVE latest=2 active=2,1\n"
     "2s definition d ACTIVE latest=2 active=1\n"
     "3s start b on n try 1 attempt 1\n"
     "3s   of d:1: cpu=1\n"
     "3s told c FAILED InvalidDefinition\n"
     "3s c FAILED InvalidDefinition: JobDefinition d:2 is INACTIVE: it was deregistered; name another revision\n"
     "4s told f FAILED InvalidDefinition\n"
     "4s definition d INACTIVE latest=2 active=: all revisions are deregistered\n"
     "4s f FAILED InvalidDefinition: JobDefinition d is INACTIVE: all its revisions are deregistered\n"
     "5s start g on n try 1 attempt 1\n"
     "5s   of d:2: cpu=500m\n"
     "5s told a FAILED ContainerFailed\n"
     "5s definition d ACTIVE latest=2 active=2,1\n"},
    {"a definition that is deleted leaves its jobs what they have, and then nothing",
     HERE
     "definition d cpu=1 retry=2\n"
     "job a queue=q definition=d array=3\n"
     "at 1s\n"
     "definition d gone\n"
     "at 2s\n"
     "job b queue=q definition=d\n"
     "pod a/0 failed exit=1\n"
     "at 3s\n"
     "pod a/0 ok\n"
     "pod a/1 ok\n"
     "at 4s\n"
     "pod a/2 ok\n"
     "at 9s\n"
     "why b\n",
     "0s store d-u1-d-1: cpu=1 retry=2\n"
     "0s start a/0 on n try 1 attempt 1\n"
     "0s   of d:1: cpu=1 retry=2\n"
     "0s start a/1 on n try 1 attempt 1\n"
     "0s   of d:1: cpu=1 retry=2\n"
     "0s definition d ACTIVE latest=1 active=1\n"
     "2s start a/0 on n try 2 attempt 2\n"
     "2s   of d:1: cpu=1 retry=2\n"
     "3s start a/2 on n try 1 attempt 1\n"
     "3s   of d:1: cpu=1 retry=2\n"
     "3s told a PENDING Starting\n"
     "4s told a SUCCEEDED Succeeded\n"
     "4s delete revision d-u1-d-1\n"
     "7s told b SUBMITTED JobDefinitionMissing\n"
     "9s b SUBMITTED JobDefinitionMissing: JobDefinition d does not exist in namespace default\n"},
    {"a definition that is made again starts anew, and a restart does not mix them up",
     HERE
     "definition d cpu=1 retry=2\n"
     "job a queue=q definition=d\n"
     "at 2s\n"
     "pod a running\n"
     "at 4s\n"
     "definition d gone\n"
     "definition d cpu=2\n"
     "at 5s\n"
     "restart\n"
     "pod a failed exit=1\n"
     "at 6s\n"
     "pod a ok\n"
     "at 7s\n"
     "job b queue=q definition=d\n",
     "0s store d-u1-d-1: cpu=1 retry=2\n"
     "0s start a on n try 1 attempt 1\n"
     "0s   of d:1: cpu=1 retry=2\n"
     "0s definition d ACTIVE latest=1 active=1\n"
     "3s told a RUNNING Running\n"
     "4s store d-u2-d-1: cpu=2\n"
     "4s definition d ACTIVE latest=1 active=1\n"
     "5s start a on n try 2 attempt 2\n"
     "5s   of d:1: cpu=1 retry=2\n"
     "6s told a SUCCEEDED Succeeded\n"
     "6s delete revision d-u1-d-1\n"
     "7s start b on n try 1 attempt 1\n"
     "7s   of d:1: cpu=2\n"},
    {"before its status is written, its pods tell a job's revision",
     HERE
     "definition d cpu=1 retry=2\n"
     "job a queue=q definition=d array=2\n"
     "answer job-status a never\n"
     "at 1s\n"
     "definition d cpu=500m\n"
     "restart\n"
     "at 2s\n"
     "pod a/1 failed exit=1\n",
     "0s store d-u1-d-1: cpu=1 retry=2\n"
     "0s start a/0 on n try 1 attempt 1\n"
     "0s   of d:1: cpu=1 retry=2\n"
     "0s start a/1 on n try 1 attempt 1\n"
     "0s   of d:1: cpu=1 retry=2\n"
     "0s definition d ACTIVE latest=1 active=1\n"
     "1s store d-u1-d-2: retry=2 cpu=500m\n"
     "1s definition d ACTIVE latest=2 active=2,1\n"
     "2s start a/1 on n try 2 attempt 2\n"
     "2s   of d:1: cpu=1 retry=2\n"},
    {"while it waits, its status tells a job's revision",
     "environment e static\n"
     "queue q envs=e\n"
     "definition d cpu=1\n"
     "job a queue=q definition=d\n"
     "at 6s\n"
     "definition d cpu=2\n"
     "restart\n"
     "at 7s\n"
     "node n env=e cpu=2\n",
     "0s store d-u1-d-1: cpu=1\n"
     "0s definition d ACTIVE latest=1 active=1\n"
     "5s told a RUNNABLE DoesNotFit\n"
     "6s store d-u1-d-2: cpu=2\n"
     "6s definition d ACTIVE latest=2 active=2,1\n"
     "7s start a on n try 1 attempt 1\n"
     "7s   of d:1: cpu=1\n"},
    {"one that was told to wait for its definition is told its revision too",
     "environment e static\n"
     "queue q envs=e ns=other\n"
     "job a queue=q definition=d\n"
     "at 10s\n"
     "definition d cpu=1\n"
     "at 20s\n"
     "definition d cpu=2\n"
     "restart\n"
     "at 21s\n"
     "queue q ns=default\n"
     "node n env=e cpu=2\n",
     "5s told a SUBMITTED NamespaceNotAllowed\n"
     "10s store d-u1-d-1: cpu=1\n"
     "10s definition d ACTIVE latest=1 active=1\n"
     "15s told a SUBMITTED NamespaceNotAllowed\n"
     "20s store d-u1-d-2: cpu=2\n"
     "20s definition d ACTIVE latest=2 active=2,1\n"
     "21s start a on n try 1 attempt 1\n"
     "21s   of d:1: cpu=1\n"},
    {"old revisions go when newer ones are there, but not from under a job",
     HERE
     "definition d cpu=1 history=1\n"
     "job a queue=q definition=d\n"
     "at 1s\n"
     "definition d cpu=2\n"
     "at 2s\n"
     "definition d cpu=3\n"
     "at 3s\n"
     "definition d cpu=4\n"
     "at 4s\n"
     "pod a ok\n"
     "at 5s\n"
     "job b queue=q definition=d:2\n"
     "why b\n"
     "at 6s\n"
     "definition d history=0\n",
     "0s store d-u1-d-1: cpu=1\n"
     "0s start a on n try 1 attempt 1\n"
     "0s   of d:1: cpu=1\n"
     "0s definition d ACTIVE latest=1 active=1\n"
     "1s store d-u1-d-2: cpu=2\n"
     "1s definition d ACTIVE latest=2 active=2,1\n"
     "2s store d-u1-d-3: cpu=3\n"
     "2s definition d ACTIVE latest=3 active=3,2,1\n"
     "3s store d-u1-d-4: cpu=4\n"
     "3s delete revision d-u1-d-2\n"
     "3s definition d ACTIVE latest=4 active=4,3,1\n"
     "4s told a SUCCEEDED Succeeded\n"
     "4s delete revision d-u1-d-1\n"
     "4s definition d ACTIVE latest=4 active=4,3\n"
     "5s told b FAILED InvalidDefinition\n"
     "5s b FAILED InvalidDefinition: JobDefinition d:2 does not exist any more: revisions that no job uses are removed after spec.revisionHistoryLimit newer ones\n"
     "6s delete revision d-u1-d-3\n"
     "6s definition d ACTIVE latest=4 active=4\n"},
    {"a revision that was deleted is not there again when its creation is heard late",
     HERE
     "definition d cpu=1 history=0\n"
     "at 1s\n"
     "definition d cpu=2\n"
     "at 2s\n"
     "revision d-u1-d-1 was number=1\n"
     "job a queue=q definition=d:1\n"
     "at 3s\n"
     "why a\n",
     "0s store d-u1-d-1: cpu=1\n"
     "0s definition d ACTIVE latest=1 active=1\n"
     "1s store d-u1-d-2: cpu=2\n"
     "1s delete revision d-u1-d-1\n"
     "1s definition d ACTIVE latest=2 active=2\n"
     "2s told a FAILED InvalidDefinition\n"
     "3s a FAILED InvalidDefinition: JobDefinition d:1 does not exist any more: revisions that no job uses are removed after spec.revisionHistoryLimit newer ones\n"},
    {"what cannot be stored is told, and nothing of it starts",
     HERE
     "answer always revision-create d:1 forbidden no right\n"
     "definition d cpu=1\n"
     "job a queue=q definition=d\n"
     "why a\n"
     "at 6s\n"
     "answer revision-create d:1 ok\n"
     "at 12s\n",
     "0s store d-u1-d-1: cpu=1\n"
     "0s definition d INVALID latest=0 active=: no right\n"
     "0s a SUBMITTED JobDefinitionNotStored: JobDefinition d is being stored as a new revision: no right\n"
     "1s store d-u1-d-1: cpu=1\n"
     "3s store d-u1-d-1: cpu=1\n"
     "5s told a SUBMITTED JobDefinitionNotStored\n"
     "7s store d-u1-d-1: cpu=1\n"
     "7s start a on n try 1 attempt 1\n"
     "7s   of d:1: cpu=1\n"
     "7s definition d ACTIVE latest=1 active=1\n"
     "12s told a STARTING Starting\n"},
    {"a create whose answer is lost is found to be there",
     HERE
     "answer revision-create d:1 lost\n"
     "definition d cpu=1\n"
     "job a queue=q definition=d\n"
     "at 4s\n",
     "0s store d-u1-d-1: cpu=1\n"
     "0s start a on n try 1 attempt 1\n"
     "0s   of d:1: cpu=1\n"
     "0s definition d ACTIVE latest=1 active=1\n"},
    {"what an earlier process stored last counts, also when the content has moved on",
     HERE
     "answer revision-create d:1 lost\n"
     "definition d cpu=1\n"
     "at 500ms\n"
     "definition d cpu=2\n"
     "restart\n"
     "job a queue=q definition=d\n"
     "at 5s\n",
     "0s store d-u1-d-1: cpu=1\n"
     "0s definition d ACTIVE latest=1 active=1\n"
     "0.5s store d-u1-d-2: cpu=2\n"
     "0.5s start a on n try 1 attempt 1\n"
     "0.5s   of d:2: cpu=2\n"
     "0.5s definition d ACTIVE latest=2 active=2,1\n"},
    {"somebody deletes what is needed: it is stored again",
     HERE
     "definition d cpu=1\n"
     "job a queue=q definition=d\n"
     "at 1s\n"
     "definition d cpu=2\n"
     "at 2s\n"
     "revision d-u1-d-1 gone\n"
     "at 3s\n"
     "revision d-u1-d-2 gone\n"
     "at 4s\n"
     "definition d gone\n"
     "at 4.5s\n",
     "0s store d-u1-d-1: cpu=1\n"
     "0s start a on n try 1 attempt 1\n"
     "0s   of d:1: cpu=1\n"
     "0s definition d ACTIVE latest=1 active=1\n"
     "1s store d-u1-d-2: cpu=2\n"
     "1s definition d ACTIVE latest=2 active=2,1\n"
     "2s store d-u1-d-1: cpu=1\n"
     "3s store d-u1-d-2: cpu=2\n"
     "4s delete revision d-u1-d-2\n"},
    {"what its job was accepted with is lost: it waits, and says so",
     "environment e static\n"
     "queue q envs=e\n"
     "definition d cpu=1\n"
     "job a queue=q definition=d\n"
     "at 6s\n"
     "definition d gone\n"
     "answer always revision-create d:1 refused namespace is going\n"
     "revision d-u1-d-1 gone\n"
     "at 7s\n"
     "restart\n"
     "node n env=e cpu=2\n"
     "why a\n",
     "0s store d-u1-d-1: cpu=1\n"
     "0s definition d ACTIVE latest=1 active=1\n"
     "5s told a RUNNABLE DoesNotFit\n"
     "6s store d-u1-d-1: cpu=1\n"
     "7s a SUBMITTED JobDefinitionMissing: revision d:1 of its JobDefinition, which it was accepted with, was deleted\n"},
    {"an edit that does not make sense fails new jobs, but for those that name a revision",
     HERE
     "definition d cpu=500m\n"
     "job a queue=q definition=d\n"
     "at 1s\n"
     "definition d cpu=250m invalid=spec.timeout:~0\n"
     "job b queue=q definition=d\n"
     "why b\n"
     "job c queue=q definition=d:1\n"
     "at 2s\n"
     "definition d invalid=\n"
     "at 3s\n"
     "job f queue=q definition=d\n",
     "0s store d-u1-d-1: cpu=500m\n"
     "0s start a on n try 1 attempt 1\n"
     "0s   of d:1: cpu=500m\n"
     "0s definition d ACTIVE latest=1 active=1\n"
     "1s told b FAILED InvalidDefinition\n"
     "1s definition d INVALID latest=1 active=1: spec.timeout: 0\n"
     "1s b FAILED InvalidDefinition: JobDefinition d is invalid: spec.timeout: 0\n"
     "1s start c on n try 1 attempt 1\n"
     "1s   of d:1: cpu=500m\n"
     "2s store d-u1-d-2: cpu=250m\n"
     "2s definition d ACTIVE latest=2 active=2,1\n"
     "3s start f on n try 1 attempt 1\n"
     "3s   of d:2: cpu=250m\n"},
};
/* clang-format on */

TEST(revisions)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS | SHOW_STATUS | SHOW_REVISIONS | SHOW_ATTEMPTS);
}
