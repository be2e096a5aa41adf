#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "cli/i18n.h"
#include "proto/cli/capture.h"

#include <stdlib.h>
#include <string.h>

enum { OPT_JOBS = 1, OPT_FILE, OPT_QUIET, OPT_QUICK };

/* What the verb saw: "id=value " for each option, "|operand" for each operand. */
static char seen[256];
static int runs;

static int run_probe(struct cli_args *args)
{
    const char *value = NULL;
    size_t at = 0;
    runs++;
    for (int id; (id = cli_next(args, &value)) != 0;)
        at += (size_t)snprintf(seen + at, sizeof seen - at, "%d=%s ", id, value != NULL ? value : "-");
    for (size_t i = 0; i < cli_operand_count(args); i++)
        at += (size_t)snprintf(seen + at, sizeof seen - at, "|%s", cli_operand(args, i));
    assert_null(cli_operand(args, cli_operand_count(args)));
    return EXIT_FINDINGS;
}

static const struct cli_option probe_options[] = {
    {"concurrency", 'j', "N", OPT_JOBS,
     N_("how many at once, with a help text that is long enough to be wrapped "
        "when it is shown in eighty columns")},
    {"file", 'f', "FILE", OPT_FILE, N_("read targets")},
    {"quiet", 0, NULL, OPT_QUIET, N_("say less")},
    {"quick", 0, NULL, OPT_QUICK, N_("hurry")},
    {NULL, 0, NULL, 0, NULL},
};

static const struct cli_verb probe = {
    .name = "probe",
    .operands = "TARGET...",
    .min_operands = 1,
    .max_operands = 3,
    .summary = N_("probe targets"),
    .options = probe_options,
    .run = run_probe,
};
static const struct cli_verb site_add = {
    .name = "site add",
    .operands = "NAME",
    .min_operands = 1,
    .max_operands = 1,
    .summary = N_("add a site"),
    .options = NULL,
    .run = run_probe,
};
static const struct cli_verb site_list = {
    .name = "site list",
    .operands = "",
    .min_operands = 0,
    .max_operands = 0,
    .summary = N_("list sites"),
    .options = NULL,
    .run = run_probe,
};
static const struct cli_verb *const verbs[] = {&probe, &site_add, &site_list, NULL};
static const struct cli_program program = {
    .name = "parallax-test",
    .summary = N_("test the command line"),
    .verbs = verbs,
};

struct result {
    int code;
    char *out, *err;
};

#define WORDS_MOST 16

/* Runs cli_main with the words after the program's name. */
static struct result call(const char *const *words)
{
    char *argv[WORDS_MOST] = {(char *)"parallax-test"};
    int argc = 1;
    for (; words[argc - 1] != NULL && argc < WORDS_MOST - 1; argc++)
        argv[argc] = (char *)words[argc - 1];
    seen[0] = '\0';
    runs = 0;
    struct capture out = capture_begin(stdout), err = capture_begin(stderr);
    int code = cli_main(&program, argc, argv);
    struct result result = {.code = code};
    result.out = capture_end(&out);
    result.err = capture_end(&err);
    return result;
}

#define CALL(...) call((const char *const[]){__VA_ARGS__, NULL})

static void result_done(struct result *result)
{
    free(result->out);
    free(result->err);
}

static void is_usage_error(struct result result, const char *line)
{
    assert_int_equal(result.code, EXIT_USAGE);
    assert_int_equal(runs, 0);
    assert_string_equal(result.out, "");
    assert_string_equal(result.err, line);
    result_done(&result);
}

static void ran_with(struct result result, const char *expected)
{
    assert_string_equal(result.err, "");
    assert_int_equal(result.code, EXIT_FINDINGS);
    assert_int_equal(runs, 1);
    assert_string_equal(seen, expected);
    result_done(&result);
}

static void options_and_operands_in_any_order(void **state)
{
    (void)state;
    ran_with(CALL("probe", "a", "-j", "4", "b", "--file=list", "--quiet"), "1=4 2=list 3=- |a|b");
    ran_with(CALL("probe", "-j4", "--", "-x"), "1=4 |-x");
    ran_with(CALL("probe", "--conc", "7", "a"), "1=7 |a");
    ran_with(CALL("probe", "-f", "-", "-"), "2=- |-");
    ran_with(CALL("site", "add", "shop"), "|shop");
    ran_with(CALL("--lang", "en", "site", "list", "--lang=en"), "");
}

static void no_verb_is_a_usage_error(void **state)
{
    (void)state;
    struct result result = call((const char *const[]){NULL});
    assert_int_equal(result.code, EXIT_USAGE);
    assert_string_equal(result.out, "");
    assert_non_null(strstr(result.err, "Usage: parallax-test VERB"));
    result_done(&result);
}

static void wrong_verbs_are_named(void **state)
{
    (void)state;
    is_usage_error(CALL("prob"), "parallax-test: unknown verb \"prob\" (did you mean \"probe\"?)\n");
    is_usage_error(CALL("zzz"), "parallax-test: unknown verb \"zzz\"; see parallax-test --help\n");
    is_usage_error(CALL("site", "ad"),
                   "parallax-test: unknown verb \"site ad\" (did you mean \"site add\"?)\n");
    is_usage_error(CALL("site"),
                   "parallax-test: \"site\" needs a second word; see parallax-test site --help\n");
    is_usage_error(CALL("a\x1b[2J"), "parallax-test: unknown verb \"a\\x1b[2J\"; see parallax-test --help\n");
}

static void wrong_options_are_named(void **state)
{
    (void)state;
    is_usage_error(CALL("probe", "a", "--concurency", "3"),
                   "parallax-test: unknown option --concurency (did you mean --concurrency?)\n");
    is_usage_error(CALL("probe", "a", "--xyzzy=3"), "parallax-test: unknown option --xyzzy\n");
    is_usage_error(CALL("probe", "a", "--qui"), "parallax-test: option --qui is ambiguous\n");
    is_usage_error(CALL("probe", "a", "-z"), "parallax-test: unknown option -z\n");
    is_usage_error(CALL("probe", "a", "--file"), "parallax-test: option --file needs an argument: FILE\n");
    is_usage_error(CALL("probe", "a", "-j"), "parallax-test: option --concurrency needs an argument: N\n");
    is_usage_error(CALL("probe", "a", "--quiet=yes"), "parallax-test: option --quiet takes no argument\n");
    is_usage_error(CALL("--versoin"), "parallax-test: unknown option --versoin (did you mean --version?)\n");
    is_usage_error(CALL("probe", "a", "--lang", "fr"), "parallax-test: --lang: \"fr\" is none of en, zh\n");
}

static void operands_are_counted(void **state)
{
    (void)state;
    is_usage_error(CALL("probe"), "parallax-test: probe needs TARGET...; see parallax-test probe --help\n");
    is_usage_error(CALL("probe", "a", "b", "c", "d"), "parallax-test: probe: unexpected operand \"d\"\n");
    is_usage_error(CALL("site", "list", "x"), "parallax-test: site list: unexpected operand \"x\"\n");
}

static void help_comes_from_the_tables(void **state)
{
    (void)state;
    assert_int_equal(setenv("COLUMNS", "80", 1), 0);
    struct result result = CALL("probe", "--help");
    assert_int_equal(result.code, EXIT_HEALTHY);
    assert_string_equal(result.out,
                        "Usage: parallax-test probe [OPTION...] TARGET...\n"
                        "  probe targets\n"
                        "\n"
                        "Options:\n"
                        "  -j, --concurrency N  how many at once, with a help text that is long enough to\n"
                        "                       be wrapped when it is shown in eighty columns\n"
                        "  -f, --file FILE      read targets\n"
                        "      --quiet          say less\n"
                        "      --quick          hurry\n"
                        "  -h, --help           show this help\n"
                        "      --lang en|zh     language of the output; by default that of the locale\n");
    result_done(&result);
    result = CALL("site", "--help");
    assert_int_equal(result.code, EXIT_HEALTHY);
    assert_string_equal(result.out, "Verbs:\n  site add   add a site\n  site list  list sites\n");
    result_done(&result);
    result = CALL("--version");
    assert_string_equal(result.out, "parallax-test " PARALLAX_VERSION "\n");
    result_done(&result);
}

static void chinese_needs_no_chinese_locale(void **state)
{
    (void)state;
    static const char *const locales[] = {"C.UTF-8", "C", "POSIX", "zh_CN.UTF-8", "xx_YY"};
    for (size_t i = 0; i < sizeof locales / sizeof locales[0]; i++) {
        assert_int_equal(setenv("LC_ALL", locales[i], 1), 0);
        is_usage_error(CALL("--lang", "zh", "probe", "a", "-z"), "parallax-test: 未知选项 -z\n");
        is_usage_error(CALL("probe", "a", "-z", "--lang=zh"), "parallax-test: 未知选项 -z\n");
        is_usage_error(CALL("probe", "--lan", "zh"),
                       "parallax-test: probe 需要参数 TARGET...；参见 parallax-test probe --help\n");
        is_usage_error(CALL("--lang", "en", "probe", "a", "-z"), "parallax-test: unknown option -z\n");
    }
    assert_int_equal(unsetenv("LC_ALL"), 0);
    assert_int_equal(unsetenv("LANGUAGE"), 0);
    assert_int_equal(setenv("LANG", "zh_CN.UTF-8", 1), 0);
    is_usage_error(CALL("probe", "a", "-z"), "parallax-test: 未知选项 -z\n");
    assert_int_equal(setenv("LC_ALL", "C", 1), 0);
    is_usage_error(CALL("probe", "a", "-z"), "parallax-test: unknown option -z\n");
}

static void options_are_dumped_for_the_man_page(void **state)
{
    (void)state;
    struct result result = CALL("--dump-options");
    assert_int_equal(result.code, EXIT_HEALTHY);
    assert_non_null(strstr(result.out, "-\t--version\n"));
    assert_non_null(strstr(result.out, "probe\t--concurrency\n"));
    assert_non_null(strstr(result.out, "site list\t--help\n"));
    assert_non_null(strstr(result.out, "completion\t--help\n"));
    result_done(&result);
}

/* What bash would offer for a line, asked of a real bash. */
static void completes(const char *script, const char *words, const char *expected)
{
    char path[] = "/tmp/parallax-completion-XXXXXX", command[512], answer[512] = "";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, script, strlen(script)), (ssize_t)strlen(script));
    (void)close(fd);
    (void)snprintf(command, sizeof command,
                   "source %s; COMP_WORDS=(parallax-test %s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "
                   "_parallax_test; echo \"${COMPREPLY[*]}\"",
                   path, words);
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t child = fork();
    if (child == 0) {
        (void)dup2(pipe_fds[1], STDOUT_FILENO);
        (void)execlp("bash", "bash", "--norc", "-c", command, (char *)NULL);
        _exit(127);
    }
    (void)close(pipe_fds[1]);
    size_t got = 0;
    for (ssize_t more; (more = read(pipe_fds[0], answer + got, sizeof answer - 1 - got)) > 0;)
        got += (size_t)more;
    (void)close(pipe_fds[0]);
    (void)unlink(path);
    assert_string_equal(answer, expected);
}

static void the_completion_completes(void **state)
{
    (void)state;
    struct result result = CALL("completion", "bash");
    assert_int_equal(result.code, EXIT_HEALTHY);
    completes(result.out, "\"\"", "probe site completion\n");
    completes(result.out, "pr", "probe\n");
    completes(result.out, "site \"\"", "add list\n");
    completes(result.out, "--lang zh site l", "list\n");
    completes(result.out, "probe --q", "--quiet --quick\n");
    completes(result.out, "site add --", "--help --lang\n");
    completes(result.out, "probe a --lang \"\"", "en zh\n");
    completes(result.out, "probe -f /etc/debian_versio", "/etc/debian_version\n");
    completes(result.out, "probe -j \"\"", "\n");
    completes(result.out, "completion \"\"", "bash\n");
    completes(result.out, "probe \"\"", "\n");
    result_done(&result);
    is_usage_error(CALL("completion", "zsh"),
                   "parallax-test: no completion for shell \"zsh\"; there is one for bash\n");
}

static void nearest_is_within_a_third(void **state)
{
    (void)state;
    static const char *const words[] = {"origin", "edge", "address"};
    assert_string_equal(cli_nearest("orgin", words, 3), "origin");
    assert_string_equal(cli_nearest("roigin", words, 3), "origin");
    assert_string_equal(cli_nearest("egde", words, 3), "edge");
    assert_null(cli_nearest("eeee", words, 3));
    assert_null(cli_nearest("", words, 3));
    assert_null(cli_nearest("o", words, 0));
}

static void errors_are_one_safe_line(void **state)
{
    (void)state;
    struct capture err = capture_begin(stderr);
    cli_error("bad %s", "a\nb\x1b[0m");
    cli_warning("old %d", 1);
    assert_int_equal(cli_usage("no"), EXIT_USAGE);
    char *text = capture_end(&err);
    assert_string_equal(
        text, "parallax-test: bad a\\x0ab\\x1b[0m\nparallax-test: warning: old 1\nparallax-test: no\n");
    free(text);
}

int main(void)
{
    (void)setenv("LC_ALL", "C.UTF-8", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_operands_in_any_order),
        cmocka_unit_test(no_verb_is_a_usage_error),
        cmocka_unit_test(wrong_verbs_are_named),
        cmocka_unit_test(wrong_options_are_named),
        cmocka_unit_test(operands_are_counted),
        cmocka_unit_test(help_comes_from_the_tables),
        cmocka_unit_test(options_are_dumped_for_the_man_page),
        cmocka_unit_test(the_completion_completes),
        cmocka_unit_test(nearest_is_within_a_third),
        cmocka_unit_test(errors_are_one_safe_line),
        cmocka_unit_test(chinese_needs_no_chinese_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
