//! The compiled engine against num-dual's global forward mode on a plain reading of the same model.

#[path = "engine/cost.rs"]
mod cost;
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
#[path = "engine/witness.rs"]
mod witness;
