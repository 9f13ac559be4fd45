/* json_suite.h - all 318 texts of the public JSONTestSuite (Nicolas Seriot, MIT
 * licence, directory test_parsing), in a notation of our own, each under the
 * name that the file has there without its ".json": 188 that no reader may
 * take (n_), 95 that each must (y_), 35 about which RFC 8259 leaves the choice
 * (i_).
 *
 * There is one reader for all that comes from outside, cn_json_read, so there
 * is one outcome for each text wherever it arrives: webhook, answer, file of
 * configuration, admin API.  What is ours to choose:
 *
 *   i_number_*            taken: a number is kept as it is written and never
 *                         becomes a double, so none is too large or too exact
 *   i_string_*, i_object_* refused: half a surrogate pair, and bytes that are
 *                         no UTF-8 (UTF-16 too), are no characters
 *   i_structure_500_...   refused: 64 levels are the limit, or what the caller
 *                         sets
 *   i_structure_UTF-8_BOM refused: a byte order mark is no white space
 *
 * Two of those that must be taken are refused on purpose, which the RFC allows
 * ("names within an object SHOULD be unique"): y_object_duplicated_key and
 * y_object_duplicated_key_and_value, because two readers do not agree on what
 * they say.
 *
 * Used by test_json.c against the reader, and by the harness fault_web against
 * the daemon. */
#ifndef CONNECT_TESTS_JSON_SUITE_H
#define CONNECT_TESTS_JSON_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct json_suite_row {
    const char *name;
    bool taken;
    const char *bytes;
    size_t len, times; /* bytes so often, */
    const char *tail;  /* then tail */
    size_t tail_times;
};

#define TAKEN(name, text)                                                      \
    {                                                                          \
        name, true, text, sizeof(text) - 1, 1, "", 0                           \
    }
#define REFUSED(name, text)                                                    \
    {                                                                          \
        name, false, text, sizeof(text) - 1, 1, "", 0                          \
    }
#define REFUSED_LONG(name, text, times, tail, tail_times)                      \
    {                                                                          \
        name, false, text, sizeof(text) - 1, times, tail, tail_times           \
    }

static const struct json_suite_row json_suite[] = {
    /* Must be refused. */
    REFUSED("n_array_1_true_without_comma", "[1 true]"),
    REFUSED("n_array_a_invalid_utf8", "[a\345]"),
    REFUSED("n_array_colon_instead_of_comma", "[\"\": 1]"),
    REFUSED("n_array_comma_after_close", "[\"\"],"),
    REFUSED("n_array_comma_and_number", "[,1]"),
    REFUSED("n_array_double_comma", "[1,,2]"),
    REFUSED("n_array_double_extra_comma", "[\"x\",,]"),
    REFUSED("n_array_extra_close", "[\"x\"]]"),
    REFUSED("n_array_extra_comma", "[\"\",]"),
    REFUSED("n_array_incomplete", "[\"x\""),
    REFUSED("n_array_incomplete_invalid_value", "[x"),
    REFUSED("n_array_inner_array_no_comma", "[3[4]]"),
    REFUSED("n_array_invalid_utf8", "[\377]"),
    REFUSED("n_array_items_separated_by_semicolon", "[1:2]"),
    REFUSED("n_array_just_comma", "[,]"),
    REFUSED("n_array_just_minus", "[-]"),
    REFUSED("n_array_missing_value", "[   , \"\"]"),
    REFUSED("n_array_newlines_unclosed", "[\"a\",\n4\n,1,"),
    REFUSED("n_array_number_and_comma", "[1,]"),
    REFUSED("n_array_number_and_several_commas", "[1,,]"),
    REFUSED("n_array_spaces_vertical_tab_formfeed", "[\"\013a\"\\f]"),
    REFUSED("n_array_star_inside", "[*]"),
    REFUSED("n_array_unclosed", "[\"\""),
    REFUSED("n_array_unclosed_trailing_comma", "[1,"),
    REFUSED("n_array_unclosed_with_new_lines", "[1,\n1\n,1"),
    REFUSED("n_array_unclosed_with_object_inside", "[{}"),
    REFUSED("n_incomplete_false", "[fals]"),
    REFUSED("n_incomplete_null", "[nul]"),
    REFUSED("n_incomplete_true", "[tru]"),
    REFUSED("n_multidigit_number_then_00", "123\000"),
    REFUSED("n_number_++", "[++1234]"),
    REFUSED("n_number_+1", "[+1]"),
    REFUSED("n_number_+Inf", "[+Inf]"),
    REFUSED("n_number_-01", "[-01]"),
    REFUSED("n_number_-1.0.", "[-1.0.]"),
    REFUSED("n_number_-2.", "[-2.]"),
    REFUSED("n_number_-NaN", "[-NaN]"),
    REFUSED("n_number_.-1", "[.-1]"),
    REFUSED("n_number_.2e-3", "[.2e-3]"),
    REFUSED("n_number_0.1.2", "[0.1.2]"),
    REFUSED("n_number_0.3e", "[0.3e]"),
    REFUSED("n_number_0.3e+", "[0.3e+]"),
    REFUSED("n_number_0.e1", "[0.e1]"),
    REFUSED("n_number_0_capital_E", "[0E]"),
    REFUSED("n_number_0_capital_E+", "[0E+]"),
    REFUSED("n_number_0e", "[0e]"),
    REFUSED("n_number_0e+", "[0e+]"),
    REFUSED("n_number_1.0e", "[1.0e]"),
    REFUSED("n_number_1.0e+", "[1.0e+]"),
    REFUSED("n_number_1.0e-", "[1.0e-]"),
    REFUSED("n_number_1_000", "[1 000.0]"),
    REFUSED("n_number_1eE2", "[1eE2]"),
    REFUSED("n_number_2.e+3", "[2.e+3]"),
    REFUSED("n_number_2.e-3", "[2.e-3]"),
    REFUSED("n_number_2.e3", "[2.e3]"),
    REFUSED("n_number_9.e+", "[9.e+]"),
    REFUSED("n_number_Inf", "[Inf]"),
    REFUSED("n_number_NaN", "[NaN]"),
    REFUSED("n_number_U+FF11_fullwidth_digit_one", "[\357\274\221]"),
    REFUSED("n_number_expression", "[1+2]"),
    REFUSED("n_number_hex_1_digit", "[0x1]"),
    REFUSED("n_number_hex_2_digits", "[0x42]"),
    REFUSED("n_number_infinity", "[Infinity]"),
    REFUSED("n_number_invalid+-", "[0e+-1]"),
    REFUSED("n_number_invalid-negative-real", "[-123.123foo]"),
    REFUSED("n_number_invalid-utf-8-in-bigger-int", "[123\345]"),
    REFUSED("n_number_invalid-utf-8-in-exponent", "[1e1\345]"),
    REFUSED("n_number_invalid-utf-8-in-int", "[0\345]\n"),
    REFUSED("n_number_minus_infinity", "[-Infinity]"),
    REFUSED("n_number_minus_sign_with_trailing_garbage", "[-foo]"),
    REFUSED("n_number_minus_space_1", "[- 1]"),
    REFUSED("n_number_neg_int_starting_with_zero", "[-012]"),
    REFUSED("n_number_neg_real_without_int_part", "[-.123]"),
    REFUSED("n_number_neg_with_garbage_at_end", "[-1x]"),
    REFUSED("n_number_real_garbage_after_e", "[1ea]"),
    REFUSED("n_number_real_with_invalid_utf8_after_e", "[1e\345]"),
    REFUSED("n_number_real_without_fractional_part", "[1.]"),
    REFUSED("n_number_starting_with_dot", "[.123]"),
    REFUSED("n_number_with_alpha", "[1.2a-3]"),
    REFUSED("n_number_with_alpha_char", "[1.8011670033376514H-308]"),
    REFUSED("n_number_with_leading_zero", "[012]"),
    REFUSED("n_object_bad_value", "[\"x\", truth]"),
    REFUSED("n_object_bracket_key", "{[: \"x\"}\n"),
    REFUSED("n_object_comma_instead_of_colon", "{\"x\", null}"),
    REFUSED("n_object_double_colon", "{\"x\"::\"b\"}"),
    REFUSED("n_object_emoji", "{\360\237\207\250\360\237\207\255}"),
    REFUSED("n_object_garbage_at_end", "{\"a\":\"a\" 123}"),
    REFUSED("n_object_key_with_single_quotes", "{key: 'value'}"),
    REFUSED("n_object_lone_continuation_byte_in_key_and_trailing_comma",
            "{\"\271\":\"0\",}"),
    REFUSED("n_object_missing_colon", "{\"a\" b}"),
    REFUSED("n_object_missing_key", "{:\"b\"}"),
    REFUSED("n_object_missing_semicolon", "{\"a\" \"b\"}"),
    REFUSED("n_object_missing_value", "{\"a\":"),
    REFUSED("n_object_no-colon", "{\"a\""),
    REFUSED("n_object_non_string_key", "{1:1}"),
    REFUSED("n_object_non_string_key_but_huge_number_instead", "{9999E9999:1}"),
    REFUSED("n_object_repeated_null_null", "{null:null,null:null}"),
    REFUSED("n_object_several_trailing_commas", "{\"id\":0,,,,,}"),
    REFUSED("n_object_single_quote", "{'a':0}"),
    REFUSED("n_object_trailing_comma", "{\"id\":0,}"),
    REFUSED("n_object_trailing_comment", "{\"a\":\"b\"}/**/"),
    REFUSED("n_object_trailing_comment_open", "{\"a\":\"b\"}/**//"),
    REFUSED("n_object_trailing_comment_slash_open", "{\"a\":\"b\"}//"),
    REFUSED("n_object_trailing_comment_slash_open_incomplete",
            "{\"a\":\"b\"}/"),
    REFUSED("n_object_two_commas_in_a_row", "{\"a\":\"b\",,\"c\":\"d\"}"),
    REFUSED("n_object_unquoted_key", "{a: \"b\"}"),
    REFUSED("n_object_unterminated-value", "{\"a\":\"a"),
    REFUSED("n_object_with_single_string", "{ \"foo\" : \"bar\", \"a\" }"),
    REFUSED("n_object_with_trailing_garbage", "{\"a\":\"b\"}#"),
    REFUSED("n_single_space", " "),
    REFUSED("n_string_1_surrogate_then_escape", "[\"\\uD800\\\"]"),
    REFUSED("n_string_1_surrogate_then_escape_u", "[\"\\uD800\\u\"]"),
    REFUSED("n_string_1_surrogate_then_escape_u1", "[\"\\uD800\\u1\"]"),
    REFUSED("n_string_1_surrogate_then_escape_u1x", "[\"\\uD800\\u1x\"]"),
    REFUSED("n_string_accentuated_char_no_quotes", "[\303\251]"),
    REFUSED("n_string_backslash_00", "[\"\\\000\"]"),
    REFUSED("n_string_escape_x", "[\"\\x00\"]"),
    REFUSED("n_string_escaped_backslash_bad", "[\"\\\\\\\"]"),
    REFUSED("n_string_escaped_ctrl_char_tab", "[\"\\\t\"]"),
    REFUSED("n_string_escaped_emoji", "[\"\\\360\237\214\200\"]"),
    REFUSED("n_string_incomplete_escape", "[\"\\\"]"),
    REFUSED("n_string_incomplete_escaped_character", "[\"\\u00A\"]"),
    REFUSED("n_string_incomplete_surrogate", "[\"\\uD834\\uDd\"]"),
    REFUSED("n_string_incomplete_surrogate_escape_invalid",
            "[\"\\uD800\\uD800\\x\"]"),
    REFUSED("n_string_invalid-utf-8-in-escape", "[\"\\u\345\"]"),
    REFUSED("n_string_invalid_backslash_esc", "[\"\\a\"]"),
    REFUSED("n_string_invalid_unicode_escape", "[\"\\uqqqq\"]"),
    REFUSED("n_string_invalid_utf8_after_escape", "[\"\\\345\"]"),
    REFUSED("n_string_leading_uescaped_thinspace", "[\\u0020\"asd\"]"),
    REFUSED("n_string_no_quotes_with_bad_escape", "[\\n]"),
    REFUSED("n_string_single_doublequote", "\""),
    REFUSED("n_string_single_quote", "['single quote']"),
    REFUSED("n_string_single_string_no_double_quotes", "abc"),
    REFUSED("n_string_start_escape_unclosed", "[\"\\"),
    REFUSED("n_string_unescaped_ctrl_char", "[\"a\000a\"]"),
    REFUSED("n_string_unescaped_newline", "[\"new\nline\"]"),
    REFUSED("n_string_unescaped_tab", "[\"\t\"]"),
    REFUSED("n_string_unicode_CapitalU", "\"\\UA66D\""),
    REFUSED("n_string_with_trailing_garbage", "\"\"x"),
    REFUSED_LONG("n_structure_100000_opening_arrays", "[", 100000, "", 0),
    REFUSED("n_structure_U+2060_word_joined", "[\342\201\240]"),
    REFUSED("n_structure_UTF8_BOM_no_data", "\357\273\277"),
    REFUSED("n_structure_angle_bracket_.", "<.>"),
    REFUSED("n_structure_angle_bracket_null", "[<null>]"),
    REFUSED("n_structure_array_trailing_garbage", "[1]x"),
    REFUSED("n_structure_array_with_extra_array_close", "[1]]"),
    REFUSED("n_structure_array_with_unclosed_string", "[\"asd]"),
    REFUSED("n_structure_ascii-unicode-identifier", "a\303\245"),
    REFUSED("n_structure_capitalized_True", "[True]"),
    REFUSED("n_structure_close_unopened_array", "1]"),
    REFUSED("n_structure_comma_instead_of_closing_brace", "{\"x\": true,"),
    REFUSED("n_structure_double_array", "[][]"),
    REFUSED("n_structure_end_array", "]"),
    REFUSED("n_structure_incomplete_UTF8_BOM", "\357\273{}"),
    REFUSED("n_structure_lone-invalid-utf-8", "\345"),
    REFUSED("n_structure_lone-open-bracket", "["),
    REFUSED("n_structure_no_data", ""),
    REFUSED("n_structure_null-byte-outside-string", "[\000]"),
    REFUSED("n_structure_number_with_trailing_garbage", "2@"),
    REFUSED("n_structure_object_followed_by_closing_object", "{}}"),
    REFUSED("n_structure_object_unclosed_no_value", "{\"\":"),
    REFUSED("n_structure_object_with_comment", "{\"a\":/*comment*/\"b\"}"),
    REFUSED("n_structure_object_with_trailing_garbage", "{\"a\": true} \"x\""),
    REFUSED("n_structure_open_array_apostrophe", "['"),
    REFUSED("n_structure_open_array_comma", "[,"),
    REFUSED_LONG("n_structure_open_array_object", "[{\"\":", 50000, "\n", 1),
    REFUSED("n_structure_open_array_open_object", "[{"),
    REFUSED("n_structure_open_array_open_string", "[\"a"),
    REFUSED("n_structure_open_array_string", "[\"a\""),
    REFUSED("n_structure_open_object", "{"),
    REFUSED("n_structure_open_object_close_array", "{]"),
    REFUSED("n_structure_open_object_comma", "{,"),
    REFUSED("n_structure_open_object_open_array", "{["),
    REFUSED("n_structure_open_object_open_string", "{\"a"),
    REFUSED("n_structure_open_object_string_with_apostrophes", "{'a'"),
    REFUSED("n_structure_open_open", "[\"\\{[\"\\{[\"\\{[\"\\{"),
    REFUSED("n_structure_single_eacute", "\351"),
    REFUSED("n_structure_single_star", "*"),
    REFUSED("n_structure_trailing_#", "{\"a\":\"b\"}#{}"),
    REFUSED("n_structure_uescaped_LF_before_string", "[\\u000A\"\"]"),
    REFUSED("n_structure_unclosed_array", "[1"),
    REFUSED("n_structure_unclosed_array_partial_null", "[ false, nul"),
    REFUSED("n_structure_unclosed_array_unfinished_false", "[ true, fals"),
    REFUSED("n_structure_unclosed_array_unfinished_true", "[ false, tru"),
    REFUSED("n_structure_unclosed_object", "{\"asd\":\"asd\""),
    REFUSED("n_structure_unicode-identifier", "\303\245"),
    REFUSED("n_structure_whitespace_U+2060_word_joiner", "[\342\201\240]"),
    REFUSED("n_structure_whitespace_formfeed", "[\014]"),
    /* Must be taken; two are not, see above. */
    TAKEN("y_array_arraysWithSpaces", "[[]   ]"),
    TAKEN("y_array_empty", "[]"),
    TAKEN("y_array_empty-string", "[\"\"]"),
    TAKEN("y_array_ending_with_newline", "[\"a\"]"),
    TAKEN("y_array_false", "[false]"),
    TAKEN("y_array_heterogeneous", "[null, 1, \"1\", {}]"),
    TAKEN("y_array_null", "[null]"),
    TAKEN("y_array_with_1_and_newline", "[1\n]"),
    TAKEN("y_array_with_leading_space", " [1]"),
    TAKEN("y_array_with_several_null", "[1,null,null,null,2]"),
    TAKEN("y_array_with_trailing_space", "[2] "),
    TAKEN("y_number", "[123e65]"),
    TAKEN("y_number_0e+1", "[0e+1]"),
    TAKEN("y_number_0e1", "[0e1]"),
    TAKEN("y_number_after_space", "[ 4]"),
    TAKEN("y_number_double_close_to_zero",
          "[-0."
          "00000000000000000000000000000000000000000000000000000000000000000000"
          "0000000001]\n"),
    TAKEN("y_number_int_with_exp", "[20e1]"),
    TAKEN("y_number_minus_zero", "[-0]"),
    TAKEN("y_number_negative_int", "[-123]"),
    TAKEN("y_number_negative_one", "[-1]"),
    TAKEN("y_number_negative_zero", "[-0]"),
    TAKEN("y_number_real_capital_e", "[1E22]"),
    TAKEN("y_number_real_capital_e_neg_exp", "[1E-2]"),
    TAKEN("y_number_real_capital_e_pos_exp", "[1E+2]"),
    TAKEN("y_number_real_exponent", "[123e45]"),
    TAKEN("y_number_real_fraction_exponent", "[123.456e78]"),
    TAKEN("y_number_real_neg_exp", "[1e-2]"),
    TAKEN("y_number_real_pos_exponent", "[1e+2]"),
    TAKEN("y_number_simple_int", "[123]"),
    TAKEN("y_number_simple_real", "[123.456789]"),
    TAKEN("y_object", "{\"asd\":\"sdf\", \"dfg\":\"fgh\"}"),
    TAKEN("y_object_basic", "{\"asd\":\"sdf\"}"),
    REFUSED("y_object_duplicated_key", "{\"a\":\"b\",\"a\":\"c\"}"),
    REFUSED("y_object_duplicated_key_and_value", "{\"a\":\"b\",\"a\":\"b\"}"),
    TAKEN("y_object_empty", "{}"),
    TAKEN("y_object_empty_key", "{\"\":0}"),
    TAKEN("y_object_escaped_null_in_key", "{\"foo\\u0000bar\": 42}"),
    TAKEN("y_object_extreme_numbers",
          "{ \"min\": -1.0e+28, \"max\": 1.0e+28 }"),
    TAKEN("y_object_long_strings",
          "{\"x\":[{\"id\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}], "
          "\"id\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}"),
    TAKEN("y_object_simple", "{\"a\":[]}"),
    TAKEN(
        "y_object_string_unicode",
        "{\"title\":\"\\u041f\\u043e\\u043b\\u0442\\u043e\\u0440\\u0430 "
        "\\u0417\\u0435\\u043c\\u043b\\u0435\\u043a\\u043e\\u043f\\u0430\" }"),
    TAKEN("y_object_with_newlines", "{\n\"a\": \"b\"\n}"),
    TAKEN("y_string_1_2_3_bytes_UTF-8_sequences",
          "[\"\\u0060\\u012a\\u12AB\"]"),
    TAKEN("y_string_accepted_surrogate_pair", "[\"\\uD801\\udc37\"]"),
    TAKEN("y_string_accepted_surrogate_pairs",
          "[\"\\ud83d\\ude39\\ud83d\\udc8d\"]"),
    TAKEN("y_string_allowed_escapes", "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"),
    TAKEN("y_string_backslash_and_u_escaped_zero", "[\"\\\\u0000\"]"),
    TAKEN("y_string_backslash_doublequotes", "[\"\\\"\"]"),
    TAKEN("y_string_comments", "[\"a/*b*/c/*d//e\"]"),
    TAKEN("y_string_double_escape_a", "[\"\\\\a\"]"),
    TAKEN("y_string_double_escape_n", "[\"\\\\n\"]"),
    TAKEN("y_string_escaped_control_character", "[\"\\u0012\"]"),
    TAKEN("y_string_escaped_noncharacter", "[\"\\uFFFF\"]"),
    TAKEN("y_string_in_array", "[\"asd\"]"),
    TAKEN("y_string_in_array_with_leading_space", "[ \"asd\"]"),
    TAKEN("y_string_last_surrogates_1_and_2", "[\"\\uDBFF\\uDFFF\"]"),
    TAKEN("y_string_nbsp_uescaped", "[\"new\\u00A0line\"]"),
    TAKEN("y_string_nonCharacterInUTF-8_U+10FFFF", "[\"\364\217\277\277\"]"),
    TAKEN("y_string_nonCharacterInUTF-8_U+FFFF", "[\"\357\277\277\"]"),
    TAKEN("y_string_null_escape", "[\"\\u0000\"]"),
    TAKEN("y_string_one-byte-utf-8", "[\"\\u002c\"]"),
    TAKEN("y_string_pi", "[\"\317\200\"]"),
    TAKEN("y_string_reservedCharacterInUTF-8_U+1BFFF",
          "[\"\360\233\277\277\"]"),
    TAKEN("y_string_simple_ascii", "[\"asd \"]"),
    TAKEN("y_string_space", "\" \""),
    TAKEN("y_string_surrogates_U+1D11E_MUSICAL_SYMBOL_G_CLEF",
          "[\"\\uD834\\uDd1e\"]"),
    TAKEN("y_string_three-byte-utf-8", "[\"\\u0821\"]"),
    TAKEN("y_string_two-byte-utf-8", "[\"\\u0123\"]"),
    TAKEN("y_string_u+2028_line_sep", "[\"\342\200\250\"]"),
    TAKEN("y_string_u+2029_par_sep", "[\"\342\200\251\"]"),
    TAKEN("y_string_uEscape", "[\"\\u0061\\u30af\\u30EA\\u30b9\"]"),
    TAKEN("y_string_uescaped_newline", "[\"new\\u000Aline\"]"),
    TAKEN("y_string_unescaped_char_delete", "[\"\177\"]"),
    TAKEN("y_string_unicode", "[\"\\uA66D\"]"),
    TAKEN("y_string_unicodeEscapedBackslash", "[\"\\u005C\"]"),
    TAKEN("y_string_unicode_2", "[\"\342\215\202\343\210\264\342\215\202\"]"),
    TAKEN("y_string_unicode_U+10FFFE_nonchar", "[\"\\uDBFF\\uDFFE\"]"),
    TAKEN("y_string_unicode_U+1FFFE_nonchar", "[\"\\uD83F\\uDFFE\"]"),
    TAKEN("y_string_unicode_U+200B_ZERO_WIDTH_SPACE", "[\"\\u200B\"]"),
    TAKEN("y_string_unicode_U+2064_invisible_plus", "[\"\\u2064\"]"),
    TAKEN("y_string_unicode_U+FDD0_nonchar", "[\"\\uFDD0\"]"),
    TAKEN("y_string_unicode_U+FFFE_nonchar", "[\"\\uFFFE\"]"),
    TAKEN("y_string_unicode_escaped_double_quote", "[\"\\u0022\"]"),
    TAKEN("y_string_utf8", "[\"\342\202\254\360\235\204\236\"]"),
    TAKEN("y_string_with_del_character", "[\"a\177a\"]"),
    TAKEN("y_structure_lonely_false", "false"),
    TAKEN("y_structure_lonely_int", "42"),
    TAKEN("y_structure_lonely_negative_real", "-0.1"),
    TAKEN("y_structure_lonely_null", "null"),
    TAKEN("y_structure_lonely_string", "\"asd\""),
    TAKEN("y_structure_lonely_true", "true"),
    TAKEN("y_structure_string_empty", "\"\""),
    TAKEN("y_structure_trailing_newline", "[\"a\"]\n"),
    TAKEN("y_structure_true_in_array", "[true]"),
    TAKEN("y_structure_whitespace_array", " [] "),
    /* Ours to choose, see above. */
    TAKEN("i_number_double_huge_neg_exp", "[123.456e-789]"),
    TAKEN("i_number_huge_exp",
          "[0."
          "4e006699999999999999999999999999999999999999999999999999999999999999"
          "99999999999999999999999999999999999999999999999999999969999999006]"),
    TAKEN("i_number_neg_int_huge_exp", "[-1e+9999]"),
    TAKEN("i_number_pos_double_huge_exp", "[1.5e+9999]"),
    TAKEN("i_number_real_neg_overflow", "[-123123e100000]"),
    TAKEN("i_number_real_pos_overflow", "[123123e100000]"),
    TAKEN("i_number_real_underflow", "[123e-10000000]"),
    TAKEN("i_number_too_big_neg_int", "[-123123123123123123123123123123]"),
    TAKEN("i_number_too_big_pos_int", "[100000000000000000000]"),
    TAKEN("i_number_very_big_negative_int",
          "[-237462374673276894279832749832423479823246327846]"),
    REFUSED("i_object_key_lone_2nd_surrogate", "{\"\\uDFAA\":0}"),
    REFUSED("i_string_1st_surrogate_but_2nd_missing", "[\"\\uDADA\"]"),
    REFUSED("i_string_1st_valid_surrogate_2nd_invalid", "[\"\\uD888\\u1234\"]"),
    REFUSED("i_string_UTF-16LE_with_BOM",
            "\377\376[\000\"\000\351\000\"\000]\000"),
    REFUSED("i_string_UTF-8_invalid_sequence",
            "[\"\346\227\245\321\210\372\"]"),
    REFUSED("i_string_UTF8_surrogate_U+D800", "[\"\355\240\200\"]"),
    REFUSED("i_string_incomplete_surrogate_and_escape_valid",
            "[\"\\uD800\\n\"]"),
    REFUSED("i_string_incomplete_surrogate_pair", "[\"\\uDd1ea\"]"),
    REFUSED("i_string_incomplete_surrogates_escape_valid",
            "[\"\\uD800\\uD800\\n\"]"),
    REFUSED("i_string_invalid_lonely_surrogate", "[\"\\ud800\"]"),
    REFUSED("i_string_invalid_surrogate", "[\"\\ud800abc\"]"),
    REFUSED("i_string_invalid_utf-8", "[\"\377\"]"),
    REFUSED("i_string_inverted_surrogates_U+1D11E", "[\"\\uDd1e\\uD834\"]"),
    REFUSED("i_string_iso_latin_1", "[\"\351\"]"),
    REFUSED("i_string_lone_second_surrogate", "[\"\\uDFAA\"]"),
    REFUSED("i_string_lone_utf8_continuation_byte", "[\"\201\"]"),
    REFUSED("i_string_not_in_unicode_range", "[\"\364\277\277\277\"]"),
    REFUSED("i_string_overlong_sequence_2_bytes", "[\"\300\257\"]"),
    REFUSED("i_string_overlong_sequence_6_bytes",
            "[\"\374\203\277\277\277\277\"]"),
    REFUSED("i_string_overlong_sequence_6_bytes_null",
            "[\"\374\200\200\200\200\200\"]"),
    REFUSED("i_string_truncated-utf-8", "[\"\340\377\"]"),
    REFUSED("i_string_utf16BE_no_BOM", "\000[\000\"\000\351\000\"\000]"),
    REFUSED("i_string_utf16LE_no_BOM", "[\000\"\000\351\000\"\000]\000"),
    REFUSED_LONG("i_structure_500_nested_arrays", "[", 500, "]", 500),
    REFUSED("i_structure_UTF-8_BOM_empty_object", "\357\273\277{}"),
};

#undef TAKEN
#undef REFUSED
#undef REFUSED_LONG

enum { JSON_SUITE = sizeof(json_suite) / sizeof(*json_suite) };

/* The bytes of a row, with nothing behind them; owned. */
static inline char *json_suite_text(const struct json_suite_row *row,
                                    size_t *ret_len)
{
    size_t tail_len = strlen(row->tail), len = 0;
    size_t all = row->len * row->times + tail_len * row->tail_times;
    char *text = malloc(all ? all : 1);

    if (!text)
        abort();
    for (size_t at = 0; at < row->times; at++, len += row->len)
        memcpy(text + len, row->bytes, row->len);
    for (size_t at = 0; at < row->tail_times; at++, len += tail_len)
        memcpy(text + len, row->tail, tail_len);
    *ret_len = len;
    return text;
}

#endif
