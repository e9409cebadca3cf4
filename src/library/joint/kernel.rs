//! Covariance kernels of Gaussian processes: the covariance of the values at two inputs.
//!
//! Kernels add up and multiply to kernels; a process is [`MvNormal`](super::JointDensity) with the
//! covariance matrix that its kernel makes of the inputs. An input is one number or several.

use std::f64::consts::PI;

use super::take_numbers;
use crate::library::distribution::Parameter;
use crate::library::support::Support::{Positive, Real};
use crate::math::scalar::{Scalar, Unary};

/// A named covariance kernel with one or more forms.
#[derive(Clone, Copy, Debug)]
pub struct KernelFamily {
    /// The name as written in a program.
    pub name: &'static str,
    /// What it describes.
    pub doc: &'static str,
    /// Told apart by the names of their parameters; the first takes positional arguments.
    pub forms: &'static [KernelForm],
}

/// One choice of parameters of a kernel.
#[derive(Clone, Copy, Debug)]
pub struct KernelForm {
    /// The formula.
    pub kernel: Kernel,
    /// The parameters in positional order, all scalars.
    pub parameters: &'static [Parameter],
    /// The covariance as a formula in the distance r of the inputs, or in the inputs x and y.
    pub doc: &'static str,
}

/// A covariance kernel of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kernel {
    /// sd² exp(-(r / length)² / 2)
    ExpQuad,
    /// sd² exp(-r / length)
    Matern12,
    /// sd² (1 + s) exp(-s), s = √3 r / length
    Matern32,
    /// sd² (1 + s + s² / 3) exp(-s), s = √5 r / length
    Matern52,
    /// sd² exp(-2 sin²(π r / period) / length²)
    Periodic,
    /// sd² x · y
    Linear,
    /// sd² (x - center) · (y - center)
    LinearCentered,
    /// sd²
    Constant,
}

const SD: Parameter =
    Parameter { name: "sd", support: Positive, doc: "the standard deviation of the process" };
const LENGTH: Parameter =
    Parameter { name: "length", support: Positive, doc: "the distance over which it changes" };
const PERIOD: Parameter =
    Parameter { name: "period", support: Positive, doc: "the distance at which it repeats" };
const WIGGLE: Parameter = Parameter {
    name: "length",
    support: Positive,
    doc: "how smooth a period is: large is close to a sine wave",
};
const SLOPE: Parameter =
    Parameter { name: "sd", support: Positive, doc: "the standard deviation of the slope" };
const CENTER: Parameter =
    Parameter { name: "center", support: Real, doc: "the input at which the line is 0" };

/// Every kernel, in the order of the documentation.
pub static KERNELS: &[KernelFamily] = &[
    KernelFamily {
        name: "ExpQuad",
        doc: "Very smooth functions: the squared exponential kernel.",
        forms: &[KernelForm {
            kernel: Kernel::ExpQuad,
            parameters: &[SD, LENGTH],
            doc: "sd² exp(-(r / length)² / 2)",
        }],
    },
    KernelFamily {
        name: "Matern12",
        doc: "Continuous, rough functions: the exponential kernel.",
        forms: &[KernelForm {
            kernel: Kernel::Matern12,
            parameters: &[SD, LENGTH],
            doc: "sd² exp(-r / length)",
        }],
    },
    KernelFamily {
        name: "Matern32",
        doc: "Functions with one derivative.",
        forms: &[KernelForm {
            kernel: Kernel::Matern32,
            parameters: &[SD, LENGTH],
            doc: "sd² (1 + s) exp(-s), s = √3 r / length",
        }],
    },
    KernelFamily {
        name: "Matern52",
        doc: "Functions with two derivatives.",
        forms: &[KernelForm {
            kernel: Kernel::Matern52,
            parameters: &[SD, LENGTH],
            doc: "sd² (1 + s + s² / 3) exp(-s), s = √5 r / length",
        }],
    },
    KernelFamily {
        name: "Periodic",
        doc: "Functions that repeat.",
        forms: &[KernelForm {
            kernel: Kernel::Periodic,
            parameters: &[SD, WIGGLE, PERIOD],
            doc: "sd² exp(-2 sin²(π r / period) / length²)",
        }],
    },
    KernelFamily {
        name: "Linear",
        doc: "Straight lines.",
        forms: &[
            KernelForm { kernel: Kernel::Linear, parameters: &[SLOPE], doc: "sd² x · y" },
            KernelForm {
                kernel: Kernel::LinearCentered,
                parameters: &[SLOPE, CENTER],
                doc: "sd² (x - center) · (y - center)",
            },
        ],
    },
    KernelFamily {
        name: "Constant",
        doc: "One level for all inputs, to add to other kernels.",
        forms: &[KernelForm { kernel: Kernel::Constant, parameters: &[SD], doc: "sd²" }],
    },
];

/// The kernel of this name, if there is one.
pub fn kernel(name: &str) -> Option<&'static KernelFamily> {
    KERNELS.iter().find(|kernel| kernel.name == name)
}

impl Kernel {
    /// The family that declares it, with its parameters in positional order.
    pub fn declaration(self) -> Option<(&'static KernelFamily, &'static KernelForm)> {
        let mut forms = KERNELS.iter().flat_map(|family| family.forms.iter().map(move |f| (family, f)));
        forms.find(|(_, form)| form.kernel == self)
    }

    /// The covariance of the values at two inputs of the same length, with the parameters in
    /// positional order.
    pub fn covariance<S: Scalar>(self, x: &[S], y: &[S], parameters: &[S]) -> S {
        let [sd, second, third] = take_numbers(parameters);
        let scaled = |by: f64| distance(x, y) * by / second;
        let correlation = match self {
            Kernel::ExpQuad => (squared_distance(x, y) / second.square() * -0.5).exp(),
            Kernel::Matern12 => (-scaled(1.0)).exp(),
            Kernel::Matern32 => {
                let s = scaled(3_f64.sqrt());
                (s + 1.0) * (-s).exp()
            }
            Kernel::Matern52 => {
                let s = scaled(5_f64.sqrt());
                (s + s.square() / 3.0 + 1.0) * (-s).exp()
            }
            Kernel::Periodic => {
                let wave = (distance(x, y) * PI / third).apply(Unary::Sin);
                ((wave / second).square() * -2.0).exp()
            }
            Kernel::Linear => product(x, y, S::constant(0.0)),
            Kernel::LinearCentered => product(x, y, second),
            Kernel::Constant => S::constant(1.0),
        };
        sd.square() * correlation
    }
}

fn product<S: Scalar>(x: &[S], y: &[S], center: S) -> S {
    super::sum(x.iter().zip(y).map(|(&x, &y)| (x - center) * (y - center)))
}

fn squared_distance<S: Scalar>(x: &[S], y: &[S]) -> S {
    super::sum(x.iter().zip(y).map(|(&x, &y)| (x - y).square()))
}

/// The Euclidean distance; of single numbers |x - y|, which has a slope at 0.
fn distance<S: Scalar>(x: &[S], y: &[S]) -> S {
    match (x, y) {
        ([x], [y]) => (*x - *y).abs(),
        _ => squared_distance(x, y).sqrt(),
    }
}
