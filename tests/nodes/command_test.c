/* SPDX-License-Identifier: Apache-2.0 */
/* command_test.c - the command provider against programs that behave, and programs that do not */
#include "check.h"
#include "seen.h"

#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct world {
    uv_loop_t loop;
    char directory[64]; /* with programs/, and what programs leave behind */
    char *programs;
    struct compute_environment environment;
    struct node_group *group;
};

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

/* body is a shell script; $1 is the verb, $DIR the world's directory. */
static void world_init(struct world *world, const char *body, int64_t program_ms_max)
{
    *world = (struct world){.programs = NULL};
    signal(SIGPIPE, SIG_IGN); /* as the controller's main does */
    uv_loop_init(&world->loop);
    snprintf(world->directory, sizeof(world->directory), "/tmp/bulkhead-command-XXXXXX");
    assert_non_null(mkdtemp(world->directory));
    world->programs = text_printf("%s/programs", world->directory);
    assert_int_equal(mkdir(world->programs, 0755), 0);

    AUTO_TEXT path = text_printf("%s/cloud", world->programs);
    AUTO_TEXT script = text_printf("#!/bin/sh\nDIR=%s\n%s\n", world->directory, body);
    write_file(path, script, 0755);

    world->environment.provider = PROVIDER_COMMAND;
    text_set(&world->environment.meta.name, "spot");
    text_set(&world->environment.command_program, "cloud");
    key_values_set(&world->environment.command_parameters, "zone", "a\"b");
    struct provider_host host = {
        .loop = &world->loop, .programs_dir = world->programs, .program_ms_max = program_ms_max};
    world->group = node_group_new(&host, &world->environment);
}

static int remove_one(const char *path, const struct stat *file, int type, struct FTW *walk)
{
    UNUSED(file);
    UNUSED(type);
    UNUSED(walk);
    return remove(path);
}

static void world_done(struct world *world)
{
    node_group_free(world->group);
    loop_done(&world->loop);
    nftw(world->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(world->programs);
    free(world->environment.meta.name);
    free(world->environment.command_program);
    key_values_done(&world->environment.command_parameters);
}

static char *read_all(const struct world *world, const char *name)
{
    AUTO_TEXT path = text_printf("%s/%s", world->directory, name);
    AUTO_STR text = STR_EMPTY;
    char buffer[4096];
    FILE *file = fopen(path, "r");
    for (size_t size; file != NULL && (size = fread(buffer, 1, sizeof(buffer), file)) > 0;)
        str_add_bytes(&text, buffer, size);
    if (file != NULL)
        fclose(file);
    return text_copy(str_text(&text));
}

static const char *observe(struct world *world, struct seen *seen)
{
    node_group_observe(world->group, on_seen, seen);
    return seen_wait(seen, &world->loop);
}

static const char *launch(struct world *world, struct seen *seen, int64_t count, const char *token)
{
    node_group_launch(world->group, "small", NULL, count, token, on_seen, seen);
    return seen_wait(seen, &world->loop);
}

TEST(each_verb_gets_its_request)
{
    static const char *const ids[] = {"i-1", "i-2"};
    struct world world;
    AUTO_SEEN seen = SEEN_NOTHING;
    world_init(
        &world,
        "cat > $DIR/$1.in\n"
        "case $1 in types) echo '{\"instanceTypes\":[]}';; *) echo '{\"instances\":[]}';; esac",
        0);

    node_group_types(world.group, on_seen, &seen);
    CHECK_TEXT("types", seen_wait(&seen, &world.loop), "OK\n");
    CHECK_TEXT("list", observe(&world, &seen), "OK\n");
    CHECK_TEXT("launch", launch(&world, &seen, 2, "t1"), "CAPACITY: 0 of 2 small launched\n");
    node_group_terminate(world.group, ids, 2, on_seen, &seen);
    CHECK_TEXT("terminate", seen_wait(&seen, &world.loop), "OK\n");

    AUTO_TEXT types = read_all(&world, "types.in");
    AUTO_TEXT list = read_all(&world, "list.in");
    AUTO_TEXT launched = read_all(&world, "launch.in");
    AUTO_TEXT terminated = read_all(&world, "terminate.in");
    CHECK_TEXT("types in", types, "{\"parameters\":{\"zone\":\"a\\\"b\"}}\n");
    CHECK_TEXT("list in", list,
               "{\"computeEnvironment\":\"spot\",\"parameters\":{\"zone\":\"a\\\"b\"}}\n");
    CHECK_TEXT(
        "launch in", launched,
        "{\"computeEnvironment\":\"spot\",\"instanceType\":\"small\",\"count\":2,\"token\":\"t1\","
        "\"labels\":{\"bulkhead.dev/compute-environment\":\"spot\","
        "\"node.kubernetes.io/instance-type\":\"small\"},"
        "\"taints\":[{\"key\":\"bulkhead.dev/compute-environment\",\"value\":\"spot\","
        "\"effect\":\"NoSchedule\"},"
        "{\"key\":\"bulkhead.dev/"
        "compute-environment\",\"value\":\"spot\",\"effect\":\"NoExecute\"}],"
        "\"parameters\":{\"zone\":\"a\\\"b\"}}\n");
    CHECK_TEXT("terminate in", terminated,
               "{\"computeEnvironment\":\"spot\",\"instances\":[\"i-1\",\"i-2\"],"
               "\"parameters\":{\"zone\":\"a\\\"b\"}}\n");
    world_done(&world);
}

static const struct {
    const char *name, *script, *want;
} lists[] = {
    {"instances",
     "echo "
     "'{\"instances\":[{\"id\":\"i-1\",\"instanceType\":\"small\",\"nodeName\":\"n1\",\"state\":"
     "\"running\","
     "\"launchedAt\":\"2026-11-21T09:30:00Z\"},{\"id\":\"i-2\",\"state\":\"terminated\"}]}'",
     "OK\ni-1 small n1 running\ni-2 - - terminated\n"},
    {"where they are, and which will go",
     "echo '{\"instances\":[{\"id\":\"a\",\"zone\":\"x-1a\",\"signal\":\"REBALANCE\"},"
     "{\"id\":\"b\",\"signal\":\"INTERRUPTION\"},{\"id\":\"c\",\"signal\":\"NONE\"}]}'",
     "OK\na - - pending in x-1a REBALANCE\nb - - pending INTERRUPTION\nc - - pending\n"},
    {"a failure", "echo 'no credentials' >&2; echo 'more' >&2; exit 3",
     "AGAIN: cloud list: exit status 3: no credentials\n"},
    {"a silent failure", "exit 3", "AGAIN: cloud list: exit status 3\n"},
    {"a crash", "kill -SEGV $$", "AGAIN: cloud list: killed by signal 11\n"},
    {"an answer and a failure", "echo '{\"instances\":[]}'; exit 1",
     "AGAIN: cloud list: exit status 1\n"},
    {"control characters", "printf 'a\\033[31mb\\n' >&2; exit 1",
     "AGAIN: cloud list: exit status 1: a [31mb\n"},
    {"unknown fields", "echo '{\"instances\":[{\"id\":\"a\",\"rack\":1}],\"next\":1}'",
     "OK\na - - pending\n"},
    {"nothing read, much printed", "exec <&-; echo '{\"instances\":[]}'", "OK\n"},
};

TEST(list_answers)
{
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        struct world world;
        AUTO_SEEN seen = SEEN_NOTHING;
        world_init(&world, lists[i].script, 0);
        CHECK_TEXT(lists[i].name, observe(&world, &seen), lists[i].want);
        world_done(&world);
    }
}

/* So many machines of one environment, and not one more. */
TEST(a_list_has_a_bound)
{
    for (int more = 0; more < 2; more++) {
        struct world world;
        AUTO_SEEN seen = SEEN_NOTHING;
        AUTO_TEXT script = text_printf("printf '{\"instances\":[{\"id\":\"i-0\"}'\n"
                                       "seq -f ',{\"id\":\"i-%%.0f\"}' %d\n"
                                       "printf ']}'",
                                       INSTANCES_MAX - 1 + more);
        world_init(&world, script, 0);
        const char *got = observe(&world, &seen);
        CHECK_HAS("told", got,
                  more == 0
                      ? "\ni-19999 - - pending\n"
                      : "AGAIN: cloud list: answer.instances: 20001 items, expected 0..20000");
        world_done(&world);
    }
}

static const struct {
    const char *name, *text, *want;
} garbage[] = {
    {"nothing", "", "not JSON"},
    {"prose", "hello", "not JSON"},
    {"cut off", "{\"instances\":[", "not JSON"},
    {"two documents", "{\"instances\":[]}{}", "not JSON"},
    {"a list", "[]", "answer: "},
    {"no instances", "{}", "answer.instances: "},
    {"no id", "{\"instances\":[{}]}", "answer.instances[0].id: "},
    {"an empty id", "{\"instances\":[{\"id\":\"\"}]}", "answer.instances[0].id: "},
    {"a number for an id", "{\"instances\":[{\"id\":7}]}", "answer.instances[0].id: 7"},
    {"an unknown state", "{\"instances\":[{\"id\":\"a\",\"state\":\"up\"}]}",
     "answer.instances[0].state: \"up\""},
    {"an unknown signal", "{\"instances\":[{\"id\":\"a\",\"signal\":\"SOON\"}]}",
     "answer.instances[0].signal: \"SOON\""},
    {"a bad time", "{\"instances\":[{\"id\":\"a\",\"launchedAt\":\"noon\"}]}",
     "answer.instances[0].launchedAt: "},
    {"twice the same", "{\"instances\":[{\"id\":\"a\"},{\"id\":\"a\"}]}",
     "answer.instances[1]: a is there twice"},
    {"a strange error", "{\"instances\":[],\"error\":{\"kind\":\"ok\",\"message\":\"x\"}}",
     "answer.error.kind: "},
    {"an error without words", "{\"instances\":[],\"error\":{\"kind\":\"again\"}}",
     "answer.error.message: "},
};

TEST(garbage_is_nothing_known)
{
    for (size_t i = 0; i < ARRAY_LEN(garbage); i++) {
        struct world world;
        AUTO_SEEN seen = SEEN_NOTHING;
        AUTO_TEXT script = text_printf("cat <<'END'\n%s\nEND", garbage[i].text);
        world_init(&world, script, 0);
        const char *got = observe(&world, &seen);
        AUTO_TEXT want = text_printf("AGAIN: cloud list: %s", garbage[i].want);
        CHECK_HAS(garbage[i].name, got, want);
        world_done(&world);
    }
}

TEST(types_are_decoded)
{
    struct world world;
    AUTO_SEEN seen = SEEN_NOTHING;
    world_init(
        &world,
        "echo '{\"instanceTypes\":[{\"name\":\"c1\",\"vcpus\":2,\"memory\":\"1Gi\"},"
        "{\"name\":\"g1\",\"vcpus\":8,\"memory\":\"1.5Gi\",\"pods\":20,\"gpus\":4,\"price\":1.25,"
        "\"spotPrice\":0.5,\"interruptionPercent\":7,"
        "\"arch\":\"arm64\"}]}'",
        0);
    node_group_types(world.group, on_seen, &seen);
    CHECK_TEXT("types", seen_wait(&seen, &world.loop),
               "OK\n"
               "c1 vcpus=2 price=0 arch=- pods=110 (cpu 2, memory 1Gi)\n"
               "g1 vcpus=8 price=1.25 arch=arm64 pods=20 (cpu 8, memory 1536Mi, nvidia.com/gpu 4) "
               "spot=0.5 "
               "interrupted=7%\n");
    world_done(&world);
}

/* Remembers each token in a file, as a program of an admin's would. */
static const char clever[] =
    "in=$(cat); token=${in##*\\\"token\\\":\\\"}; token=${token%%\\\"*}\n"
    "test -f $DIR/$token || echo $(ls $DIR | grep -c '^t') > $DIR/$token\n"
    "n=$(cat $DIR/$token)\n"
    "echo \"{\\\"instances\\\":[{\\\"id\\\":\\\"i-$n\\\",\\\"nodeName\\\":\\\"n-$n\\\"}]}\"";

TEST(the_same_token_is_the_same_launch)
{
    struct world world;
    AUTO_SEEN seen = SEEN_NOTHING;
    world_init(&world, clever, 0);
    CHECK_TEXT("first", launch(&world, &seen, 1, "t-a"), "OK\ni-0 small n-0 pending\n");
    CHECK_TEXT("another", launch(&world, &seen, 1, "t-b"), "OK\ni-1 small n-1 pending\n");
    CHECK_TEXT("first again", launch(&world, &seen, 1, "t-a"), "OK\ni-0 small n-0 pending\n");
    world_done(&world);
}

static const struct {
    const char *name, *text, *want;
} launches[] = {
    {"part of it",
     "{\"instances\":[{\"id\":\"i-1\"}],\"error\":{\"kind\":\"capacity\",\"message\":\"1 of 2: "
     "spot is out\"}}",
     "CAPACITY: 1 of 2: spot is out\ni-1 small - pending\n"},
    {"part of it, without a word", "{\"instances\":[{\"id\":\"i-1\"}]}",
     "CAPACITY: 1 of 2 small launched\ni-1 small - pending\n"},
    {"misconfigured",
     "{\"instances\":[],\"error\":{\"kind\":\"invalid\",\"message\":\"no such zone\"}}",
     "INVALID: no such zone\n"},
    {"busy", "{\"instances\":[],\"error\":{\"kind\":\"again\",\"message\":\"throttled\"}}",
     "AGAIN: throttled\n"},
    {"all", "{\"instances\":[{\"id\":\"i-1\"},{\"id\":\"i-2\",\"state\":\"running\"}]}",
     "OK\ni-1 small - pending\ni-2 small - running\n"},
};

TEST(launch_answers)
{
    for (size_t i = 0; i < ARRAY_LEN(launches); i++) {
        struct world world;
        AUTO_SEEN seen = SEEN_NOTHING;
        AUTO_TEXT script = text_printf("echo '%s'", launches[i].text);
        world_init(&world, script, 0);
        CHECK_TEXT(launches[i].name, launch(&world, &seen, 2, "t"), launches[i].want);
        world_done(&world);
    }
}

static pid_t pid_in(const struct world *world, const char *file)
{
    AUTO_TEXT text = read_all(world, file);
    return (pid_t)strtol(text, NULL, 10);
}

/* The process that a script left its number of is gone, or a zombie nobody reaped yet. */
static bool is_gone(const struct world *world, const char *file)
{
    pid_t pid = pid_in(world, file);
    AUTO_TEXT path = text_printf("/proc/%d/stat", (int)pid);
    char line[512] = "";
    FILE *stat_file = fopen(path, "r");
    if (stat_file == NULL)
        return pid > 0;
    bool read = fgets(line, sizeof(line), stat_file) != NULL;
    fclose(stat_file);
    const char *name_end = strrchr(line, ')');
    return pid > 0 && (!read || (name_end != NULL && name_end[2] == 'Z'));
}

static const char hang[] = "sleep 1000 & echo $! > $DIR/child; echo $$ > $DIR/parent; wait";

static void wait_until_gone(struct world *world)
{
    while (!is_gone(world, "child") || !is_gone(world, "parent"))
        uv_run(&world->loop, UV_RUN_NOWAIT);
}

TEST(a_hang_is_killed_with_its_children)
{
    struct world world;
    AUTO_SEEN seen = SEEN_NOTHING;
    world_init(&world, hang, 300);
    CHECK_TEXT("hang", observe(&world, &seen), "AGAIN: cloud list: took too long and was killed\n");
    wait_until_gone(&world);
    world_done(&world);
}

TEST(freeing_the_group_kills_and_never_answers)
{
    struct world world;
    AUTO_SEEN seen = SEEN_NOTHING;
    world_init(&world, hang, 0);
    node_group_observe(world.group, on_seen, &seen);
    for (bool started = false; !started;) {
        uv_run(&world.loop, UV_RUN_NOWAIT);
        started = pid_in(&world, "parent") > 0;
    }
    world.group = node_group_free(world.group);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    wait_until_gone(&world);
    CHECK_INT("no answer", seen.answers, 0);
    world_done(&world);
}

TEST(huge_output_is_cut_off)
{
    struct world world;
    AUTO_SEEN seen = SEEN_NOTHING;
    world_init(&world, "exec yes", 0);
    CHECK_TEXT("output", observe(&world, &seen),
               "AGAIN: cloud list: printed more than 4 MiB and was killed\n");
    world_done(&world);

    world_init(&world, "yes 'too many words' | head -c 8000000 >&2; exit 2", 0);
    CHECK_TEXT("errors", observe(&world, &seen),
               "AGAIN: cloud list: exit status 2: too many words\n");
    world_done(&world);
}

TEST(a_daemon_left_behind_does_not_hold_the_answer_up)
{
    struct world world;
    AUTO_SEEN seen = SEEN_NOTHING;
    world_init(&world, "echo '{\"instances\":[]}'; sleep 1000 & echo $! > $DIR/child", 30000);
    CHECK_TEXT("answer", observe(&world, &seen), "OK\n");
    CHECK_TRUE("the daemon lives", !is_gone(&world, "child"));
    kill(pid_in(&world, "child"), SIGKILL);
    world_done(&world);
}

static void run_shell(char *script)
{
    char shell[] = "/bin/sh", option[] = "-ec";
    char *args[] = {shell, option, script, NULL};
    pid_t pid;
    int status = -1;
    assert_int_equal(posix_spawn(&pid, shell, NULL, NULL, args, environ), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* What is wrong with the program itself: each row changes a good one. */
static const struct {
    const char *name, *change, *program, *want;
} unusable[] = {
    {"missing", "rm $P/cloud", "cloud", "INVALID: program cloud: No such file or directory in "},
    {"a directory", "rm $P/cloud; mkdir $P/cloud", "cloud",
     "INVALID: program cloud is not a regular file\n"},
    {"not executable", "chmod 644 $P/cloud", "cloud",
     "INVALID: program cloud is not executable for the controller\n"},
    {"world-writable", "chmod 757 $P/cloud", "cloud",
     "INVALID: program cloud may be written by everybody"},
    {"a writable directory", "chmod 777 $P", "cloud", "may be written by everybody\n"},
    {"up and out", "true", "../cloud",
     "INVALID: program \"../cloud\": expected the name of a file"},
    {"absolute", "true", "/bin/sh", "INVALID: program \"/bin/sh\": expected the name of a file"},
    {"a link out", "rm $P/cloud; ln -s /bin/true $P/cloud", "cloud",
     "INVALID: program cloud leads out of "},
    {"a hidden file", "true", ".cloud", "INVALID: program \".cloud\": expected"},
    {"an empty name", "true", "", "INVALID: program \"\": expected"},
    {"a folder with a longer name", "mkdir $P-x; mv $P/cloud $P-x; ln -s $P-x/cloud $P/cloud",
     "cloud", "INVALID: program cloud leads out of "},
    {"no interpreter", "printf '#!/no/such\\n' > $P/cloud", "cloud",
     "AGAIN: cloud list: not started: "},
};

TEST(a_program_that_must_not_run)
{
    for (size_t i = 0; i < ARRAY_LEN(unusable); i++) {
        struct world world;
        AUTO_SEEN seen = SEEN_NOTHING;
        world_init(&world, "echo '{\"instances\":[]}'", 0);
        AUTO_TEXT change = text_printf("P=%s; %s", world.programs, unusable[i].change);
        run_shell(change);
        text_set(&world.environment.command_program, unusable[i].program);
        node_group_update(world.group, &world.environment);
        CHECK_HAS(unusable[i].name, observe(&world, &seen), unusable[i].want);
        world_done(&world);
    }
}

TEST(a_link_inside_is_fine)
{
    struct world world;
    AUTO_SEEN seen = SEEN_NOTHING;
    world_init(&world, "echo '{\"instances\":[]}'", 0);
    AUTO_TEXT target = text_printf("%s/v2", world.programs);
    AUTO_TEXT link = text_printf("%s/cloud", world.programs);
    assert_int_equal(rename(link, target), 0);
    assert_int_equal(symlink("v2", link), 0);
    CHECK_TEXT("linked", observe(&world, &seen), "OK\n");
    world_done(&world);
}
