#ifndef PARALLAX_COLLECTOR_REPORT_FORMAT_H
#define PARALLAX_COLLECTOR_REPORT_FORMAT_H

/* What --format chooses from. Every verb that reports has the first ones; `report` has them all. */

enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_CSV, REPORT_NDJSON, REPORT_MD, REPORT_HTML };

enum { REPORT_FORMATS = REPORT_CSV + 1, REPORT_ALL_FORMATS = REPORT_HTML + 1 };

enum { REPORT_JSON_SCHEMA = 1 };

extern const char *const report_format_names[REPORT_ALL_FORMATS];

#endif
