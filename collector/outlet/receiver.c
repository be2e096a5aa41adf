#include "outlet/receiver.h"

#include "cli/i18n.h"
#include "store/command.h"
#include "words/units.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_DIGEST_BYTES = 4 };

/* scheme://host:port#digits; the path, the query and whoever logs in may be secrets. */
static bool receiver_name(struct receiver *receiver, CURLU *parts, const char *url)
{
    char *scheme = NULL, *host = NULL, *port = NULL;
    uint8_t digest[SHA256_DIGEST_LENGTH];
    char digits[2 * NAME_DIGEST_BYTES + 1];
    (void)SHA256((const uint8_t *)url, strlen(url), digest);
    bool whole = curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                 curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                 curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                 (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    if (whole)
        (void)snprintf(receiver->name, sizeof receiver->name, "%s://%.150s:%s#%s", scheme, host, port,
                       hex_text(digest, NAME_DIGEST_BYTES, digits));
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    return whole;
}

bool receiver_init(struct receiver *receiver, enum receiver_kind kind, const char *url, const char **ret_why)
{
    CURLU *parts = curl_url();
    *receiver = (struct receiver){.kind = kind};
    *ret_why = N_("expected an URL such as https://host/path");
    bool whole = parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                 receiver_name(receiver, parts, url);
    curl_url_cleanup(parts);
    if (!whole)
        return false;
    size_t length = strlen(url);
    while (length > 0 && url[length - 1] == '/')
        length--;
    receiver->url =
        kind == RECEIVER_WEBHOOK ? strdup(url) : text_format("%.*s/api/v2/alerts", (int)length, url);
    *ret_why = N_("out of memory");
    return receiver->url != NULL;
}

void receiver_done(struct receiver *receiver)
{
    free(receiver->url);
    receiver->url = NULL;
}

bool receiver_token(const char *path, char out[RECEIVER_TOKEN_BYTES], const char **ret_why)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        *ret_why = strerror(errno);
        return false;
    }
    bool read = fgets(out, RECEIVER_TOKEN_BYTES, file) != NULL;
    (void)fclose(file);
    size_t length = read ? strcspn(out, "\r\n") : 0;
    bool whole = length > 0 && length < RECEIVER_TOKEN_BYTES - 1;
    for (size_t i = 0; whole && i < length; i++)
        whole = out[i] > ' ' && out[i] < 0x7f;
    out[whole ? length : 0] = '\0';
    *ret_why = N_("expected one line of printable ASCII without spaces");
    return whole;
}
