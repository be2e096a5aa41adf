#include "cli/i18n.h"
#include "cli/program.h"

#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * How a text becomes Chinese. glibc looks a message up only when LC_MESSAGES names a locale that is installed
 * and is not "C"; a small server has "C.UTF-8" alone, and there zh_CN.UTF-8 cannot be set. But under any
 * locale other than "C" the variable LANGUAGE decides which catalogue is read, and "C.UTF-8" is such a
 * locale. So:
 *
 *   Chinese: LANGUAGE=zh_CN and LC_MESSAGES=C.UTF-8        English: LC_MESSAGES=C
 *
 * LC_CTYPE is C.UTF-8 for both; LC_NUMERIC and the rest stay "C", since numbers are read by machines too.
 */

/* ../share/locale beside the program's folder: so it is in a build tree and in an installation. */
static bool locale_folder(char *out, size_t size)
{
    static const char beside[] = "/../share/locale";
    ssize_t length = readlink("/proc/self/exe", out, size - sizeof beside);
    if (length <= 0)
        return false;
    out[length] = '\0';
    char *slash = strrchr(out, '/');
    if (slash == NULL)
        return false;
    memcpy(slash, beside, sizeof beside);
    return true;
}

/* The language that the environment asks for, by the rules of gettext: LANGUAGE counts unless the locale is
 * C. */
static bool environment_is_chinese(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    const char *locale = "";
    for (size_t i = 0; i < sizeof names / sizeof names[0] && locale[0] == '\0'; i++) {
        const char *value = getenv(names[i]);
        locale = value != NULL ? value : "";
    }
    if (locale[0] == '\0' || strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0)
        return false;
    const char *language = getenv("LANGUAGE");
    return strncmp(language != NULL && language[0] != '\0' ? language : locale, "zh", 2) == 0;
}

void cli_set_language(const char *language)
{
    bool chinese = language != NULL ? strcmp(language, "zh") == 0 : environment_is_chinese();
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    if (chinese)
        (void)setenv("LANGUAGE", "zh_CN", 1);
    (void)setlocale(LC_MESSAGES, chinese ? "C.UTF-8" : "C");
    char folder[PATH_MAX];
    if (locale_folder(folder, sizeof folder))
        (void)bindtextdomain(PARALLAX_TEXT_DOMAIN, folder);
    (void)bind_textdomain_codeset(PARALLAX_TEXT_DOMAIN, "UTF-8");
    (void)textdomain(PARALLAX_TEXT_DOMAIN);
}
