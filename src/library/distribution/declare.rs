//! The macro that turns declarations of families into [`Density`] and [`ALL`].
//!
//! [`Density`]: super::Density
//! [`ALL`]: super::ALL

/// An optional section of a declaration.
macro_rules! section {
    () => {
        None
    };
    ($($section:tt)+) => {
        Some($($section)+)
    };
}

/// Declares families. The sections of a parameterization, in this order:
///
/// * `log_density(x)`: over any scalar;
/// * `sample(rng)`: a draw, where the parameters are known to be in their supports; may use `?`
///   on an `Option`;
/// * `moments`: (mean, variance), where they have a closed form;
/// * `ln_cdf(x)` with `ln_survival(x)`: ln P(X ≤ x) and ln P(X > x) over any scalar, for x in the
///   closure of the support, or (discrete) one below it.
macro_rules! families {
    ($(
        $(#[doc = $family_doc:literal])+
        $family:ident { $($field:ident: $setting:expr),* } = [$(
            $(#[doc = $doc:literal])+
            $density:ident($(
                $(#[doc = $parameter_doc:literal])+
                $parameter:ident: $support:expr
            ),*) on $variate:expr;
            log_density($x:ident) $log_density:block
            sample($rng:ident) $sample:block
            $(moments $moments:block)?
            $(ln_cdf($below:ident) $ln_cdf:block ln_survival($above:ident) $ln_survival:block)?
        )+]
    )+) => {
        /// A log density of the library: a family in one of its parameterizations.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Density {
            $($($(#[doc = $doc])+ $density,)+)+
        }

        /// Every family, in the order of declaration.
        pub static ALL: &[Family] = &[$(Family {
            name: stringify!($family),
            doc: concat!($($family_doc),+).trim_ascii(),
            parameterizations: &[$(Parameterization {
                density: Density::$density,
                parameters: &[$(Parameter {
                    name: stringify!($parameter),
                    support: $support,
                    doc: concat!($($parameter_doc),+).trim_ascii(),
                }),*],
                variate: $variate,
                doc: concat!($($doc),+).trim_ascii(),
            }),+],
            $($field: $setting,)*
            ..PLAIN
        }),+];

        impl Density {
            /// The declaration of this density.
            pub fn parameterization(self) -> &'static Parameterization {
                match self {
                    $($(Density::$density => {
                        const DECLARED: &Parameterization = &Parameterization {
                            density: Density::$density,
                            parameters: &[$(Parameter {
                                name: stringify!($parameter),
                                support: $support,
                                doc: concat!($($parameter_doc),+).trim_ascii(),
                            }),*],
                            variate: $variate,
                            doc: concat!($($doc),+).trim_ascii(),
                        };
                        DECLARED
                    })+)+
                }
            }

            /// ln p(x | parameters), fully normalised, with the parameters in positional order.
            #[inline]
            pub fn log_density<S: Scalar>(self, x: S, parameters: &[S]) -> S {
                match self {
                    $($(Density::$density => {
                        let [$($parameter),*] = take(parameters);
                        let $x = x;
                        $log_density
                    })+)+
                }
            }

            /// A draw, given parameters in their supports.
            fn draw(self, parameters: &[f64], rng: &mut impl Rng) -> Option<f64> {
                match self {
                    $($(Density::$density => {
                        let [$($parameter),*] = take(parameters);
                        let $rng = rng;
                        Some($sample)
                    })+)+
                }
            }

            /// Mean and variance, where they have a closed form; NaN or infinite where they do
            /// not exist.
            pub fn moments(self, parameters: &[f64]) -> Option<(f64, f64)> {
                match self {
                    $($(Density::$density => {
                        let [$($parameter),*] = take::<f64, _>(parameters);
                        let _ = ($($parameter,)*);
                        section!($($moments)?)
                    })+)+
                }
            }

            /// Whether the cdf can be computed with derivatives.
            pub fn has_cdf(self) -> bool {
                match self {
                    $($(Density::$density => {
                        let declared: Option<&str> = section!($(stringify!($ln_cdf))?);
                        declared.is_some()
                    })+)+
                }
            }

            /// ln P(X ≤ x) for x in the closure of the support or one below it.
            fn ln_cdf_inside<S: Scalar>(self, x: S, parameters: &[S]) -> Option<S> {
                match self {
                    $($(Density::$density => {
                        let [$($parameter),*] = take::<S, _>(parameters);
                        let _ = ($($parameter,)* x);
                        section!($({ let $below = x; $ln_cdf })?)
                    })+)+
                }
            }

            /// ln P(X > x) for x in the closure of the support or one below it.
            fn ln_survival_inside<S: Scalar>(self, x: S, parameters: &[S]) -> Option<S> {
                match self {
                    $($(Density::$density => {
                        let [$($parameter),*] = take::<S, _>(parameters);
                        let _ = ($($parameter,)* x);
                        section!($({ let $above = x; $ln_survival })?)
                    })+)+
                }
            }
        }
    };
}
