/**
 * The grammar of .vi programs for tree-sitter, after ../vippl.ebnf.
 *
 * Context-free, so it accepts a little more than the language: see README.md.
 */

/** Words that are keywords in their own places and names everywhere else. */
const CONTEXTUAL = [
  'data', 'axis', 'report', 'predict', 'factor', 'fun', 'dist', 'import', 'ode', 'part', 'use',
  'output', 'at', 'from', 'stiff', 'as', 'on',
];

/** Words that are never names, except those of arguments. */
const RESERVED = [
  'if', 'then', 'else', 'and', 'or', 'not', 'in', 'where', 'over', 'start', 'with',
];

const LETTER = 'A-Za-z_\\u0391-\\u03A1\\u03A3-\\u03A9\\u03B1-\\u03C9\\u03D0-\\u03D7\\u03F0\\u03F1\\u03F5';
const WORD = `[${LETTER}][${LETTER}0-9]*`;

const PREC = {
  condition: 1,
  start: 2,
  inside: 3,
  or: 4,
  and: 5,
  not: 6,
  comparison: 7,
  sum: 8,
  product: 9,
  negation: 10,
  power: 11,
  index: 12,
};

const commaSeparated = (rule) => seq(rule, repeat(seq(',', rule)));

module.exports = grammar({
  name: 'vippl',

  // Ends a statement where the newline rule says so; scanner.c has the rule.
  externals: ($) => [$._newline],

  extras: ($) => [/[ \t\r\n\u00A0\uFEFF]/, $.comment],

  word: ($) => $._word,

  conflicts: ($) => [
    [$.binder, $._primary],
    [$._extent_path, $._primary],
    [$.factor, $.name],
    [$.report, $.name],
    [$.predict, $.name],
    [$.output, $.name],
    [$.data, $.name],
    [$.axis, $.name],
    [$.function_definition, $.name],
    [$.family_definition, $.name],
    [$.import, $.name],
    [$.ode, $.name],
    [$.part, $.name],
    [$.use, $.name],
  ],

  supertypes: ($) => [$._statement, $._expression],

  rules: {
    program: ($) => seq(repeat(seq(optional($._statement), $._newline)), optional($._statement)),

    comment: () => token(/#[^\n]*/),

    _statement: ($) => choice(
      $.import, $.data, $.axis, $.definition, $.random, $.report, $.predict, $.factor,
      $.function_definition, $.family_definition, $.ode, $.part, $.use, $.output,
    ),

    import: ($) => seq('import', field('path', $.string), optional(seq('as', field('alias', $.name)))),

    data: ($) => prec.right(seq(
      'data', commaSeparated($._entry),
      optional(seq('from', field('from', $.string))),
      optional($.hints),
    )),
    _entry: ($) => choice($.table, $.array),
    table: ($) => seq(field('name', $.name), '(', commaSeparated($.column), ')'),
    column: ($) => seq(
      optional(seq(field('header', $.string), 'as')),
      field('name', $.name), optional('?'), optional(seq(':', field('kind', $.name))),
    ),
    array: ($) => seq(
      field('name', $.name), optional('?'), optional($.axes),
      optional(seq(':', field('kind', $.name))),
    ),
    axes: ($) => seq('[', commaSeparated($.name), ']'),

    axis: ($) => seq('axis', field('name', $.name), '=', field('extent', $._extent)),
    _extent: ($) => choice($.range, $.labels, $._extent_path),
    _extent_path: ($) => choice($.name, $.qualified),
    range: ($) => prec.left(seq($._expression, '..', $._expression)),
    labels: ($) => prec(1, seq('[', commaSeparated($.string), ']')),

    definition: ($) => seq(
      optional('report'), field('name', $.name), optional($.binders), '=',
      field('value', $._expression), optional($.guard),
    ),
    random: ($) => seq(
      optional('predict'), field('name', $.name), optional($.binders), '~',
      field('distribution', $._expression),
      optional($.over), optional($.guard), optional($.hints),
    ),
    report: ($) => seq('report', commaSeparated($._path)),
    predict: ($) => seq('predict', commaSeparated($._path)),
    output: ($) => seq('output', choice($.definition, $.random, commaSeparated($._path))),
    factor: ($) => seq('factor', field('value', $._expression)),

    binders: ($) => seq('[', commaSeparated($.binder), ']'),
    binder: ($) => choice(
      field('name', $.name),
      seq(field('name', $.name), 'in', field('extent', $._extent)),
      field('extent', choice($.range, $.labels, $.qualified)),
    ),
    over: ($) => seq('over', commaSeparated($.name)),
    guard: ($) => seq('where', $._expression),
    hints: ($) => seq('with', commaSeparated($.hint)),
    hint: ($) => seq(field('name', $.name), optional($.arguments)),

    function_definition: ($) => seq(
      'fun', field('name', $.name), $.parameters, optional($.binders), '=',
      field('body', $._expression),
    ),
    family_definition: ($) => seq(
      'dist', field('name', $.name), $.parameters, '(', field('variate', $.name), ')', '=',
      field('log_density', $._expression), optional(seq('on', field('support', $.interval))),
    ),
    parameters: ($) => seq('(', optional(commaSeparated($.parameter)), ')'),
    parameter: ($) => seq(field('name', $.name), optional($.axes)),

    ode: ($) => seq(
      'ode', optional(seq(optional(field('name', $.name)), $.axes)),
      'at', field('times', $.name), 'from', field('from', $._expression), optional('stiff'),
      optional($.hints),
      '{', repeat($._newline),
      optional(seq($.equation, repeat(seq(repeat1($._newline), $.equation)), repeat($._newline))),
      '}',
    ),
    equation: ($) => seq(
      field('state', $.name), '\'', '=', $.started,
    ),

    part: ($) => seq(
      'part', field('name', $.name), optional($.axes), $.parameters, repeat($._newline),
      '{', repeat(seq(optional($._statement), $._newline)), optional($._statement), '}',
    ),
    use: ($) => seq(
      'use', field('part', $._path),
      optional(seq('[', commaSeparated($._path), ']')),
      $.arguments, 'as', field('alias', $.name),
    ),

    _path: ($) => choice($.name, $.qualified),

    _expression: ($) => choice(
      $.conditional, $.inside, $.started, $.binary, $.negation, $.inverse, $._primary,
    ),

    conditional: ($) => prec.right(PREC.condition, seq(
      'if', field('condition', $._expression), 'then', field('yes', $._expression),
      'else', field('no', $._expression),
    )),
    inside: ($) => prec.left(PREC.inside, seq($._expression, 'in', $.interval)),
    started: ($) => prec.right(PREC.start, seq(
      field('value', $._expression), 'start', field('start', $._expression),
    )),
    interval: ($) => seq('[', field('low', $._expression), ',', field('high', $._expression), ']'),

    binary: ($) => choice(
      ...[
        ['or', PREC.or],
        ['and', PREC.and],
        ['+', PREC.sum],
        ['-', PREC.sum],
        ['*', PREC.product],
        ['/', PREC.product],
        ['@', PREC.product],
      ].map(([operator, level]) => prec.left(level, seq(
        field('left', $._expression), field('operator', operator), field('right', $._expression),
      ))),
      prec.left(PREC.comparison, seq(
        field('left', $._expression),
        field('operator', choice('==', '!=', '<', '<=', '>', '>=')),
        field('right', $._expression),
      )),
      prec.right(PREC.power, seq(
        field('left', $._expression), field('operator', '^'), field('right', $._expression),
      )),
    ),
    negation: ($) => prec.right(PREC.negation, seq('-', $._expression)),
    inverse: ($) => prec.right(PREC.not, seq('not', $._expression)),

    _primary: ($) => choice(
      $.name, $.qualified, $.number, $.string, $.parenthesised, $.list, $.call, $.comprehension,
      $.index,
    ),
    parenthesised: ($) => seq('(', $._expression, ')'),
    list: ($) => seq('[', commaSeparated($._expression), ']'),
    index: ($) => prec(PREC.index, seq(
      field('base', $._primary), '[', commaSeparated($.subscript), ']',
    )),
    subscript: ($) => seq(optional(seq(field('axis', $.name), '=')), $._expression),
    call: ($) => prec(PREC.index, seq(field('function', $._path), $.arguments)),
    arguments: ($) => seq('(', optional(commaSeparated($.argument)), ')'),
    argument: ($) => seq(
      optional(seq(field('name', choice($.name, alias($._reserved, $.name))), '=')), $._expression,
    ),
    _reserved: () => choice(...RESERVED),
    comprehension: ($) => prec(PREC.index, seq(
      field('function', $._path), '(', commaSeparated($.binder), optional($.guard), ':',
      field('body', $._expression), ')',
    )),

    name: ($) => choice($._word, ...CONTEXTUAL),
    _word: () => new RegExp(WORD, 'u'),
    qualified: () => token(new RegExp(`${WORD}(\\.${WORD})+`, 'u')),
    number: () => /[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?/,
    string: () => /"[^"\n]*"/,
  },
});
