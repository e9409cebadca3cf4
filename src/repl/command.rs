//! The commands of a session: their names, what they take and what they do.

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// Its name, without the colon.
    pub name: &'static str,
    /// What it takes.
    pub arguments: &'static str,
    /// What it does.
    pub help: &'static str,
    /// Whether it takes paths.
    pub takes_files: bool,
    pub(super) which: Which,
}

/// Which command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Data,
    Show,
    Explain,
    Prior,
    Fit,
    Summary,
    Plot,
    Predict,
    Density,
    Undo,
    Edit,
    Load,
    Save,
    Time,
    Help,
    Quit,
}

macro_rules! commands {
    ($($which:ident $name:literal $arguments:literal $files:literal $help:literal;)*) => {
        /// Every command, in the order of `:help`.
        pub const COMMANDS: &[Command] = &[$(Command {
            name: $name,
            arguments: $arguments,
            help: $help,
            takes_files: $files,
            which: Which::$which,
        }),*];
    };
}

commands! {
    Data "data" "FILE.csv, table=FILE, name=NUMBER" true
        "add data; alone, list what was given";
    Show "show" "" false "the program so far";
    Explain "explain" "[NAME | SLUG]" false
        "every equation with its indices; one name; or the page of a message";
    Prior "prior" "[DRAWS]" false "what the priors say, before any observation";
    Fit "fit" "[SEED]" false "fit the program to its data; Ctrl-C leaves the fit";
    Summary "summary" "[all]" false "the fit again";
    Plot "plot" "NAME" false "the density of a latent, report or column";
    Predict "predict" "" false "draw what the program predicts, or else what it observes";
    Density "density" "[name=NUMBER … | {…}]" false
        "the log density at a point; alone, at the means of the fit";
    Undo "undo" "" false "take the last change back";
    Edit "edit" "" false "change the program in the editor of $VISUAL or $EDITOR";
    Load "load" "FILE.vi" true "replace the program by a file";
    Save "save" "FILE.vi" true "write the program to a file";
    Time "time" "[on | off]" false "say how long every answer takes";
    Help "help" "" false "this list";
    Quit "quit" "" false "end the session, as Ctrl-D does";
}

/// The command of this name, or the only one that begins with it; else a similar name, if any.
pub(super) fn find(name: &str) -> Result<Which, Option<&'static str>> {
    if let Some(command) = COMMANDS.iter().find(|command| command.name == name) {
        return Ok(command.which);
    }
    let mut beginning = COMMANDS.iter().filter(|c| !name.is_empty() && c.name.starts_with(name));
    match (beginning.next(), beginning.next()) {
        (Some(command), None) => Ok(command.which),
        (Some(command), Some(_)) => Err(Some(command.name)),
        (None, _) => {
            let nearest = crate::session::nearest(name, COMMANDS.iter().map(|c| c.name));
            let same = |command: &&Command| Some(command.name) == nearest.as_deref();
            Err(COMMANDS.iter().find(same).map(|command| command.name))
        }
    }
}

/// Words between blanks; a word in double quotes may hold blanks.
pub(super) fn words(text: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let (mut quoted, mut open) = (false, false);
    for c in text.chars() {
        if c == '"' {
            quoted = !quoted;
            open = true;
        } else if c.is_whitespace() && !quoted {
            if open || !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            open = false;
        } else {
            word.push(c);
        }
    }
    if open || !word.is_empty() {
        words.push(word);
    }
    words
}
