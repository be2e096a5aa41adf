#include "store/evidence.h"

#include "store/db.h"
#include "words/message.h"

struct attempt *evidence_read(const PGresult *rows, int row)
{
    const char *why = "";
    size_t length = 0;
    unsigned char *bytes = PQunescapeBytea((const unsigned char *)db_text(rows, row, "evidence"), &length);
    struct attempt *attempt = bytes == NULL ? NULL : attempt_decode(bytes, length, &why);
    PQfreemem(bytes);
    return attempt;
}
