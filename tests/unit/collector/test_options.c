#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "options.h"
#include "store/private.h"

#include <string.h>
#include <sys/stat.h>

static char folder[32];
static char path[64];

static void write_config(const char *text)
{
    (void)snprintf(path, sizeof path, "%s/collector.yaml", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void options_win_over_the_file(void **arg)
{
    (void)arg;
    struct collector_settings settings;
    bool failed = true;
    write_config("db: postgresql://from.file/x\nlisten: 127.0.0.1:1\npublic_name: plx.example:7443\n");
    collector_settings_init(&settings);
    assert_true(collector_option(&settings, OPTION_CONFIG, path, &failed));
    assert_false(failed);
    assert_true(collector_option(&settings, OPTION_DB, "postgresql://from.option/x", &failed));
    assert_string_equal(settings.db, "postgresql://from.option/x");
    assert_string_equal(settings.listen, "127.0.0.1:1");
    assert_string_equal(settings.public_name, "plx.example:7443");
    collector_settings_init(&settings); /* the other way round */
    assert_true(collector_option(&settings, OPTION_DB, "postgresql://from.option/x", &failed));
    assert_true(collector_option(&settings, OPTION_CONFIG, path, &failed));
    assert_string_equal(settings.db, "postgresql://from.option/x");
    assert_false(collector_option(&settings, 1, "x", &failed));
}

static void a_bad_file_is_told(void **arg)
{
    (void)arg;
    struct collector_settings settings;
    const char *const bad[] = {"lisen: x\n", "listen: [1]\n", "- 1\n", "listen: *x\n", "listen: {\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bool failed = false;
        write_config(bad[i]);
        collector_settings_init(&settings);
        assert_true(collector_option(&settings, OPTION_CONFIG, path, &failed));
        if (!failed)
            fail_msg("accepted %s", bad[i]);
    }
}

static void the_state_folder_is_made_private(void **arg)
{
    (void)arg;
    struct collector_settings settings;
    struct stat status;
    char state[64];
    (void)snprintf(state, sizeof state, "%s/a/b", folder);
    collector_settings_init(&settings);
    settings.state = state;
    assert_true(collector_settings_settle(&settings));
    assert_int_equal(stat(state, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_string_equal(settings.listen, "[::]:7443");
    assert_int_equal(settings.state[0], '/');
}

int main(void)
{
    private_state(folder);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_win_over_the_file),
        cmocka_unit_test(a_bad_file_is_told),
        cmocka_unit_test(the_state_folder_is_made_private),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)folder_remove(folder);
    return failed;
}
