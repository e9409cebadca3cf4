//! The known name most like one that is not known.

/// The nearest of `candidates` by edits, if it is near enough to be a slip: a third of the letters,
/// three at most.
pub fn nearest<'n>(name: &str, candidates: impl Iterator<Item = &'n str>) -> Option<String> {
    let lower = name.to_lowercase();
    candidates
        .map(|c| (strsim::osa_distance(&c.to_lowercase(), &lower), c))
        .filter(|(distance, c)| {
            *distance <= name.chars().count().max(c.chars().count()).div_ceil(3).min(3)
        })
        .min_by_key(|(distance, c)| (*distance, c.len()))
        .map(|(_, c)| c.to_owned())
}
