# Turns a text file into a C constant: const char NAME[] and const unsigned long NAME_length.
#   cmake -DTEXT=file -DNAME=name -DOUT=file.c -P embed_text.cmake
file(READ ${TEXT} text)
string(REPLACE "\\" "\\\\" text "${text}")
string(REPLACE "\"" "\\\"" text "${text}")
string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
file(WRITE ${OUT} "/* Generated from ${NAME}. */
extern const char ${NAME}[];
extern const unsigned long ${NAME}_length;
const char ${NAME}[] =
    \"${text}\";
const unsigned long ${NAME}_length = sizeof ${NAME} - 1;
")
