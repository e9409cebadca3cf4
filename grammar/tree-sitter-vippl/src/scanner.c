// The newline rule: a newline ends a statement unless the next line can only go on with it. That
// the line before goes on (an operator, an open bracket) the grammar knows: it takes no newline there.

#include "tree_sitter/parser.h"

#include <string.h>

enum TokenType { NEWLINE };

void *tree_sitter_vippl_external_scanner_create(void) { return NULL; }
void tree_sitter_vippl_external_scanner_destroy(void *payload) { (void)payload; }
unsigned tree_sitter_vippl_external_scanner_serialize(void *payload, char *buffer) {
  (void)payload;
  (void)buffer;
  return 0;
}
void tree_sitter_vippl_external_scanner_deserialize(void *payload, const char *buffer,
                                                    unsigned length) {
  (void)payload;
  (void)buffer;
  (void)length;
}

static bool is_blank(int32_t c) {
  return c == ' ' || c == '\t' || c == '\r' || c == 0xA0 || c == 0xFEFF;
}

static bool is_letter(int32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9') ||
         c >= 0x370;
}

// Whether the next token carries on the line before it.
static bool continues(TSLexer *lexer) {
  static const char *const WORDS[] = {"then", "else", "start", "where", "over",
                                      "with", "in",   "and",   "or"};
  char word[8];
  unsigned length = 0;
  switch (lexer->lookahead) {
    case '+':
    case '-':
    case '*':
    case '/':
    case '@':
    case '^':
    case '=':
    case '~':
    case '<':
    case '>':
    case '!':
    case ',':
    case '|':
    case '.':
      return true;
    default:
      break;
  }
  while (is_letter(lexer->lookahead)) {
    if (length < sizeof(word) - 1) {
      word[length] = (char)lexer->lookahead;
    }
    length++;
    lexer->advance(lexer, false);
  }
  if (length == 0 || length >= sizeof(word)) {
    return false;
  }
  word[length] = '\0';
  for (unsigned i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
    if (strcmp(word, WORDS[i]) == 0) {
      return true;
    }
  }
  return false;
}

bool tree_sitter_vippl_external_scanner_scan(void *payload, TSLexer *lexer,
                                             const bool *valid_symbols) {
  (void)payload;
  if (!valid_symbols[NEWLINE]) {
    return false;
  }
  while (is_blank(lexer->lookahead)) {
    lexer->advance(lexer, true);
  }
  if (lexer->lookahead != '\n') {
    return false;
  }
  lexer->advance(lexer, false);
  lexer->mark_end(lexer);
  for (;;) {
    if (is_blank(lexer->lookahead) || lexer->lookahead == '\n') {
      lexer->advance(lexer, false);
    } else if (lexer->lookahead == '#') {
      while (!lexer->eof(lexer) && lexer->lookahead != '\n') {
        lexer->advance(lexer, false);
      }
    } else {
      break;
    }
  }
  if (continues(lexer)) {
    return false;
  }
  lexer->result_symbol = NEWLINE;
  return true;
}
