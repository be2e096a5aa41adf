#include "words/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* @return behind them. */
static char *put_digits(char *out, unsigned value, int digits)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        out[i] = (char)('0' + value % 10);
    return out + digits;
}

static char *put_part(char *out, char before, int value)
{
    *out = before;
    return put_digits(out + 1, (unsigned)value, 2);
}

/* Written very often: not by strftime and printf, which take longer than all that a line says besides. */
const char *time_rfc3339(int64_t unix_us, int decimals, char out[UNITS_TIME_BYTES])
{
    static const unsigned scale[] = {0, 100000, 10000, 1000, 100, 10, 1};
    int64_t seconds = unix_us / US_PER_S, rest = unix_us % US_PER_S;
    if (rest < 0) {
        rest += US_PER_S;
        seconds--;
    }
    time_t clock = (time_t)seconds;
    struct tm tm;
    if (gmtime_r(&clock, &tm) == NULL || tm.tm_year > 8099 || tm.tm_year < -1900) {
        (void)snprintf(out, UNITS_TIME_BYTES, "@%" PRId64 "us", unix_us);
        return out;
    }
    char *at = put_digits(out, (unsigned)(tm.tm_year + 1900), 4);
    at = put_part(at, '-', tm.tm_mon + 1);
    at = put_part(at, '-', tm.tm_mday);
    at = put_part(at, 'T', tm.tm_hour);
    at = put_part(at, ':', tm.tm_min);
    at = put_part(at, ':', tm.tm_sec);
    if (decimals > 0 && decimals <= 6) {
        *at++ = '.';
        at = put_digits(at, (unsigned)rest / scale[decimals], decimals);
    }
    *at++ = 'Z';
    *at = '\0';
    return out;
}

/* "Z", "+hh:mm" or "-hh:mm"; the offset in seconds. */
static const int64_t year_0_s = -62167219200, year_10000_s = 253402300800;

/* Does it begin like the form, in which 0 stands for a digit? */
static bool has_form(const char *text, const char *form)
{
    for (; *form != '\0'; form++, text++)
        if (*form == '0' ? *text < '0' || *text > '9' : *text != *form)
            return false;
    return true;
}

static bool parse_offset(const char *text, int *ret_seconds)
{
    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0) {
        *ret_seconds = 0;
        return true;
    }
    if ((text[0] != '+' && text[0] != '-') || !has_form(text + 1, "00:00") || text[6] != '\0')
        return false;
    int hours = (text[1] - '0') * 10 + text[2] - '0', minutes = (text[4] - '0') * 10 + text[5] - '0';
    if (hours > 23 || minutes > 59)
        return false;
    *ret_seconds = (text[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
}

static const char *parse_fraction(const char *text, int64_t *ret_us)
{
    int64_t unit = US_PER_S / 10;
    *ret_us = 0;
    if (*text != '.')
        return text;
    for (text++; *text >= '0' && *text <= '9'; text++, unit /= 10)
        *ret_us += (*text - '0') * unit;
    return text;
}

bool time_parse_rfc3339(const char *text, int64_t *ret_unix_us)
{
    struct tm tm = {0};
    int64_t fraction = 0;
    int offset = 0;
    const char *rest = has_form(text, "0000-00-00") ? strptime(text, "%Y-%m-%d", &tm) : NULL;
    if (rest == NULL)
        return false;
    if (*rest != '\0') {
        if (*rest != 'T' && *rest != 't' && *rest != ' ')
            return false;
        rest = has_form(rest + 1, "00:00:00") ? strptime(rest + 1, "%H:%M:%S", &tm) : NULL;
        if (rest == NULL)
            return false;
        rest = parse_fraction(rest, &fraction);
        if (!parse_offset(rest, &offset))
            return false;
    }
    struct tm checked = tm;
    int64_t seconds = timegm(&checked);
    if (checked.tm_mday != tm.tm_mday || checked.tm_mon != tm.tm_mon)
        return false; /* such as 30 February, which timegm would move on */
    seconds -= offset;
    if (seconds < year_0_s || seconds >= year_10000_s)
        return false; /* in UTC it has another number of digits */
    *ret_unix_us = seconds * US_PER_S + fraction;
    return true;
}

bool span_parse(const char *text, int64_t *ret_us)
{
    static const struct {
        const char *unit;
        double us;
    } units[] = {{"", 1e6}, {"us", 1}, {"ms", 1e3}, {"s", 1e6}, {"m", 60e6}, {"h", 3600e6}, {"d", 86400e6}};
    if (*text < '0' || *text > '9' || strspn(text, "0123456789") > 12)
        return false;
    char *end;
    double value = strtod(text, &end);
    if (text[1] == 'x' || text[1] == 'X')
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(end, units[i].unit) != 0)
            continue;
        double us = value * units[i].us;
        if (!(us >= 0 && us < 9e17))
            return false;
        *ret_us = (int64_t)(us + 0.5);
        return true;
    }
    return false;
}

const char *span_text(int64_t us, char out[UNITS_SPAN_BYTES])
{
    double ms = (double)us / 1e3;
    if (us < 0)
        (void)snprintf(out, UNITS_SPAN_BYTES, "-");
    else if (ms < 9.95)
        (void)snprintf(out, UNITS_SPAN_BYTES, "%.1f ms", ms);
    else if (ms < 999.5)
        (void)snprintf(out, UNITS_SPAN_BYTES, "%.0f ms", ms);
    else if (us < 60 * US_PER_S)
        (void)snprintf(out, UNITS_SPAN_BYTES, "%.2f s", ms / 1e3);
    else if (us < 3600 * US_PER_S)
        (void)snprintf(out, UNITS_SPAN_BYTES, "%" PRId64 " m %" PRId64 " s", us / (60 * US_PER_S),
                       us / US_PER_S % 60);
    else if (us < 86400 * US_PER_S)
        (void)snprintf(out, UNITS_SPAN_BYTES, "%" PRId64 " h %" PRId64 " m", us / (3600 * US_PER_S),
                       us / (60 * US_PER_S) % 60);
    else
        (void)snprintf(out, UNITS_SPAN_BYTES, "%" PRId64 " d", us / (86400 * US_PER_S));
    return out;
}

char *hex_text(const uint8_t *bytes, size_t length, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * length] = '\0';
    return out;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool hex_parse(const char *text, uint8_t *out, size_t length)
{
    if (strlen(text) != 2 * length)
        return false;
    for (size_t i = 0; i < length; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
