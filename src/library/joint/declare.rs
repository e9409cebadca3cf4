//! The macro that turns declarations of joint families into [`JointDensity`] and [`ALL`].
//!
//! [`JointDensity`]: super::JointDensity
//! [`ALL`]: super::ALL

/// Declares joint families. The sections of a parameterization, in this order:
///
/// * `log_density(extent, x)`: over any scalar, where the lengths are known to fit;
/// * `draw(extent, rng)`: where the arguments are known to be in their supports; may use `?` on
///   an `Option`.
///
/// In both a parameter's name stands for the slice of its values.
macro_rules! joint_families {
    ($(
        $(#[doc = $family_doc:literal])+
        $family:ident = [$(
            $(#[doc = $doc:literal])+
            $density:ident($(
                $(#[doc = $parameter_doc:literal])+
                $parameter:ident: $shape:expr, $support:expr
            );*) on $axes:literal, $variate:expr;
            log_density($extent:ident, $x:ident) $log_density:block
            draw($size:ident, $rng:ident) $draw:block
        )+]
    )+) => {
        /// A log density of several values: a joint family in one of its parameterizations.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum JointDensity {
            $($($(#[doc = $doc])+ $density,)+)+
        }

        /// Every joint family, in the order of declaration.
        pub static ALL: &[JointFamily] = &[$(JointFamily {
            name: stringify!($family),
            doc: concat!($($family_doc),+).trim_ascii(),
            parameterizations: &[$(JointParameterization {
                density: JointDensity::$density,
                parameters: &[$(JointParameter {
                    name: stringify!($parameter),
                    shape: $shape,
                    support: $support,
                    doc: concat!($($parameter_doc),+).trim_ascii(),
                }),*],
                joint_axes: $axes,
                variate: $variate,
                doc: concat!($($doc),+).trim_ascii(),
            }),+],
        }),+];

        impl JointDensity {
            /// The declaration of this density.
            pub fn parameterization(self) -> &'static JointParameterization {
                match self {
                    $($(JointDensity::$density => {
                        const DECLARED: &JointParameterization = &JointParameterization {
                            density: JointDensity::$density,
                            parameters: &[$(JointParameter {
                                name: stringify!($parameter),
                                shape: $shape,
                                support: $support,
                                doc: concat!($($parameter_doc),+).trim_ascii(),
                            }),*],
                            joint_axes: $axes,
                            variate: $variate,
                            doc: concat!($($doc),+).trim_ascii(),
                        };
                        DECLARED
                    })+)+
                }
            }

            /// ln p(x | arguments), given lengths that fit.
            fn log_density_of<S: Scalar>(
                self,
                extent: Extent,
                x: &[S],
                arguments: &[&[S]],
            ) -> S {
                match self {
                    $($(JointDensity::$density => {
                        let [$($parameter),*] = take(arguments);
                        let _ = ($($parameter,)*);
                        let ($extent, $x) = (extent, x);
                        $log_density
                    })+)+
                }
            }

            /// A draw, given arguments in their supports.
            fn draw_from(
                self,
                extent: Extent,
                arguments: &[&[f64]],
                rng: &mut impl Rng,
            ) -> Option<Vec<f64>> {
                match self {
                    $($(JointDensity::$density => {
                        let [$($parameter),*] = take(arguments);
                        let _ = ($($parameter,)*);
                        let ($size, $rng) = (extent, rng);
                        Some($draw)
                    })+)+
                }
            }
        }
    };
}
