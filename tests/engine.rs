//! The compiled engine against num-dual's global forward mode on a plain reading of the same model.

#[path = "engine/cost.rs"]
mod cost;
#[path = "engine/densities.rs"]
mod densities;
#[path = "engine/elimination.rs"]
mod elimination;
#[path = "engine/function.rs"]
mod function;
#[path = "engine/linear.rs"]
mod linear;
#[path = "engine/model.rs"]
mod model;
#[path = "engine/ode.rs"]
mod ode;
mod oracle;
#[path = "engine/random.rs"]
mod random;
#[path = "engine/recurrence.rs"]
mod recurrence;
#[path = "engine/report.rs"]
mod report;
#[path = "engine/rewrite.rs"]
mod rewrite;
#[path = "engine/selection.rs"]
mod selection;
#[path = "engine/threads.rs"]
mod threads;
#[path = "engine/witness.rs"]
mod witness;
