# Turns the SQL files into C: one enum value and one table row a statement, one row a migration.
#   cmake -DSQL=sql -DOUT=folder -P embed.cmake
# A statement file opens with a comment "-- params: type, type ..." (or "-- params: none"); the types are given to PREPARE.
# A line "-- include: NAME" in a statement stands for the text of parts/NAME.sql; a part includes nothing.
file(GLOB statements ${SQL}/statements/*.sql)
file(GLOB migrations ${SQL}/migrations/*.sql)

function(c_string text out)
    string(REPLACE "\\" "\\\\" text "${text}")
    string(REPLACE "\"" "\\\"" text "${text}")
    string(REPLACE "\n" "\\n\"\n     \"" text "${text}")
    set(${out} "\"${text}\"" PARENT_SCOPE)
endfunction()

function(line_of place text out)
    string(FIND "${text}" "${place}" at)
    string(SUBSTRING "${text}" 0 ${at} before)
    string(REGEX MATCHALL "\n" ends "${before}")
    list(LENGTH ends line)
    math(EXPR line "${line} + 1")
    set(${out} ${line} PARENT_SCOPE)
endfunction()

function(include_parts file text out)
    set(whole "${text}")
    while(whole MATCHES "(-- include:([^\n]*))\n")
        set(include "${CMAKE_MATCH_1}")
        string(STRIP "${CMAKE_MATCH_2}" name)
        line_of("${include}\n" "${text}" line)
        set(part ${SQL}/parts/${name}.sql)
        if(NOT EXISTS ${part})
            message(FATAL_ERROR "${file}:${line}: there is no ${part} to include")
        endif()
        file(READ ${part} body)
        if(body MATCHES "-- include:")
            message(FATAL_ERROR "${file}:${line}: ${part} includes another part, which parts must not")
        endif()
        string(REPLACE "${include}\n" "${body}" whole "${whole}")
    endwhile()
    set(${out} "${whole}" PARENT_SCOPE)
endfunction()

set(enum "")
set(rows "")
foreach(file ${statements})
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} text)
    if(NOT text MATCHES "^-- params: ([^\n]*)\n")
        message(FATAL_ERROR "${file}:1: expected \"-- params: type, ...\" or \"-- params: none\"")
    endif()
    set(params "${CMAKE_MATCH_1}")
    set(count 0)
    if(params STREQUAL "none")
        set(params "")
    else()
        string(REGEX MATCHALL "," commas "${params}")
        list(LENGTH commas count)
        math(EXPR count "${count} + 1")
    endif()
    include_parts(${file} "${text}" text)
    c_string("${text}" literal)
    string(APPEND enum "    STATEMENT_${name},\n")
    string(APPEND rows "    {\"${name}\", \"${params}\", ${count},\n     ${literal}},\n")
endforeach()

set(migration_rows "")
foreach(file ${migrations})
    get_filename_component(name ${file} NAME_WE)
    if(NOT name MATCHES "^([0-9][0-9][0-9])_")
        message(FATAL_ERROR "${file}: a migration's name starts with three digits and an underscore")
    endif()
    math(EXPR number "${CMAKE_MATCH_1}")
    file(READ ${file} text)
    c_string("${text}" literal)
    string(APPEND migration_rows "    {${number}, \"${name}\",\n     ${literal}},\n")
endforeach()

file(READ ${SQL}/roles.sql text)
c_string("${text}" roles_literal)

file(MAKE_DIRECTORY ${OUT})
file(WRITE ${OUT}/statements.h
"/* Generated from sql/ by sql/embed.cmake. */
#ifndef PARALLAX_STORE_STATEMENTS_H
#define PARALLAX_STORE_STATEMENTS_H

enum statement_id {
${enum}    STATEMENT_COUNT
};

struct statement {
    const char *name;
    const char *params; /* types, comma separated; \"\" for none */
    int param_count;
    const char *text;
};
extern const struct statement statements[STATEMENT_COUNT];

struct migration {
    int version;
    const char *name;
    const char *text;
};
extern const struct migration migrations[];
extern const int migration_count;

extern const char roles_sql[];

#endif
")
file(WRITE ${OUT}/statements.c
"/* Generated from sql/ by sql/embed.cmake. */
#include \"store/statements.h\"

const struct statement statements[STATEMENT_COUNT] = {
${rows}};

const struct migration migrations[] = {
${migration_rows}};
const int migration_count = (int)(sizeof migrations / sizeof migrations[0]);

const char roles_sql[] =
    ${roles_literal};
")
