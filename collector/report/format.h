#ifndef PARALLAX_COLLECTOR_REPORT_FORMAT_H
#define PARALLAX_COLLECTOR_REPORT_FORMAT_H

/* What --format chooses from, the same for every verb that reports. */

enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_CSV, REPORT_FORMATS };

enum { REPORT_JSON_SCHEMA = 1 };

extern const char *const report_format_names[REPORT_FORMATS];

#endif
