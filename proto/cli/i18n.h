#ifndef PARALLAX_CLI_I18N_H
#define PARALLAX_CLI_I18N_H

#include <libintl.h>

/* _() translates now; N_() marks a text in a table that is translated when it is printed with _(). */
#define _(text)  gettext(text)
#define N_(text) text
/** Translates unless empty (gettext("") answers with the catalogue's header). */
#define T_(text) ((text)[0] == '\0' ? "" : gettext(text))

#define PARALLAX_TEXT_DOMAIN "parallax"

#endif
