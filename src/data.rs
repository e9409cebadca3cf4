//! From files and numbers a user gives to a program bound to its data.

mod column;
mod csv;
mod json;
mod labels;

#[cfg(test)]
mod tests;
