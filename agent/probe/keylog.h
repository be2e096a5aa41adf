#ifndef PARALLAX_PROBE_KEYLOG_H
#define PARALLAX_PROBE_KEYLOG_H

/*
 * The secrets of the connections in the key log format of NSS (draft-ietf-tls-keylogfile), for Wireshark. Whoever has the
 * file and a capture can read what was said, so it is made with mode 0600.
 */
struct keylog;

/** Opens for appending, as every program that writes such files does. @param ret_why  one line; the caller frees it. */
struct keylog *keylog_open(const char *path, char **ret_why);

/** NULL is fine. @return 0, or the errno of the first write that failed. */
int keylog_close(struct keylog *keylog);

/** One secret: label, random of the client and secret, without the end of the line. NULL is fine. */
void keylog_line(struct keylog *keylog, const char *line);

#endif
