//! First-order dual numbers over any scalar: a value and its tangent.
//!
//! `Dual<f64>` is a directional derivative, `Dual<Dual<f64>>` a second one, and a dual over a
//! traced node the program of a derivative. Every rule comes from [`derivative`] and [`partials`].

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::derivative::{derivative, partials, partials3};
use super::scalar::{Binary, Scalar, Ternary, Unary};

/// value + tangent ε, with ε² = 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dual<S> {
    /// The number.
    pub value: S,
    /// Its derivative along the direction of differentiation.
    pub tangent: S,
}

impl<S: Scalar> Dual<S> {
    /// The variable of differentiation: tangent 1.
    pub fn variable(value: S) -> Self {
        Dual { value, tangent: S::constant(1.0) }
    }

    /// A number that does not move: tangent 0.
    pub fn fixed(value: S) -> Self {
        Dual { value, tangent: S::constant(0.0) }
    }
}

impl<S: Scalar> Neg for Dual<S> {
    type Output = Self;
    fn neg(self) -> Self {
        Dual { value: -self.value, tangent: -self.tangent }
    }
}

impl<S: Scalar> Add for Dual<S> {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Dual { value: self.value + other.value, tangent: self.tangent + other.tangent }
    }
}

impl<S: Scalar> Sub for Dual<S> {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Dual { value: self.value - other.value, tangent: self.tangent - other.tangent }
    }
}

impl<S: Scalar> Mul for Dual<S> {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let tangent = self.tangent * other.value + self.value * other.tangent;
        Dual { value: self.value * other.value, tangent }
    }
}

impl<S: Scalar> Div for Dual<S> {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        Dual { value, tangent: (self.tangent - value * other.tangent) / other.value }
    }
}

impl<S: Scalar> Add<f64> for Dual<S> {
    type Output = Self;
    fn add(self, other: f64) -> Self {
        Dual { value: self.value + other, tangent: self.tangent }
    }
}

impl<S: Scalar> Sub<f64> for Dual<S> {
    type Output = Self;
    fn sub(self, other: f64) -> Self {
        Dual { value: self.value - other, tangent: self.tangent }
    }
}

impl<S: Scalar> Mul<f64> for Dual<S> {
    type Output = Self;
    fn mul(self, other: f64) -> Self {
        Dual { value: self.value * other, tangent: self.tangent * other }
    }
}

impl<S: Scalar> Div<f64> for Dual<S> {
    type Output = Self;
    fn div(self, other: f64) -> Self {
        Dual { value: self.value / other, tangent: self.tangent / other }
    }
}

impl<S: Scalar> Scalar for Dual<S> {
    type Mask = S::Mask;

    fn constant(x: f64) -> Self {
        Dual::fixed(S::constant(x))
    }

    fn apply(self, f: Unary) -> Self {
        let value = self.value.apply(f);
        Dual { value, tangent: derivative(f, self.value, value) * self.tangent }
    }

    fn apply2(self, f: Binary, other: Self) -> Self {
        let value = self.value.apply2(f, other.value);
        let (a, b) = partials(f, self.value, other.value, value);
        Dual { value, tangent: a * self.tangent + b * other.tangent }
    }

    fn apply3(self, f: Ternary, second: Self, third: Self) -> Self {
        let value = self.value.apply3(f, second.value, third.value);
        let [a, b, c] = partials3(f, [self.value, second.value, third.value]);
        Dual { value, tangent: a * self.tangent + b * second.tangent + c * third.tangent }
    }

    fn less(self, other: Self) -> S::Mask {
        self.value.less(other.value)
    }

    fn same(self, other: Self) -> S::Mask {
        self.value.same(other.value)
    }

    fn select(mask: S::Mask, yes: Self, no: Self) -> Self {
        Dual {
            value: S::select(mask, yes.value, no.value),
            tangent: S::select(mask, yes.tangent, no.tangent),
        }
    }

    /// Both products of the tangent's rule are gated by the value: a derivative that is finite may
    /// have a tangent that is not.
    fn gated(self, derivative: Self) -> Self {
        let slope = self.value.kept(derivative.value);
        let tangent = self.tangent * slope + self.value.gated(derivative.tangent);
        Dual { value: self.value.gated(derivative.value), tangent }
    }
}
