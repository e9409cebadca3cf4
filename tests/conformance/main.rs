//! Real posteriors: log densities and gradients against Stan's own values, and fits against
//! reference draws.
//!
//! The data are not part of the project: `VIPPL_POSTERIORDB`, or `../shared/posteriordb` beside it,
//! names the folder. Without it these tests say so and pass.

mod database;
mod density;
mod fits;
mod fitting;
mod maps;
mod solutions;
