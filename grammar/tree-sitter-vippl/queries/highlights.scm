; What is coloured how. Later patterns win.

(name) @variable
(qualified) @variable
(comment) @comment
(number) @number
(string) @string

[
  "data" "axis" "report" "predict" "factor" "fun" "dist" "import" "ode" "part" "use" "output"
] @keyword
["at" "from" "stiff" "as" "on" "over" "where" "with" "start" "in"] @keyword
["if" "then" "else"] @keyword.conditional
["and" "or" "not"] @keyword.operator

["=" "~" "+" "-" "*" "/" "@" "^" "==" "!=" "<" "<=" ">" ">=" ".." "?" "'"] @operator
["(" ")" "[" "]" "{" "}"] @punctuation.bracket
["," ":"] @punctuation.delimiter

(call function: (_) @function)
(call function: (name) @type (#match? @type "^[A-Z]"))
(call function: (qualified) @type (#match? @type "\\.[A-Z]"))
(comprehension function: (_) @function)
(argument name: (name) @variable.parameter)
(parameter name: (name) @variable.parameter)
(hint name: (name) @attribute)

(table name: (name) @type)
(column name: (name) @property)
(column kind: (name) @type.builtin)
(array name: (name) @property)
(array kind: (name) @type.builtin)
(axes (name) @type)
(axis name: (name) @type)
(import alias: (name) @module)
(use alias: (name) @module)
(function_definition name: (name) @function)
(family_definition name: (name) @type)
(part name: (name) @function)
(definition name: (name) @variable)
(random name: (name) @variable)
