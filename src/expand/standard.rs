//! The modules of the standard library, as they are embedded: name to text.

macro_rules! modules {
    ($($name:literal,)*) => {
        const ALL: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../stdlib/", $name, ".vi"))),)*
        ];
    };
}

modules! {
    "counts",
    "dynamics",
    "gaussian_process",
    "item_response",
    "ordinal",
    "priors",
    "seasonal",
    "series",
    "shrinkage",
    "splines",
}

/// The text of `std/name`.
pub(super) fn text(name: &str) -> Option<&'static str> {
    ALL.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The names of all modules.
pub(super) fn names() -> Vec<&'static str> {
    ALL.iter().map(|(name, _)| *name).collect()
}
