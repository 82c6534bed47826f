/* SPDX-License-Identifier: Apache-2.0 */
/* auth_test.c - credentials that change: token files, and plugins that work, fail, hang and babble
 */
#include "check.h"
#include "fake.h"

#include "bulkhead/base/clock.h"
#include "src/kube/exec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct world {
    uv_loop_t loop;
    struct fake fake;
    struct kube_client *client;
    const char *good; /* the only token that the server takes */
    int answers;
    struct str log, tokens; /* outcomes; the tokens that came */
};

static void check_token(void *ctx, const struct fake_request *request)
{
    struct world *world = ctx;
    const char *token = strstr(request->head, "Authorization: Bearer ");
    AUTO_TEXT text =
        token != NULL ? text_copy_n(token + 22, strcspn(token + 22, "\r")) : text_copy("none");
    str_addf(&world->tokens, "%s ", text);
    fake_reply(request, strcmp(text, world->good) == 0 ? 200 : 401, NULL, "{}");
}

static void on_answer(void *ctx, const struct kube_response *response)
{
    struct world *world = ctx;
    world->answers++;
    str_addf(&world->log, "%s %s\n", kube_outcome_name(response->outcome), response->message);
}

static void ask(struct world *world)
{
    const struct kube_request request = {
        .method = KUBE_POST, .path = "/x", .body = "{}", .on_done = on_answer, .ctx = world};
    REQUIRE(kube_send(world->client, &request, NULL, NULL) == 0);
    CHECK_TRUE("answered", run_until(&world->loop, &world->answers, world->answers + 1));
}

static void world_start(struct world *world, struct kube_config *take_config, int64_t exec_ms)
{
    memset(world, 0, sizeof(*world));
    uv_loop_init(&world->loop);
    fake_start(&world->fake, &world->loop, check_token, world);
    world->client = fake_client_as(&world->fake, take_config,
                                   &(struct kube_client_options){.exec_timeout_ms = exec_ms});
    world->good = "two";
}

static void world_end(struct world *world)
{
    fake_finish(&world->fake, world->client, &world->loop);
    str_done(&world->log);
    str_done(&world->tokens);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL);
    fputs(text, file);
    fclose(file);
}

TEST(a_token_file_is_read_again_after_a_401)
{
    struct world world;
    struct kube_config *config = mem_new(sizeof(*config));
    char path[] = "/tmp/auth-test-XXXXXX";
    close(mkstemp(path));
    write_file(path, "one\n");
    config->token_path = text_copy(path);
    world_start(&world, config, 0);
    world.good = "one";
    ask(&world);
    world.good = "two";
    write_file(path, "two\n");
    ask(&world);
    world.good = "three"; /* and the file stays */
    ask(&world);
    CHECK_TEXT("outcomes", str_text(&world.log), "OK \nOK \nUnauthorized {}\n");
    CHECK_TEXT("tokens", str_text(&world.tokens), "one one two two ");
    unlink(path);
    world_end(&world);
}

#define CREDENTIAL(token_)                                                                         \
    "printf '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\","     \
    "\"status\":{\"token\":\"%s\"}}' " token_

static struct kube_config *plugin(const char *script)
{
    struct kube_config *config = mem_new(sizeof(*config));
    struct kube_exec *exec = config->exec = mem_new(sizeof(*exec));
    exec->api_version = text_copy("client.authentication.k8s.io/v1");
    exec->command = text_copy("sh");
    exec->args = mem_new(2 * sizeof(*exec->args));
    exec->args[exec->arg_count++] = text_copy("-c");
    exec->args[exec->arg_count++] = text_copy(script);
    exec->variables = mem_new(sizeof(*exec->variables));
    exec->variables[exec->variable_count++] =
        (struct kube_exec_variable){text_copy("GIVEN"), text_copy("two")};
    return config;
}

static const struct {
    const char *name, *script, *want, *tokens;
} plugins[] = {
    {"works", CREDENTIAL("two"), "OK \n", "two "},
    {"its own variables", CREDENTIAL("$GIVEN"), "OK \n", "two "},
    {"knows that nobody is there",
     "case $KUBERNETES_EXEC_INFO in *'\"interactive\":false'*) " CREDENTIAL("two") ";; esac",
     "OK \n", "two "},
    {"fails", "echo no credentials >&2; exit 7",
     "NotSent credential plugin sh exited with 7: no credentials \n", ""},
    {"dies", "kill -9 $$", "NotSent credential plugin sh was ended by signal 9\n", ""},
    {"prints nothing", "true", "NotSent credential plugin sh: its output is not JSON\n", ""},
    {"another version",
     "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\"}'",
     "NotSent credential plugin sh: it answered apiVersion client.authentication.k8s.io/v1beta1, "
     "expected client.authentication.k8s.io/v1\n",
     ""},
    {"babbles", "while :; do echo 0123456789012345678901234567890123456789; done",
     "NotSent credential plugin sh printed more than 1 MiB and was stopped\n", ""},
    {"hangs", "sleep 100", "NotSent credential plugin sh took too long and was stopped\n", ""},
    {"leaves a child with its pipes", "sleep 100 & exit 0",
     "NotSent credential plugin sh took too long and was stopped\n", ""},
    {"is refused", CREDENTIAL("one"), "Unauthorized {}\n", "one "},
};

TEST(plugins_are_run_and_survived)
{
    for (size_t i = 0; i < ARRAY_LEN(plugins); i++) {
        struct world world;
        world_start(&world, plugin(plugins[i].script), 1000);
        ask(&world);
        CHECK_TEXT(plugins[i].name, str_text(&world.log), plugins[i].want);
        CHECK_TEXT(plugins[i].name, str_text(&world.tokens), plugins[i].tokens);
        world_end(&world);
    }
}

TEST(a_plugin_that_is_missing_says_how_to_get_it)
{
    struct world world;
    struct kube_config *config = plugin("");
    text_set(&config->exec->command, "bulkhead-no-such-plugin");
    text_set(&config->exec->install_hint, "install it");
    world_start(&world, config, 0);
    ask(&world);
    CHECK_TEXT("words", str_text(&world.log),
               "NotSent credential plugin bulkhead-no-such-plugin: no such file or directory; "
               "install it\n");
    world_end(&world);
}

TEST(closing_ends_a_running_plugin)
{
    struct world world;
    world_start(&world, plugin("sleep 100"), 60000);
    const struct kube_request request = {.path = "/x", .on_done = on_answer, .ctx = &world};
    REQUIRE(kube_send(world.client, &request, NULL, NULL) == 0);
    uv_run(&world.loop, UV_RUN_NOWAIT);
    world_end(&world);

    struct kube_config *config = plugin("");
    text_set(&config->exec->command, "bulkhead-no-such-plugin");
    world_start(&world, config, 0);
    REQUIRE(kube_send(world.client, &request, NULL, NULL) == 0);
    world_end(&world); /* before the loop ever told of the failure */
    CHECK_INT("no answers", world.answers, 0);
}

TEST(an_expired_credential_makes_no_hot_loop)
{
    struct world world;
    char path[] = "/tmp/auth-test-XXXXXX";
    close(mkstemp(path));
    AUTO_TEXT script = text_printf(
        "echo x >> %s; printf '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":"
        "\"ExecCredential\",\"status\":{\"token\":\"two\",\"expirationTimestamp\":"
        "\"2001-01-01T00:00:00Z\"}}'",
        path);
    world_start(&world, plugin(script), 0);
    ask(&world);
    ask(&world);
    const char *words = "NotSent credential plugin sh gave a credential that has expired; "
                        "compare the clocks\n";
    AUTO_TEXT twice = text_printf("%s%s", words, words);
    CHECK_TEXT("words", str_text(&world.log), twice);
    struct stat about;
    REQUIRE(stat(path, &about) == 0);
    CHECK_TRUE("runs within the back-off", about.st_size <= 2 * (off_t)strlen("x\n"));
    unlink(path);
    world_end(&world);
}
