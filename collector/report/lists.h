#ifndef PARALLAX_COLLECTOR_REPORT_LISTS_H
#define PARALLAX_COLLECTOR_REPORT_LISTS_H

#include "report/rows.h"

/* The fields of each list. */
extern const struct rows_field site_report_fields[];    /* report_site.sql */
extern const struct rows_field vantage_report_fields[]; /* report_vantages.sql */
extern const struct rows_field asn_report_fields[];     /* report_asn.sql */
extern const struct rows_field cert_report_fields[];    /* report_certs.sql */
extern const struct rows_field site_list_fields[];      /* site_list.sql */
extern const struct rows_field site_show_fields[];      /* site_show.sql */

#endif
