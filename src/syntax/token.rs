//! The kinds of token, and which of them are names, operators or able to carry a line on.

macro_rules! tokens {
    (
        open { $($(#[$open_doc:meta])* $open:ident is $described:literal,)* }
        fixed { $($(#[$doc:meta])* $variant:ident = $text:literal,)* }
    ) => {
        /// The kind of a token. What a name, number or string says is read from the text.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Token {
            $($(#[$open_doc])* $open,)*
            $($(#[$doc])* $variant,)*
        }

        impl Token {
            /// Every token with one spelling.
            pub const FIXED: &[Token] = &[$(Token::$variant),*];

            /// The token of exactly this spelling.
            pub fn from_text(text: &str) -> Option<Token> {
                match text { $($text => Some(Token::$variant),)* _ => None }
            }

            /// How the token is called in a message: its spelling, or what it is.
            pub fn describe(self) -> &'static str {
                match self { $(Token::$open => $described,)* $(Token::$variant => $text,)* }
            }

            /// The spelling, for tokens that have only one.
            pub fn text(self) -> Option<&'static str> {
                match self { $(Token::$open => None,)* $(Token::$variant => Some($text),)* }
            }
        }
    };
}

tokens! {
    open {
        /// A name: letters, Greek letters, digits and `_`.
        Name is "a name",
        /// A name of an imported module: `module.name`.
        Qualified is "a name with a dot",
        /// A number.
        Number is "a number",
        /// A string.
        String is "a string",
        /// The end of a line.
        Newline is "the end of the line",
        /// Text that is no token; already reported.
        Bad is "this text",
        /// A `(` whose matching `)` has a `:` before it at its own level: `sum(k in lag: …)`.
        OpenComprehension is "(",
    }
    fixed {
        /// `if`
        If = "if",
        /// `then`
        Then = "then",
        /// `else`
        Else = "else",
        /// `and`
        And = "and",
        /// `or`
        Or = "or",
        /// `not`
        Not = "not",
        /// `in`
        In = "in",
        /// `where`
        Where = "where",
        /// `over`
        Over = "over",
        /// `start`
        Start = "start",
        /// `with`
        With = "with",
        /// `data`, where a statement starts
        Data = "data",
        /// `axis`, where a statement starts
        Axis = "axis",
        /// `report`, where a statement starts
        Report = "report",
        /// `predict`, where a statement starts
        Predict = "predict",
        /// `factor`, where a statement starts
        Factor = "factor",
        /// `fun`, where a statement starts
        Fun = "fun",
        /// `dist`, where a statement starts
        Dist = "dist",
        /// `import`, where a statement starts
        Import = "import",
        /// `ode`, where a statement starts
        Ode = "ode",
        /// `part`, where a statement starts
        Part = "part",
        /// `use`, where a statement starts
        Use = "use",
        /// `output`, where a statement of a part starts
        Output = "output",
        /// `at`, inside an `ode` statement
        At = "at",
        /// `from`, inside a `data` or `ode` statement
        From = "from",
        /// `stiff`, inside an `ode` statement
        Stiff = "stiff",
        /// `as`, inside an `import` or `data` statement
        As = "as",
        /// `on`, inside a `dist` statement
        On = "on",
        /// `=`
        Equal = "=",
        /// `~`
        Tilde = "~",
        /// `+`
        Plus = "+",
        /// `-`
        Minus = "-",
        /// `*`
        Star = "*",
        /// `/`
        Slash = "/",
        /// `@`
        Contract = "@",
        /// `^`
        Caret = "^",
        /// `==`
        EqualEqual = "==",
        /// `!=`
        NotEqual = "!=",
        /// `<`
        Less = "<",
        /// `<=`
        LessEqual = "<=",
        /// `>`
        Greater = ">",
        /// `>=`
        GreaterEqual = ">=",
        /// `..`
        DotDot = "..",
        /// `(`
        OpenParen = "(",
        /// `)`
        CloseParen = ")",
        /// `[`
        OpenBracket = "[",
        /// `]`
        CloseBracket = "]",
        /// `{`
        OpenBrace = "{",
        /// `}`
        CloseBrace = "}",
        /// `,`
        Comma = ",",
        /// `:`
        Colon = ":",
        /// `?`
        Question = "?",
        /// `'`
        Prime = "'",
        /// `|`, which no rule of the grammar uses; a message tells what to write.
        Pipe = "|",
    }
}

impl Token {
    /// Whether the token may stand where the grammar wants a name: names and contextual keywords.
    pub fn is_name(self) -> bool {
        matches!(self, Token::Name) || self.is_contextual()
    }

    /// Whether the token is a keyword only in its own place.
    pub fn is_contextual(self) -> bool {
        self.starts_statement()
            || matches!(self, Token::At | Token::From | Token::Stiff | Token::As | Token::On)
    }

    /// Whether the token is a contextual keyword that opens a statement.
    pub fn starts_statement(self) -> bool {
        matches!(
            self,
            Token::Data
                | Token::Axis
                | Token::Report
                | Token::Predict
                | Token::Factor
                | Token::Fun
                | Token::Dist
                | Token::Import
                | Token::Ode
                | Token::Part
                | Token::Use
                | Token::Output
        )
    }

    /// Whether the token is a reserved word.
    pub fn is_reserved(self) -> bool {
        matches!(
            self,
            Token::If
                | Token::Then
                | Token::Else
                | Token::And
                | Token::Or
                | Token::Not
                | Token::In
                | Token::Where
                | Token::Over
                | Token::Start
                | Token::With
        )
    }

    /// Whether the token compares.
    pub fn is_comparison(self) -> bool {
        matches!(
            self,
            Token::EqualEqual
                | Token::NotEqual
                | Token::Less
                | Token::LessEqual
                | Token::Greater
                | Token::GreaterEqual
        )
    }

    /// Whether a line that ends or starts with the token goes on beyond its newline.
    pub fn continues_line(self) -> bool {
        self.is_comparison()
            || matches!(
                self,
                Token::Equal
                    | Token::Tilde
                    | Token::Plus
                    | Token::Minus
                    | Token::Star
                    | Token::Slash
                    | Token::Contract
                    | Token::Caret
                    | Token::DotDot
                    | Token::Pipe
                    | Token::Comma
                    | Token::Then
                    | Token::Else
                    | Token::Start
                    | Token::Where
                    | Token::Over
                    | Token::With
                    | Token::In
                    | Token::And
                    | Token::Or
            )
    }

    /// Whether the token opens a bracket.
    pub fn opens(self) -> bool {
        matches!(
            self,
            Token::OpenParen | Token::OpenComprehension | Token::OpenBracket | Token::OpenBrace
        )
    }

    /// Whether the token closes a bracket.
    pub fn closes(self) -> bool {
        matches!(self, Token::CloseParen | Token::CloseBracket | Token::CloseBrace)
    }

    /// Whether a token ends an operand, so that what follows is infix or postfix.
    pub fn ends_operand(self) -> bool {
        self.is_name()
            || matches!(
                self,
                Token::Qualified
                    | Token::Number
                    | Token::String
                    | Token::CloseParen
                    | Token::CloseBracket
            )
    }
}

/// A token and the bytes it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lexeme {
    /// What it is.
    pub token: Token,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Lexeme {
    /// The bytes as a range of indices.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}
