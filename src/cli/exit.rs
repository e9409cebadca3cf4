//! How a command ends: exit codes, and what is told when there is no result.

use crate::diagnostic::{Diagnostic, render};
use crate::session::Failure;
use crate::source::Sources;
use serde_json::{Value, json};

/// Exit codes; those from 64 on are those of `sysexits.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// The result stands.
    Success,
    /// The program has a mistake.
    Program,
    /// The fit was finished and written, but should not be used.
    DoNotUse,
    /// The command line has a mistake.
    Usage,
    /// The data have a mistake.
    Data,
    /// An input does not exist or cannot be read.
    MissingInput,
    /// A mistake of ours.
    Internal,
    /// The fit needs more memory than there is.
    Memory,
    /// A result could not be written.
    Output,
    /// The fit was stopped, and what there was written.
    Interrupted,
}

impl Exit {
    /// The number the process ends with.
    pub(super) fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Program => 1,
            Exit::DoNotUse => 3,
            Exit::Usage => 64,
            Exit::Data => 65,
            Exit::MissingInput => 66,
            Exit::Internal => 70,
            Exit::Memory => 71,
            Exit::Output => 74,
            Exit::Interrupted => 130,
        }
    }
}

/// Why a command has no result.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    /// The code to end with.
    pub(super) exit: Exit,
    /// What to report with places.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The texts those places are in.
    pub(super) sources: Sources,
    /// What to report in sentences.
    pub(super) messages: Vec<String>,
}

impl Refusal {
    /// A refusal for one reason.
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Refusal {
            exit,
            diagnostics: Vec::new(),
            sources: Sources::default(),
            messages: vec![message.into()],
        }
    }

    /// A refusal for reasons in a program or its data.
    pub(super) fn with_places(exit: Exit, diagnostics: Vec<Diagnostic>, sources: &Sources) -> Self {
        Refusal { exit, diagnostics, sources: sources.clone(), messages: Vec::new() }
    }

    /// A refusal because a step failed.
    pub(super) fn from_failure(failure: Failure, sources: &Sources) -> Self {
        match failure {
            Failure::Program(diagnostic) => {
                Refusal::with_places(Exit::Program, vec![*diagnostic], sources)
            }
            Failure::Data(messages) => {
                Refusal { messages, ..Refusal::with_places(Exit::Data, Vec::new(), sources) }
            }
            Failure::Memory(message) => Refusal::new(Exit::Memory, message),
            Failure::Interrupted => {
                Refusal::new(Exit::Interrupted, "stopped before there was anything to tell")
            }
            Failure::Internal(what) => Refusal::new(
                Exit::Internal,
                format!("this is a mistake in vippl, please report it with the program: {what}"),
            ),
        }
    }

    /// The refusal for programs.
    pub(super) fn to_json(&self) -> Value {
        let diagnostics = self.diagnostics.iter().map(|d| render::to_json(d, &self.sources));
        json!({
            "schema": "vippl.error/1",
            "exit": self.exit.code(),
            "messages": self.messages,
            "diagnostics": diagnostics.collect::<Vec<Value>>(),
        })
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        Refusal::new(Exit::Output, format!("cannot write the result: {error}"))
    }
}
