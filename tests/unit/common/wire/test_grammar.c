#include "test.h"

#include "common/wire/grammar.h"

/* Arrays that are open around the deepest value of g. */
static unsigned depth_of(const struct grammar *g)
{
    unsigned deepest = 0;
    for (unsigned i = 0; i < g->count; i++) {
        const struct grammar_field *f = &g->fields[i];
        unsigned d = f->sub ? depth_of(f->sub) : 0;
        d += f->kind == GRAMMAR_LIST || f->kind == GRAMMAR_ROWS || f->kind == GRAMMAR_NUMBERS;
        deepest = d > deepest ? d : deepest;
    }
    return deepest + !g->bare;
}

static void check_bounds(const struct grammar *g, size_t size)
{
    cr_assert_leq(g->required, g->count);
    for (unsigned i = 0; i < g->count; i++) {
        const struct grammar_field *f = &g->fields[i];
        const size_t elements = f->kind == GRAMMAR_LIST ? f->max : 1;
        cr_assert_lt(f->kind, GRAMMAR_KINDS);
        cr_assert_leq(f->at + f->width * elements, size, "%s.%s", g->name, f->name);
        cr_assert_lt(f->other, size, "%s.%s", g->name, f->name);
        cr_assert_leq(f->min, f->max, "%s.%s", g->name, f->name);
        if (f->sub)
            check_bounds(f->sub, f->kind == GRAMMAR_ROWS ? sizeof(struct message_schema_entry) : f->width);
    }
}

Test(grammar, every_field_lies_inside_its_struct)
{
    for (int t = 0; t < 256; t++)
        if (grammar_of((enum message_type)t))
            check_bounds(grammar_of((enum message_type)t), sizeof(((struct message *)0)->u));
}

Test(grammar, no_message_is_nested_deeper_than_the_limit)
{
    for (int t = 0; t < 256; t++)
        if (grammar_of((enum message_type)t))
            cr_assert_leq(depth_of(grammar_of((enum message_type)t)), MESSAGE_DEPTH_MAX, "type %d", t);
}

Test(grammar, exactly_the_types_of_the_catalogue_have_one)
{
    for (int t = -1; t < 300; t++) {
        const bool wanted = (t >= 1 && t <= 20) || (t >= 30 && t <= 33) || t == 60 || t == 61;
        cr_assert_eq(grammar_of((enum message_type)t) != NULL, wanted, "type %d", t);
    }
}

/* Members of 8, 4, 2 and 1 bytes must be told their width, or a load would read a neighbour. */
Test(grammar, numbers_are_as_wide_as_a_number_can_be)
{
    for (int t = 0; t < 256; t++) {
        const struct grammar *g = grammar_of((enum message_type)t);
        for (unsigned i = 0; g && i < g->count; i++) {
            const uint32_t w = g->fields[i].width;
            if (g->fields[i].kind == GRAMMAR_UINT)
                cr_assert(w == 1 || w == 2 || w == 4 || w == 8, "%s.%s", g->name, g->fields[i].name);
        }
    }
}
