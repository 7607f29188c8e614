/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix as a CSV file, which is also how expectations are read, and as a page. */
#include <string.h>

#include "matrix.h"
#include "report/escape.h"

/* ---- CSV ---- */

static const char head[] = "op,dtype,target,status,id,tests,text\n";

static uint32_t count_tests(const struct cell *cell)
{
    uint32_t n = 0;
    for (size_t kind = 0; kind < VERDICT_COUNT; kind++) {
        n += cell->n[kind];
    }
    return n;
}

static void put_line(struct buffer *out, const char *op, enum dtype d, const char *target,
                     const struct cell *cell)
{
    buffer_printf(out, "%s,%s,", op, dtype_name(d));
    csv_put(out, target);
    buffer_printf(out, ",%s,", cell_names[cell->status]);
    csv_put(out, cell->id ? cell->id : "");
    buffer_printf(out, ",%u,", count_tests(cell));
    csv_put(out, cell->text ? cell->text : "");
    buffer_puts(out, "\n");
}

enum err matrix_write_csv(const struct matrix *m, const char *path)
{
    struct buffer out = BUFFER_INIT;
    buffer_puts(&out, head);
    for (size_t op = 0; op < op_count; op++) {
        for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
            for (size_t t = 0; m->exists[op][d] && t < m->n_targets; t++) {
                put_line(&out, op_table[op]->name, d, m->labels[t], matrix_cell(m, op, d, t));
            }
        }
    }
    enum err err = file_write(path, out.data, out.size);
    buffer_release(&out);
    return err;
}

/* ---- what was expected ---- */

struct reader {
    const char *path, *at, *end;
    unsigned line;
    struct arena *arena;
};

/* The next cell of the line, and whether another follows; ERR_INPUT: a quote is not closed. */
static enum err read_cell(struct reader *r, const char **cell, bool *more)
{
    struct buffer text = BUFFER_INIT;
    bool is_quoted = r->at < r->end && *r->at == '"', is_open = is_quoted;
    r->at += is_quoted;
    for (; r->at < r->end && (is_open || (*r->at != ',' && *r->at != '\n')); r->at++) {
        if (is_open && *r->at == '"') {
            is_open = r->at + 1 < r->end && r->at[1] == '"';
            r->at += is_open;
            if (!is_open) {
                continue;
            }
        }
        buffer_append(&text, r->at, *r->at != '\r' || is_open);
    }
    *cell = arena_printf(r->arena, "%.*s", (int)text.size, text.data ? text.data : "");
    buffer_release(&text);
    if (is_open) {
        return err_set(ERR_INPUT, "%s:%u: a quote is not closed", r->path, r->line);
    }
    *more = r->at < r->end && *r->at == ',';
    r->at += *more;
    return ERR_OK;
}

static enum err read_line(struct reader *r, struct texts *cells)
{
    const char *cell;
    bool more = true;
    cells->n = 0;
    while (more) {
        TRY(read_cell(r, &cell, &more));
        texts_add(cells, cell, r->arena);
    }
    r->at += r->at < r->end; /* the line's end */
    return ERR_OK;
}

static enum err parse_expected(const struct reader *r, const struct texts *cells,
                               struct expected_cell *cell)
{
    if (cells->n < 4) {
        return err_set(ERR_INPUT,
                       "%s:%u: a line is op,dtype,target,status,... as `opjury matrix "
                       "--csv` writes it",
                       r->path, r->line);
    }
    *cell = (struct expected_cell){cells->items[0], cells->items[1], cells->items[2], 0};
    for (size_t s = 0; s < CELL_STATUS_COUNT; s++) {
        if (strcmp(cells->items[3], cell_names[s]) == 0) {
            cell->status = (enum cell_status)s;
            return ERR_OK;
        }
    }
    return err_set(ERR_INPUT, "%s:%u: a status is pass, wrong, unsupported or untested, not '%s'",
                   r->path, r->line, line_text(cells->items[3], r->arena));
}

enum err matrix_read_expected(const char *path, struct arena *arena, struct expected_cell **cells,
                              size_t *n)
{
    struct buffer bytes = BUFFER_INIT;
    TRY(file_read(path, 0, &bytes));
    struct reader r = {.path = path, .at = bytes.data, .line = 1, .arena = arena};
    r.end = r.at + bytes.size;
    enum err err = ERR_OK;
    *cells = NULL;
    *n = 0;
    for (; !err && r.at < r.end; r.line++) {
        struct texts line = {0};
        const char *begin = r.at;
        err = read_line(&r, &line);
        bool is_empty = line.n == 1 && !*line.items[0];
        bool is_comment = *begin == '#' || (r.line == 1 && strncmp(begin, "op,", 3) == 0);
        if (!err && !is_empty && !is_comment) {
            *cells = arena_room(arena, *cells, *n, sizeof **cells);
            err = parse_expected(&r, &line, &(*cells)[(*n)++]);
        }
    }
    buffer_release(&bytes);
    return err;
}

/* ---- a page ---- */

/* Colours that are told apart without red and green; each cell has a letter too. */
static const char page_head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'\">\n<title>opjury matrix</title>\n<style>\n"
    "body { font: 14px sans-serif; margin: 2em; }\n"
    "table { border-collapse: collapse; margin-bottom: 2em; }\n"
    "th, td { border: 1px solid #ccc; padding: 1px 6px; text-align: center; }\n"
    "th[scope=row] { text-align: left; font-weight: normal; }\n"
    "thead th { position: sticky; top: 0; background: #fff; }\n"
    ".pass { background: #cfe5f5; }\n"
    ".wrong { background: #d55e00; color: #fff; font-weight: bold; }\n"
    ".unsupported { background: #eee; color: #777; }\n"
    ".untested { background: #fbefc4; }\n"
    "</style></head><body>\n<h1>Operators by dtype and target</h1>\n"
    "<p><span class=\"pass\">p</span> pass, <span class=\"wrong\">W</span> wrong, "
    "<span class=\"unsupported\">u</span> unsupported, <span class=\"untested\">?</span> "
    "untested; empty: the operator is not defined for the dtype.</p>\n";

static const char *const letters[CELL_STATUS_COUNT] = {
    [CELL_UNTESTED] = "?", [CELL_UNSUPPORTED] = "u", [CELL_PASS] = "p", [CELL_WRONG] = "W"};

static void put_cell(struct buffer *out, const struct cell *cell)
{
    buffer_printf(out, "<td class=\"%s\"", cell_names[cell->status]);
    if (cell->status == CELL_WRONG) {
        buffer_puts(out, " title=\"");
        xml_put(out, cell->text);
        buffer_puts(out, "\"");
    }
    buffer_printf(out, ">%s", letters[cell->status]);
    if (cell->status == CELL_WRONG && *cell->id) {
        buffer_puts(out, " ");
        xml_text(out, cell->id);
    }
    buffer_puts(out, "</td>");
}

static bool has_row(const struct matrix *m, size_t op)
{
    bool has = false;
    for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
        has |= m->exists[op][d];
    }
    return has;
}

static void put_table(struct buffer *out, const struct matrix *m, size_t t)
{
    buffer_puts(out, "<h2>");
    xml_text(out, m->labels[t]);
    buffer_puts(out, " ");
    xml_text(out, m->versions[t]);
    buffer_puts(out, "</h2>\n<table><thead><tr><th></th>");
    for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
        buffer_printf(out, "<th scope=\"col\">%s</th>", dtype_name(d));
    }
    buffer_puts(out, "</tr></thead><tbody>\n");
    for (size_t op = 0; op < op_count; op++) {
        if (!has_row(m, op)) {
            continue;
        }
        buffer_printf(out, "<tr><th scope=\"row\">%s</th>", op_table[op]->name);
        for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
            if (m->exists[op][d]) {
                put_cell(out, matrix_cell(m, op, d, t));
            } else {
                buffer_puts(out, "<td></td>");
            }
        }
        buffer_puts(out, "</tr>\n");
    }
    buffer_puts(out, "</tbody></table>\n");
}

enum err matrix_write_html(const struct matrix *m, const char *path)
{
    struct buffer out = BUFFER_INIT;
    buffer_puts(&out, page_head);
    for (size_t t = 0; t < m->n_targets; t++) {
        put_table(&out, m, t);
    }
    buffer_puts(&out, "</body></html>\n");
    enum err err = file_write(path, out.data, out.size);
    buffer_release(&out);
    return err;
}
