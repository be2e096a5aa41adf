#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct config_rule endpoint_rules[] = {
    {"host", CONFIG_SCALAR, true},
    {"origin", CONFIG_SCALAR, false},
    {"labels", CONFIG_LIST, false},
    {NULL, CONFIG_SCALAR, false},
};

static struct config *parsed(const char *text)
{
    char *why = NULL;
    struct config *config = config_parse("sites.yaml", text, strlen(text), &why);
    if (config == NULL)
        fail_msg("%s", why);
    return config;
}

static void is_refused(const char *text, const char *expected)
{
    char *why = NULL;
    assert_null(config_parse("sites.yaml", text, strlen(text), &why));
    assert_non_null(why);
    assert_string_equal(why, expected);
    free(why);
}

static void check_says(const char *text, const char *expected)
{
    char *why = NULL;
    struct config *config = parsed(text);
    assert_false(config_check(config, config_root(config), "endpoint", endpoint_rules, &why));
    assert_string_equal(why, expected);
    free(why);
    config_free(config);
}

static void nodes_keep_values_and_lines(void **state)
{
    (void)state;
    struct config *config = parsed("# comment\nname: shop\nlist:\n  - a\n  - {b: '2'}\n");
    const struct config_node *root = config_root(config);
    assert_int_equal(config_kind(root), CONFIG_MAP);
    assert_int_equal(config_count(root), 2);
    assert_string_equal(config_key(root, 0), "name");
    assert_string_equal(config_text(config_find(root, "name")), "shop");
    const struct config_node *list = config_find(root, "list");
    assert_int_equal(config_kind(list), CONFIG_LIST);
    assert_int_equal(config_count(list), 2);
    assert_string_equal(config_text(config_item(list, 0)), "a");
    assert_int_equal(config_line(config_item(list, 1)), 5);
    assert_string_equal(config_text(config_find(config_item(list, 1), "b")), "2");
    assert_int_equal(config_line(config_key_node(root, 1)), 3);
    assert_null(config_find(root, "absent"));
    config_free(config);
}

static void an_empty_document_has_no_root(void **state)
{
    (void)state;
    struct config *config = parsed("# nothing\n");
    assert_null(config_root(config));
    config_free(config);
}

static void an_unknown_key_names_line_and_nearest(void **state)
{
    (void)state;
    check_says("host: a\n\norgin: b\n",
               "sites.yaml:3: unknown key \"orgin\" in endpoint (did you mean \"origin\"?)");
    check_says("host: a\nzzzzzz: b\n", "sites.yaml:2: unknown key \"zzzzzz\" in endpoint");
}

static void kinds_and_required_keys_are_checked(void **state)
{
    (void)state;
    check_says("origin: b\n", "sites.yaml:1: endpoint lacks the key \"host\"");
    check_says("host: a\nlabels: b\n", "sites.yaml:2: \"labels\" in endpoint must be a list");
    check_says("host: [a]\n", "sites.yaml:1: \"host\" in endpoint must be a single value");
    check_says("- a\n", "sites.yaml:1: endpoint must be a map of keys");
    check_says("", "sites.yaml: endpoint must be a map of keys");
}

static void what_no_configuration_needs_is_refused(void **state)
{
    (void)state;
    is_refused("a: b\na: c\n", "sites.yaml:2: key \"a\" stands here a second time; first in line 1");
    is_refused("a: &x b\n", "sites.yaml:1: anchors are not accepted here");
    is_refused("a: 1\nb: *x\n", "sites.yaml:2: aliases are not accepted here");
    is_refused("a: !!int 1\n", "sites.yaml:1: tags are not accepted here");
    is_refused("a: 1\n---\nb: 2\n", "sites.yaml:2: a second document begins here; one is expected");
    is_refused("[a]: 1\n", "sites.yaml:1: a key must be a word");
    is_refused("a: \"x\\0y\"\n", "sites.yaml:1: a text with a NUL character");
}

static void broken_yaml_names_its_line(void **state)
{
    (void)state;
    char *why = NULL;
    assert_null(config_parse("sites.yaml", "a: 1\nb: [1\nc: }\n", 16, &why));
    assert_non_null(strstr(why, "sites.yaml:3: not valid YAML: "));
    free(why);
    assert_null(config_parse("sites.yaml", "a: 1\nb: \xff\xfe\n", 11, &why));
    assert_non_null(strstr(why, "sites.yaml:2: not valid YAML: "));
    free(why);
}

static void depth_size_and_keys_are_bounded(void **state)
{
    (void)state;
    char deep[101];
    memset(deep, '[', 100);
    deep[100] = '\0';
    is_refused(deep, "sites.yaml:1: nested too deeply");
    char *why = NULL;
    assert_null(config_parse("sites.yaml", "", (size_t)CONFIG_MAX_BYTES + 1, &why));
    assert_string_equal(why, "sites.yaml: larger than 16777216 bytes");
    free(why);
    char *many = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&many, &size);
    assert_non_null(stream);
    for (int i = 0; i <= 1000; i++)
        (void)fprintf(stream, "k%d: 1\n", i);
    assert_int_equal(fclose(stream), 0);
    is_refused(many, "sites.yaml:1: more than 1000 keys in one map");
    free(many);
}

static void scalars_are_read_within_range(void **state)
{
    (void)state;
    char *why = NULL;
    int64_t value = 0;
    bool flag = false;
    struct config *config = parsed("port: 443\nfar: 70000\nyes: true\nlist: [1]\n");
    const struct config_node *root = config_root(config);
    assert_true(config_number(config, config_find(root, "port"), "port", 1, 65535, &value, &why));
    assert_int_equal(value, 443);
    assert_false(config_number(config, config_find(root, "far"), "far", 1, 65535, &value, &why));
    assert_string_equal(why, "sites.yaml:2: \"far\" must be a number from 1 to 65535");
    free(why);
    assert_false(config_number(config, config_find(root, "list"), "list", 1, 9, &value, &why));
    free(why);
    assert_true(config_bool(config, config_find(root, "yes"), "yes", &flag, &why));
    assert_true(flag);
    assert_false(config_bool(config, config_find(root, "port"), "port", &flag, &why));
    assert_string_equal(why, "sites.yaml:1: \"port\" must be true or false");
    free(why);
    config_free(config);
}

static void spans_are_read_within_range(void **state)
{
    (void)state;
    char *why = NULL;
    int64_t value_us = 0;
    struct config *config = parsed("interval: 90s\nnever: soon\n");
    const struct config_node *root = config_root(config);
    assert_true(config_span(config, config_find(root, "interval"), "interval", 1, INT64_C(3600000000),
                            &value_us, &why));
    assert_int_equal(value_us, 90000000);
    assert_false(
        config_span(config, config_find(root, "never"), "never", 1, INT64_C(3600000000), &value_us, &why));
    assert_non_null(strstr(why, "sites.yaml:2: \"never\" must be a duration from "));
    free(why);
    config_free(config);
}

static void files_that_cannot_be_read_say_why(void **state)
{
    (void)state;
    char *why = NULL;
    assert_null(config_read("/nonexistent/sites.yaml", &why));
    assert_string_equal(why, "/nonexistent/sites.yaml: cannot open: No such file or directory");
    free(why);
    assert_null(config_read("/", &why));
    assert_string_equal(why, "/: cannot read: Is a directory");
    free(why);
}

static void files_are_read(void **state)
{
    (void)state;
    char path[] = "/tmp/parallax-config-XXXXXX", *why = NULL;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a: 1\n", 5), 5);
    (void)close(fd);
    struct config *config = config_read(path, &why);
    assert_non_null(config);
    assert_string_equal(config_text(config_find(config_root(config), "a")), "1");
    config_free(config);
    (void)unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_keep_values_and_lines),
        cmocka_unit_test(an_empty_document_has_no_root),
        cmocka_unit_test(an_unknown_key_names_line_and_nearest),
        cmocka_unit_test(kinds_and_required_keys_are_checked),
        cmocka_unit_test(what_no_configuration_needs_is_refused),
        cmocka_unit_test(broken_yaml_names_its_line),
        cmocka_unit_test(depth_size_and_keys_are_bounded),
        cmocka_unit_test(scalars_are_read_within_range),
        cmocka_unit_test(spans_are_read_within_range),
        cmocka_unit_test(files_that_cannot_be_read_say_why),
        cmocka_unit_test(files_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
